"""`python -m training.evaluate --model DIR --data DIR`: exact match and F1 with the gold passage given.

As SQuAD's script computes them (Rajpurkar et al. 2016, 2018), on SQuADShifts new-wiki (always answering) and on the
SQuAD 2.0 articles held out (at threshold 0, at its best threshold, and at the one fitted on the held-out part of
train/). Intervals are 95 % percentile bootstrap over paragraphs, as questions on one paragraph are not independent.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from eval.bootstrap import mean
from eval.metrics import auroc, best_threshold, exact_match, f1
from rag.models.reader import MAX_SPAN_TOKENS, Network, is_own, lead, load_parts
from rag.models.windows import Windows
from training.data import data_folder, load_clapnq, load_squad_json, load_training
from training.features import batches
from training.noise import respell_names
from training.records import Question


@dataclass(frozen=True)
class Prediction:
    """The best span of all windows: its text, its characters in the passage, and its margin over null (logit)."""

    text: str
    start: int
    end: int
    margin: float


def predict(
    network: Network, windows: Windows, pairs: list[tuple[str, str, str]], budget: int = 4096
) -> list[Prediction]:
    """Best span of each (question, what stands before the passage, passage), read in batches of like length."""
    cut = windows.cut([(question, before + passage) for question, before, passage in pairs])
    lengths = np.array([len(window.ids) for window in cut])
    best: list[Prediction | None] = [None] * len(pairs)
    for chosen in tqdm(batches(lengths, budget, len(lengths), seed=0), desc="reading", disable=None, leave=False):
        batch = windows.inputs([cut[i] for i in chosen])
        with torch.inference_mode():
            start, end, _ = network(**batch)
        start, end = start.float(), end.float()
        size = start.shape[1]
        allowed = torch.zeros(len(chosen), size, dtype=torch.bool)
        for row, index in enumerate(chosen):
            window = cut[index]
            lead = len(pairs[window.pair][1])
            inside = [of and left >= lead for of, (left, _) in zip(window.inside, window.offsets, strict=True)]
            allowed[row, : len(inside)] = torch.tensor(inside)
        null = (start[:, 0] + end[:, 0]).tolist()
        start = start.masked_fill(~allowed, -1e4)
        end = end.masked_fill(~allowed, -1e4)
        band = torch.ones(size, size, dtype=torch.bool).triu().tril(MAX_SPAN_TOKENS - 1)
        scores = (start[:, :, None] + end[:, None, :]).masked_fill(~band, -1e9).flatten(1)
        top, place = scores.max(1)
        for row, index in enumerate(chosen):
            window = cut[index]
            _, before, passage = pairs[window.pair]
            first, last = divmod(int(place[row]), size)
            left, right = window.offsets[first][0] - len(before), window.offsets[last][1] - len(before)
            margin = float(top[row]) - null[row]
            known = best[window.pair]
            if known is None or margin > known.margin:
                best[window.pair] = Prediction(passage[left:right], left, right, margin)
    return [found for found in best if found is not None]


def scores(questions: list[Question], predictions: list[Prediction], threshold: float | None) -> np.ndarray:
    """Exact match and F1, (n_questions, 2); a margin not over the threshold answers nothing (None: always answers)."""
    rows = []
    for question, found in zip(questions, predictions, strict=True):
        text = "" if threshold is not None and found.margin <= threshold else found.text
        accepted = [answer for _, answer in question.answers]
        rows.append((exact_match(text, accepted), f1(text, accepted)))
    return np.array(rows)


def margins(predictions: list[Prediction]) -> np.ndarray:
    """Of each prediction, (n,)."""
    return np.array([found.margin for found in predictions])


def answerable(questions: list[Question]) -> np.ndarray:
    """Whether each question has an answer, (n,) bool."""
    return np.array([bool(question.answers) for question in questions])


def threshold_of(questions: list[Question], predictions: list[Prediction]) -> float:
    """The threshold on the margin with the highest F1 on these questions."""
    return best_threshold(margins(predictions), scores(questions, predictions, None)[:, 1], answerable(questions))[1]


def report(
    name: str, questions: list[Question], predictions: list[Prediction], threshold: float | None
) -> dict[str, Any]:
    """One row of figures in percent, printed and returned."""
    result = scores(questions, predictions, threshold) * 100
    groups = [question.context for question in questions]
    row: dict[str, Any] = {"set": name, "questions": len(questions), "threshold": threshold}
    for column, key in enumerate(("exact", "f1")):
        row[key] = float(result[:, column].mean())
        estimate = mean(result[:, column].tolist(), groups)
        assert estimate is not None
        row[f"{key}_interval"] = (estimate.low, estimate.high)
    has = answerable(questions)
    if not has.all():
        row["f1_answerable"] = float(result[has, 1].mean())
        row["refused_unanswerable"] = float(result[~has, 0].mean())
    text = f"{name:44s} n {len(questions):5d}"
    for key in ("exact", "f1"):
        low, high = row[f"{key}_interval"]
        text += f"  {key} {row[key]:.1f}" + ("" if low is None else f" [{low:.1f}, {high:.1f}]")
    if "refused_unanswerable" in row:
        text += f"  answerable f1 {row['f1_answerable']:.1f}, refused {row['refused_unanswerable']:.1f}"
    print(text, flush=True)
    return row


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=data_folder, required=True)
    parser.add_argument("--limit", type=int, help="questions of new-wiki, drawn by a fixed seed (all by default)")
    parser.add_argument("--only-new-wiki", action="store_true", help="for a quick point of the learning curve")
    parser.add_argument("--out", type=Path, help="JSON file for figures and predictions")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(arguments.threads)
    network, windows = load_parts(arguments.model)

    def read(questions: list[Question]) -> list[Prediction]:
        own = is_own(arguments.model)
        pairs = [(q.text, lead(q.title, q.date) if own else "", q.context) for q in questions]
        return predict(network, windows, pairs)

    rows, kept = [], {}
    wiki = load_squad_json(arguments.data / "eval" / "squadshifts_new_wiki.json")
    if arguments.limit:
        wiki = Random(0).sample(wiki, min(arguments.limit, len(wiki)))
    found = read(wiki)
    kept["new-wiki"] = (wiki, found)
    rows.append(report("new-wiki, always answering", wiki, found, None))
    if not arguments.only_new_wiki:
        part = [place for place, q in enumerate(wiki) if q.text.lower().split()[0] in ("why", "how")]
        rows.append(report("new-wiki: why and how", [wiki[p] for p in part], [found[p] for p in part], None))
        random = Random(0)
        respelt = [(q, respell_names(q.text, q.context, random)) for q in wiki]
        changed = [(q, text) for q, text in respelt if text != q.text][:1000]
        asked = [question for question, _ in changed]
        rows.append(report("new-wiki: names as written", asked, read(asked), None))
        typed = [replace(question, text=text) for question, text in changed]
        rows.append(report("new-wiki: the same, one name respelt", asked, read(typed), None))
        _, held_out = load_training(arguments.data)
        found = read(held_out)
        kept["held-out part of train"] = (held_out, found)
        for dataset in sorted({question.dataset for question in held_out}):
            part = [place for place, q in enumerate(held_out) if q.dataset == dataset and q.answers]
            chosen, made = [held_out[place] for place in part], [found[place] for place in part]
            if part:
                rows.append(report(f"held out of train: {dataset}, answerable", chosen, made, None))
        part = [place for place, q in enumerate(held_out) if q.dataset in ("squad", "disfl_qa")]
        fitted = threshold_of([held_out[place] for place in part], [found[place] for place in part])
        squad = load_squad_json(arguments.data / "eval" / "squad2_heldout_a.json")
        found = read(squad)
        kept["squad2"] = (squad, found)
        rows.append(report("SQuAD 2.0 held out, threshold 0", squad, found, 0.0))
        rows.append(report("SQuAD 2.0 held out, best threshold", squad, found, threshold_of(squad, found)))
        rows.append(report("SQuAD 2.0 held out, threshold from train", squad, found, fitted))
        area = auroc(margins(found), answerable(squad))
        rows.append({"set": "SQuAD 2.0 held out", "auroc": area, "fitted_threshold": fitted})
        print(f"SQuAD 2.0 held out: AUROC of the margin {area:.3f}; threshold fitted on train {fitted:.2f}")
        near = load_clapnq(arguments.data / "eval" / "clapnq_a.jsonl.gz")
        found = read(near)
        kept["clapnq"] = (near, found)
        area = auroc(margins(found), answerable(near))
        inside = [
            float(any(start <= made.start < start + len(text) for start, text in question.answers))
            for question, made in zip(near, found, strict=True)
            if question.answers
        ]
        rows.append({"set": "CLAPNQ", "auroc": area, "span_in_evidence": float(np.mean(inside)) * 100})
        print(f"CLAPNQ: AUROC of the margin {area:.3f}; span in an evidence sentence {np.mean(inside) * 100:.1f}")
    if arguments.out:
        predictions = {
            name: [
                [q.id, made.text, made.start, round(made.margin, 3)] for q, made in zip(questions, found, strict=True)
            ]
            for name, (questions, found) in kept.items()
        }
        arguments.out.write_text(json.dumps({"rows": rows, "predictions": predictions}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
