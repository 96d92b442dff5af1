"""How well the verifier tells supported sentences from others: `python -m eval.verify`.

On sentences made from one half of the fixed set (`eval.claims`), and, with --human, on answers that people graded for
faithfulness (MTRAG's human evaluation): a sentence counts as supported when the verifier says so, an answer as
faithful by the least supported of its sentences.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.claims import Claim, made_claims
from eval.datasets import load, select
from eval.metrics import auroc
from eval.sets import QUESTIONS, SEEDS
from eval.systems import cut, read_corpus
from rag.config import Settings
from rag.grounding.verifier import Verifier
from rag.language.sentences import sentences
from rag.models.embedding import Embedder
from rag.parts import Parts
from rag.types import Document


def claims_of(split: str, embedder: Embedder) -> list[Claim]:
    """The made sentences of one half of the fixed set."""
    documents = read_corpus(SEEDS)
    dates = {document.id: document.date for document in documents}
    return made_claims(select(load(QUESTIONS, SEEDS), split).questions, cut(documents, embedder), dates)


def score(verifier: Verifier, claim: Claim) -> float:
    """Probability that the claim's own passage supports it."""
    return verifier.support(claim.text, [replace(claim.passage, date=claim.date)])


def on_made(verifier: Verifier, claims: list[Claim]) -> dict[str, Any]:
    """AUROC over all, and for each way of changing a sentence; what the threshold keeps and lets through."""
    scores = np.array([score(verifier, claim) for claim in claims])
    true = np.array([claim.true for claim in claims])
    kept = scores >= verifier.threshold
    ways: dict[str, list[int]] = defaultdict(list)
    for i, claim in enumerate(claims):
        ways[claim.made].append(i)
    return {
        "sentences": len(claims),
        "true": int(true.sum()),
        "auroc": round(auroc(scores, true) or 0.0, 4),
        "supported_kept": round(float(kept[true].mean()), 4),
        "changed_let_through": round(float(kept[~true].mean()), 4),
        "wrong_among_kept": round(float((~true)[kept].mean()), 4),
        "by_way": {
            way: {"sentences": len(rows), "passed": round(float(kept[rows].mean()), 3)}
            | ({} if true[rows[0]] else {"auroc": _against(scores, true, rows)})
            for way, rows in sorted(ways.items())
        },
    }


def _against(scores: Any, true: Any, rows: list[int]) -> float:
    both = np.concatenate([np.flatnonzero(true), rows])
    return round(auroc(scores[both], true[both]) or 0.0, 3)


def on_human(verifier: Verifier, embedder: Embedder, path: Path, limit: int | None) -> dict[str, Any]:
    """AUROC of the least and of the mean probability of an answer's sentences against its median grade (of 4)."""
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    if limit:
        rows = [rows[i * len(rows) // limit] for i in range(limit)]
    least, mean, grades = [], [], []
    for row in rows:
        given = [int(g["value"]) for g in row["annotations"]["faithfulness"].values() if str(g["value"]).isdigit()]
        chunks = cut((_document(str(i), text) for i, text in enumerate(row["contexts"])), embedder)
        probabilities = []
        for a, b in sentences(row["answer"]):
            if len(row["answer"][a:b].split()) >= 4:
                probabilities.append(verifier.support(row["answer"][a:b], chunks))
        if probabilities and given:
            least.append(min(probabilities))
            mean.append(statistics.mean(probabilities))
            grades.append(statistics.median(given))
    faithful = np.array(grades) >= 4
    not_bad = np.array(grades) >= 3
    return {
        "answers": len(grades),
        "graded 4": int(faithful.sum()),
        "graded 3 or 4": int(not_bad.sum()),
        "auroc of the mean, 4 against less": round(auroc(np.array(mean), faithful) or 0.0, 4),
        "auroc of the least, 4 against less": round(auroc(np.array(least), faithful) or 0.0, 4),
        "auroc of the mean, 3 and 4 against less": round(auroc(np.array(mean), not_bad) or 0.0, 4),
        "auroc of the least, 3 and 4 against less": round(auroc(np.array(least), not_bad) or 0.0, 4),
    }


def _document(document_id: str, text: str) -> Document:
    return Document(document_id, text.split("\n")[0][:120], text, document_id)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="How well the verifier tells supported sentences from others")
    parser.add_argument("--split", default="test", choices=["tune", "test"])
    parser.add_argument("--human", type=Path, help="MTRAG's human evaluation, .jsonl.gz")
    parser.add_argument("--limit", type=int, help="only so many of the human-graded answers, evenly spread")
    given = parser.parse_args()
    parts = Parts.load(Settings())
    embedder, verifier = parts.embedder, parts.verifier
    figures: dict[str, Any] = {f"made ({given.split})": on_made(verifier, claims_of(given.split, embedder))}
    if given.human:
        figures["human"] = on_human(verifier, embedder, given.human, given.limit)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
