"""`python -m training.evaluate --model DIR --data DIR`: exact match and F1 with the gold passage given.

As SQuAD's script computes them (Rajpurkar et al. 2016, 2018), on SQuADShifts new-wiki (always answering) and on the
SQuAD 2.0 articles held out (at threshold 0, at its best threshold, and at the one fitted on the held-out part of
train/). Intervals are 95 % percentile bootstrap over paragraphs, as questions on one paragraph are not independent.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from eval.bootstrap import mean
from eval.metrics import auroc, best_threshold, exact_match, f1
from rag.models.phrasing import lead
from rag.models.reader import MAX_SPAN_TOKENS, Network, is_own, load_parts
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


Read = Callable[[list[Question]], list[Prediction]]


@dataclass
class Evaluation:
    """Sets that a network is asked, the rows of figures that came, and what was predicted for each set."""

    data: Path
    read: Read
    rows: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, tuple[list[Question], list[Prediction]]] = field(default_factory=dict)

    def report(self, name: str, questions: list[Question], found: list[Prediction], threshold: float | None) -> None:
        self.rows.append(report(name, questions, found, threshold))

    def part(self, name: str, of: str, chosen: Callable[[Question], bool]) -> None:
        """A row on some of the questions of a set, always answering; none where there are none."""
        pairs = [(q, made) for q, made in zip(*self.kept[of], strict=True) if chosen(q)]
        if pairs:
            self.report(name, [q for q, _ in pairs], [made for _, made in pairs], None)

    def new_wiki(self, limit: int | None, only: bool) -> None:
        wiki = load_squad_json(self.data / "eval" / "squadshifts_new_wiki.json")
        if limit:
            wiki = Random(0).sample(wiki, min(limit, len(wiki)))
        found = self.read(wiki)
        self.kept["new-wiki"] = (wiki, found)
        self.report("new-wiki, always answering", wiki, found, None)
        if only:
            return
        self.part("new-wiki: why and how", "new-wiki", lambda q: q.text.lower().split()[0] in ("why", "how"))
        random = Random(0)
        respelt = [(q, respell_names(q.text, q.context, random)) for q in wiki]
        changed = [(q, text) for q, text in respelt if text != q.text][:1000]
        asked = [question for question, _ in changed]
        self.report("new-wiki: names as written", asked, self.read(asked), None)
        typed = [replace(question, text=text) for question, text in changed]
        self.report("new-wiki: the same, one name respelt", asked, self.read(typed), None)

    def held_out(self) -> float:
        """What training left out; the threshold that fits its questions of SQuAD's kind."""
        name = "held-out part of train"
        _, questions = load_training(self.data)
        found = self.read(questions)
        self.kept[name] = (questions, found)
        for dataset in sorted({question.dataset for question in questions}):
            of_set = partial(lambda q, of: q.dataset == of and bool(q.answers), of=dataset)
            self.part(f"held out of train: {dataset}, answerable", name, of_set)
        pairs = [pair for pair in zip(questions, found, strict=True) if pair[0].dataset in ("squad", "disfl_qa")]
        return threshold_of([question for question, _ in pairs], [made for _, made in pairs])

    def squad(self, fitted: float) -> None:
        squad = load_squad_json(self.data / "eval" / "squad2_heldout_a.json")
        found = self.read(squad)
        self.kept["squad2"] = (squad, found)
        self.report("SQuAD 2.0 held out, threshold 0", squad, found, 0.0)
        self.report("SQuAD 2.0 held out, best threshold", squad, found, threshold_of(squad, found))
        self.report("SQuAD 2.0 held out, threshold from train", squad, found, fitted)
        area = auroc(margins(found), answerable(squad))
        self.rows.append({"set": "SQuAD 2.0 held out", "auroc": area, "fitted_threshold": fitted})
        print(f"SQuAD 2.0 held out: AUROC of the margin {area:.3f}; threshold fitted on train {fitted:.2f}")

    def clapnq(self) -> None:
        near = load_clapnq(self.data / "eval" / "clapnq_a.jsonl.gz")
        found = self.read(near)
        self.kept["clapnq"] = (near, found)
        area = auroc(margins(found), answerable(near))
        inside = [
            float(any(start <= made.start < start + len(text) for start, text in question.answers))
            for question, made in zip(near, found, strict=True)
            if question.answers
        ]
        self.rows.append({"set": "CLAPNQ", "auroc": area, "span_in_evidence": float(np.mean(inside)) * 100})
        print(f"CLAPNQ: AUROC of the margin {area:.3f}; span in an evidence sentence {np.mean(inside) * 100:.1f}")

    def save(self, path: Path) -> None:
        predictions = {
            name: [
                [q.id, made.text, made.start, round(made.margin, 3)] for q, made in zip(questions, found, strict=True)
            ]
            for name, (questions, found) in self.kept.items()
        }
        path.write_text(json.dumps({"rows": self.rows, "predictions": predictions}, indent=1), encoding="utf-8")


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
    own = is_own(arguments.model)

    def read(questions: list[Question]) -> list[Prediction]:
        return predict(network, windows, [(q.text, lead(q.title, q.date) if own else "", q.context) for q in questions])

    evaluation = Evaluation(arguments.data, read)
    evaluation.new_wiki(arguments.limit, arguments.only_new_wiki)
    if not arguments.only_new_wiki:
        evaluation.squad(evaluation.held_out())
        evaluation.clapnq()
    if arguments.out:
        evaluation.save(arguments.out)


if __name__ == "__main__":
    main()
