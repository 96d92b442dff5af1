"""Fit the verifier's decision on claims that training left out.

`python -m training.verification --data DIR --work DIR` writes it and prints what it is worth.

Claims on an article are checked against all of it, cut as an index cuts it; those of other sets against their premise.
Each set counts by `SET_WEIGHTS`, and true and false claims of it as much as each other.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from tqdm import tqdm

from eval import regression
from eval.metrics import auroc, kept_at
from eval.systems import cut
from rag.config import Settings
from rag.grounding.joining import joined
from rag.grounding.verifier import FILE_NAME, SIGNS, Verifier, places_telling, signals, states_something
from rag.logistic import sigmoid, weigh
from rag.models.embedding import Embedder
from rag.models.reader import CLAIMS, SHIPPED, Reader, load_claim_reader
from rag.parts import Parts
from rag.types import Chunk, Document
from training.data import data_folder, load_claims
from training.leaning import DATASET, alone
from training.records import LABELS, Claim
from training.written import STRANGERS, load_fields

LET_THROUGH = 0.05
"""Share of the false sentences of drafts held out that may pass."""
WRONGLY_DENIED = 0.02  # low, as a check reads passages of all articles, and not of the one alone that tells
"""Share of the claims of news and drafts held out that are not contradicted which may count as contradicted."""
# Of a set against a public one.
SET_WEIGHTS = {
    "news": 6.0,
    "tables": 2.0,
    "strangers": 6.0,
    "drafts": 3.0,
    "news-drafts": 3.0,
    "passage-drafts": 3.0,
    DATASET: 3.0,
}
KINDS = ("news", "strangers", "drafts", DATASET, "others")


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

    @property
    def kind(self) -> str:
        return kind_of(self.dataset)


def kind_of(dataset: str) -> str:
    """Which of `KINDS` a set is of."""
    return "drafts" if dataset.endswith("drafts") else dataset if dataset in KINDS else "others"


def main() -> None:
    """Write the weights and print what they are worth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=data_folder, required=True, help="folder that holds train/")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the reader said")
    parser.add_argument("--reader", default="default", choices=list(SHIPPED))
    parser.add_argument("--limit", type=int, default=600, help="claims of news, of drafts and of others, at most each")
    parser.add_argument(
        "--questions", type=int, default=400, help="of news and drafts that are asked as questions, too"
    )
    parser.add_argument("--output", type=Path, help="file to write (beside the weights that read claims)")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    folder = CLAIMS if given.reader == "default" else SHIPPED[given.reader]
    digest = (folder / "SHA256").read_text(encoding="utf-8")[:8]
    kept = given.work / f"checked-{digest}-{given.limit}-{given.questions}.json"  # of these weights
    if kept.exists():
        checked = [Checked(**row) for row in json.loads(kept.read_text(encoding="utf-8"))]
        print(f"read {len(checked)} claims from {kept}; remove it to check them again")
    else:
        settings = Settings(reader=given.reader)
        parts = Parts.load(settings)
        reader = load_claim_reader(settings.reader, parts.reader)
        held_out = load_claims(given.data)[1] + load_fields(held_out=True)[2]
        held_out += load_fields([STRANGERS], held_out=True)[2]
        each = ([claim for claim in held_out if kind_of(claim.dataset) == kind] for kind in KINDS)
        chosen = [claim for claims in each for claim in _evenly(claims, given.limit)]
        # what leans is asked alone, without what it leans on
        told_why = [claim for claim in chosen if kind_of(claim.dataset) not in (DATASET, "others")]
        asked = set(map(id, _evenly(told_why, given.questions)))
        found = (
            check(claim, reader, _passages(claim, parts.embedder), id(claim) in asked)
            for claim in tqdm(chosen, disable=None)
        )
        checked = [item for item in found if item]
        partial = kept.with_suffix(".partial")
        partial.write_text(json.dumps([vars(c) for c in checked]), encoding="utf-8")
        partial.replace(kept)
    by_kind = {kind: [item for item in checked if item.kind == kind] for kind in KINDS}
    for kind, own in by_kind.items():
        rest = [item for item in checked if item.kind != kind]
        print(f"{kind}, fitted on the others: {figures(fit(rest), own)}")
    weights = fit(checked)
    for kind, own in by_kind.items():
        print(f"{kind}, fitted on all: {figures(weights, own)}")
    drafted = by_kind["drafts"] + by_kind[DATASET]
    false = [sigmoid(weigh(weights, item.signals)) for item in drafted if not item.true]
    threshold = round(float(np.quantile(false, 1 - LET_THROUGH)), 3)
    denied = {label: [c.denied for c in checked if c.denied is not None and c.label == label] for label in LABELS}
    undenied = denied["supported"] + denied["not_stated"]
    bound = round(float(np.quantile(undenied, 1 - WRONGLY_DENIED)), 5)
    for label, sure in denied.items():
        if sure:
            print(f"{label}: {len(sure)} asked, {np.mean(np.array(sure) >= bound):.3f} contradicted from {bound} on")
    made = {"weights": weights, "threshold": threshold, "denial_threshold": bound}
    made["reads_before"] = given.reader == "default"  # the small one was not trained on what leans
    output = given.output or folder / FILE_NAME
    output.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(made, indent=2))


def _evenly(claims: Sequence[Claim], limit: int) -> list[Claim]:
    return list(claims) if len(claims) <= limit else [claims[i * len(claims) // limit] for i in range(limit)]


def _passages(claim: Claim, embedder: Embedder) -> list[Chunk]:
    """The premise as an index cuts it."""
    document = Document(claim.article or claim.group, claim.title, claim.premise, claim.group, date=claim.date)
    return [replace(chunk, date=claim.date) for chunk in cut([document], embedder)]


def check(claim: Claim, reader: Reader, passages: Sequence[Chunk], ask: bool) -> Checked | None:
    """The claim with the signals of what supports it most, as `Verifier.check` reads; None if it states nothing."""
    own = alone(claim.text) if claim.dataset == DATASET else claim.text
    if not passages or not states_something(own):
        return None
    found = _signals(reader, claim.text, own, passages)
    nearest = max(range(len(found)), key=lambda n: found[n]["support"])
    if places := places_telling(own, passages, nearest):
        found += _signals(reader, claim.text, own, [joined(passages, places)])
    denied = None
    if ask:
        against = Verifier(reader, {}, 1.0, denial_threshold=0.0).denials(claim.text, passages)
        denied = against[0].probability if against else 0.0
    return Checked(claim.dataset, claim.label, max(found, key=lambda values: values["support"]), denied)


def _signals(reader: Reader, claim: str, own: str, passages: Sequence[Chunk]) -> list[dict[str, float]]:
    """Of each passage; of a claim behind another the mean of both readings."""
    ways = [[signals(span) for span in reader.read(text, passages)] for text in dict.fromkeys((claim, own))]
    return [{name: fmean(read[name] for read in reads) for name in reads[0]} for reads in zip(*ways, strict=True)]


def fit(checked: Sequence[Checked]) -> dict[str, float]:
    """Weights by the names of the signals, and a bias."""
    counts = Counter((c.dataset, c.true) for c in checked)
    weights = [SET_WEIGHTS.get(c.dataset, 1.0) / counts[c.dataset, c.true] for c in checked]
    return regression.fit([c.signals for c in checked], [c.true for c in checked], weights, SIGNS)


def figures(weights: dict[str, float], checked: Sequence[Checked]) -> str:
    """How well these weights tell true claims from false ones."""
    scores = np.array([sigmoid(weigh(weights, c.signals)) for c in checked])
    true = np.array([c.true for c in checked])
    share = f"{kept_at(scores, true, LET_THROUGH):.3f} of the true kept at {LET_THROUGH:.0%} of the false"
    return f"{len(true)} claims, {true.sum()} true, AUROC {auroc(scores, true):.3f}, {share}"


if __name__ == "__main__":
    main()
