"""`python -m training.compare --data DATA --model DIR…`: networks on the same windows that training left out.

To choose between recipes and means of weights in minutes a network on two cores, before retrieval, confidence and
verifier are fitted to one of them: AUROC of what each decides.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from eval.metrics import auroc
from rag.models.hardware import inference_dtype
from rag.models.network import ReaderNetwork, load_network
from rag.models.reader import MAX_SPAN_TOKENS
from training.data import data_folder, left_out_twins, load_articles, load_claims, load_training
from training.features import Features, batches, collate, encode
from training.mixture import build
from training.trainer import evidence_margin, network_scores, within_passage
from training.written import load_fields

SEED = 11
KINDS = {
    "news/answered": 150, "news/cut": 50, "news/sister": 100, "news/unanswerable": 60, "news/yes-no": 150,
    "news/undecided": 120, "passages/answered": 150, "passages/undecided": 90, "foreign": 150,
    "claim-news/supported": 90, "claim-news/contradicted": 60, "claim-news/not_stated": 60,
    "fields/answered": 150, "fields/cut": 40, "fields/sister": 60, "fields/unanswerable": 30, "fields/twin": 70,
    "fields/yes-no": 80, "fields/undecided": 80, "claim-fields/supported": 50, "claim-fields/contradicted": 50,
    "claim-fields/not_stated": 30, "claim-drafts/supported": 100, "claim-drafts/contradicted": 70,
    "claim-drafts/not_stated": 50, "claim-news-drafts/supported": 60, "claim-news-drafts/contradicted": 40,
    "claim-news-drafts/not_stated": 20, "claim-passage-drafts/supported": 60, "claim-passage-drafts/contradicted": 40,
    "claim-passage-drafts/not_stated": 20, "news-questions/answered": 150, "news-questions/cut": 40,
    "news-questions/sister": 60, "news-questions/twin": 70, "news-questions/yes-no": 40, "news-questions/undecided": 40,
    "news-talks/answered": 150, "news-talks/cut": 40, "news-talks/sister": 60, "news-talks/twin": 70,
    "news-untold/twin": 60, "notices/answered": 150, "notices/sister": 50, "notices/twin": 150,
    "notices/yes-no": 60, "notices/undecided": 60, "tables/answered": 100, "tables/cut": 30, "tables/twin": 80,
    "tables/yes-no": 80, "tables/undecided": 80, "asking/answered": 80, "asking/twin": 80,
    "plain/answered": 150, "plain/cut": 40, "plain/twin": 100, "plain/yes-no": 60,
}  # fmt: skip
"""Windows of each kind, at most."""
DECIDED = ("news/yes-no", "passages/answered", "fields/yes-no", "news-questions/yes-no", "notices/yes-no")


@dataclass(frozen=True)
class Read:
    """What a network says of windows, each (n_windows,): logits over "nothing", and of the first token's outputs."""

    margin: npt.NDArray[np.float64]  # of the best span
    support: npt.NDArray[np.float64]  # of all spans together
    denial: npt.NDArray[np.float64]
    polar: npt.NDArray[np.float64]


def windows(data: Path, tokenizer: PreTrainedTokenizerBase) -> tuple[Features, npt.NDArray[np.str_]]:
    """The windows and the kind of each, the same for the same data: of what was written for the project."""
    (_, questions), (_, claims) = load_training(data), load_claims(data)
    news = [question for question in questions if question.article] + left_out_twins(data)
    texts, asked, said = load_fields(held_out=True)
    of_news = [claim for claim in claims if claim.dataset in ("news", "news-drafts", "passage-drafts")]
    made = build(news + asked, {}, SEED, of_news + said, load_articles(data) | texts)
    random, chosen = Random(SEED), []
    for kind, limit in KINDS.items():
        # A claim asked as a question is read otherwise than a claim.
        fit = [e for e in made if e.kind == kind and not (kind.startswith("claim") and e.polar)]
        chosen += random.sample(fit, min(limit, len(fit)))
    chosen = [e for e in chosen if len(encode([e], tokenizer, SEED))]  # the others have no window
    features = encode(chosen, tokenizer, SEED)
    # A part of a passage without its answer is another kind of window.
    kinds = [e.kind if e.start < 0 or start else "part" for e, start in zip(chosen, features.start, strict=True)]
    return features, np.array(kinds)


@torch.inference_mode()
def read(network: ReaderNetwork, features: Features, padding: int) -> Read:
    """What a network says of windows, in their order."""
    rows = np.zeros((len(features), 4))
    for chosen in tqdm(batches(np.diff(features.bounds), 4096, len(features), SEED), disable=None, leave=False):
        batch = collate(features, chosen, padding)
        start, end, asked = network_scores(network, batch)
        start, end = within_passage(start, batch), within_passage(end, batch)
        size = start.shape[1]
        band = torch.ones(size, size, dtype=torch.bool).triu().tril(MAX_SPAN_TOKENS - 1)
        band[0] = False
        best = (start[:, :, None] + end[:, None, :]).masked_fill(~band, -torch.inf).flatten(1).max(1).values
        support = evidence_margin(start, end)
        rows[chosen] = torch.stack([best - start[:, 0] - end[:, 0], support, asked[:, 0], asked[:, 1]], dim=1).numpy()
    return Read(*rows.T)


def figures(said: Read, kinds: npt.NDArray[np.str_], features: Features) -> dict[str, float]:
    """AUROC by what is told apart; `features` hold the labels."""

    def apart(values: npt.NDArray[np.float64], kind: str, others: Sequence[str]) -> float:
        of_kind, of_others = kinds == kind, np.isin(kinds, others)
        return auroc(values[of_kind | of_others], of_kind[of_kind | of_others]) or 0.0

    def answered(dataset: str, *others: str) -> float:
        return apart(said.margin, f"{dataset}/answered", [f"{dataset}/{other}" for other in others])

    def supported(dataset: str) -> float:
        of_set = f"claim-{dataset}"
        return apart(said.support, f"{of_set}/supported", [f"{of_set}/contradicted", f"{of_set}/not_stated"])

    decided, known = np.isin(kinds, DECIDED), features.polar >= 0
    return {
        "answered or not": answered("news", "cut", "sister", "unanswerable"),
        "decided or open": apart(said.margin, "news/yes-no", ["news/undecided"]),
        "decided or open in passages": apart(said.margin, "passages/answered", ["passages/undecided"]),
        "yes or no": auroc(said.denial[decided], features.denial[decided] == 1) or 0.0,
        "asks for yes or no": auroc(said.polar[known], features.polar[known] == 1) or 0.0,
        "claim supported": supported("news"),
        "answered or not in fields": answered("fields", "cut", "sister", "unanswerable", "twin"),
        "decided or open in fields": apart(said.margin, "fields/yes-no", ["fields/undecided"]),
        "answered or not in other words": answered("news-questions", "cut", "sister", "twin"),
        "decided or open in other words": apart(said.margin, "news-questions/yes-no", ["news-questions/undecided"]),
        "told or untold": apart(said.margin, "news-questions/answered", ["news-untold/twin"]),
        "answered or not in short texts": answered("notices", "sister", "twin"),
        "decided or open in short texts": apart(said.margin, "notices/yes-no", ["notices/undecided"]),
        "answered or not in tables": answered("tables", "cut", "twin"),
        "decided or open in tables": apart(said.margin, "tables/yes-no", ["tables/undecided"]),
        "answered or not where a text asks": answered("asking", "twin"),
        "answered or not in plain words": answered("plain", "cut", "twin"),
        "answered or not in conversations": answered("news-talks", "cut", "sister", "twin"),
        "claim supported in fields": supported("fields"),
        "sentence of a draft supported": supported("drafts"),
        "sentence of a draft supported in news": supported("news-drafts"),
        "sentence of a draft supported in passages": supported("passage-drafts"),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=data_folder, required=True, help="folder that holds train/")
    parser.add_argument("--model", type=Path, required=True, nargs="+", help="folders of weights of one tokenizer")
    given = parser.parse_args(argv)
    tokenizer = AutoTokenizer.from_pretrained(given.model[0])
    features, kinds = windows(given.data, tokenizer)
    print(f"{len(features)} windows")
    for folder in given.model:
        network = load_network(folder, inference_dtype()).eval()
        row = figures(read(network, features, tokenizer.pad_token_id), kinds, features)
        print(f"{folder}: {', '.join(f'{name} {value:.3f}' for name, value in row.items())}", flush=True)


if __name__ == "__main__":
    main()
