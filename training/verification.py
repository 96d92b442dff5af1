"""Fit the verifier's decision on claims that training left out.

`python -m training.verification --data DIR --work DIR` writes it and prints what it is worth.

News claims are checked against their whole article, cut as an index cuts it; those of other sets against their premise.
Each set counts the same, and true and false claims of it as much as each other.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from eval import regression
from eval.metrics import auroc
from eval.systems import cut
from rag.config import Settings
from rag.grounding.verifier import DEFAULT_FILE, SIGNS, Verifier, signals, states_something
from rag.logistic import sigmoid, weigh
from rag.models.embedding import Embedder
from rag.models.reader import Reader
from rag.parts import Parts
from rag.types import Chunk, Document
from training.data import load_claims
from training.records import LABELS, Claim
from training.written import load_fields

LET_THROUGH = 0.05
"""Share of the false claims of the news held out that may pass."""
WRONGLY_DENIED = 0.05
"""Share of the news claims held out that are not contradicted which may count as contradicted."""
NEWS_WEIGHT = 6.0  # of the news against one public set


@dataclass(frozen=True)
class Checked:
    """A claim, and the signals of the passage that speaks for it most.

    `denied`: of a claim that was asked as a question too, the probability that the sentence which decides denies it.
    """

    dataset: str
    label: str
    signals: dict[str, float]
    denied: float | None = None

    @property
    def true(self) -> bool:
        return self.label == "supported"


def main() -> None:
    """Write the weights and print what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the reader said")
    parser.add_argument("--reader", default="default")
    parser.add_argument("--limit", type=int, default=1200, help="claims, at most, evenly drawn")
    parser.add_argument("--questions", type=int, default=200, help="news claims that are asked as questions, too")
    parser.add_argument("--output", type=Path, default=DEFAULT_FILE)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    kept = given.work / "checked.json"
    if kept.exists():
        checked = [Checked(**row) for row in json.loads(kept.read_text(encoding="utf-8"))]
        print(f"read {len(checked)} claims from {kept}; remove it to check them again")
    else:
        settings = Settings(reader=given.reader)
        parts = Parts.load(settings)
        held_out = load_claims(given.data)[1] + load_fields(held_out=True)[2]
        halves = ([claim for claim in held_out if (claim.dataset == "news") is own] for own in (True, False))
        chosen = [claim for half in halves for claim in _evenly(half, given.limit // 2)]
        asked = set(map(id, _evenly([claim for claim in chosen if claim.dataset == "news"], given.questions)))
        found = (
            check(claim, parts.reader, _passages(claim, parts.embedder), id(claim) in asked)
            for claim in tqdm(chosen, disable=None)
        )
        checked = [item for item in found if item]
        kept.write_text(json.dumps([vars(c) for c in checked]), encoding="utf-8")
    news = [item for item in checked if item.dataset == "news"]
    others = [item for item in checked if item.dataset != "news"]
    print(f"news, fitted on the other sets: {figures(fit(others), news)}")
    print(f"other sets, fitted on the news: {figures(fit(news), others)}")
    weights = fit(checked)
    print(f"news, fitted on all: {figures(weights, news)}")
    false = [sigmoid(weigh(weights, item.signals)) for item in news if not item.true]
    threshold = round(float(np.quantile(false, 1 - LET_THROUGH)), 3)
    denied = {label: [c.denied for c in news if c.denied is not None and c.label == label] for label in LABELS}
    rest = denied["supported"] + denied["not_stated"]
    bound = round(float(np.quantile(rest, 1 - WRONGLY_DENIED)), 5)
    for label, sure in denied.items():
        if sure:
            print(f"{label}: {len(sure)} asked, {np.mean(np.array(sure) >= bound):.3f} contradicted from {bound} on")
    made = {"weights": weights, "threshold": threshold, "denial_threshold": bound}
    given.output.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(made, indent=2))


def _evenly(claims: Sequence[Claim], limit: int) -> list[Claim]:
    return list(claims) if len(claims) <= limit else [claims[i * len(claims) // limit] for i in range(limit)]


def _passages(claim: Claim, embedder: Embedder) -> list[Chunk]:
    """The premise as an index cuts it."""
    document = Document(claim.article or claim.group, claim.title, claim.premise, claim.group, date=claim.date)
    return [replace(chunk, date=claim.date) for chunk in cut([document], embedder)]


def check(claim: Claim, reader: Reader, passages: Sequence[Chunk], ask: bool) -> Checked | None:
    """The claim with the signals of the passage that supports it most; None where it states nothing."""
    if not passages or not states_something(claim.text):
        return None
    found = [signals(span) for span in reader.read(claim.text, passages)]
    denied = None
    if ask:
        against = Verifier(reader, {}, 1.0, denial_threshold=0.0).denials(claim.text, passages)
        denied = against[0].probability if against else 0.0
    return Checked(claim.dataset, claim.label, max(found, key=lambda values: values["support"]), denied)


def fit(checked: Sequence[Checked]) -> dict[str, float]:
    """Weights by the names of the signals, and a bias."""
    counts = Counter((c.dataset, c.true) for c in checked)
    weights = [(NEWS_WEIGHT if c.dataset == "news" else 1.0) / counts[c.dataset, c.true] for c in checked]
    return regression.fit([c.signals for c in checked], [c.true for c in checked], weights, SIGNS)


def figures(weights: dict[str, float], checked: Sequence[Checked]) -> str:
    """How well these weights tell true claims from false ones."""
    scores = np.array([sigmoid(weigh(weights, c.signals)) for c in checked])
    true = np.array([c.true for c in checked])
    kept = (scores[true] > np.quantile(scores[~true], 1 - LET_THROUGH)).mean()
    share = f"{kept:.3f} of the true kept at {LET_THROUGH:.0%} of the false"
    return f"{len(true)} claims, {true.sum()} true, AUROC {auroc(scores, true):.3f}, {share}"


if __name__ == "__main__":
    main()
