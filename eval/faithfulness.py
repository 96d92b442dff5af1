"""`python -m eval.faithfulness FILE`: does the verifier agree with people on whether an answer keeps to its passages?

FILE is MTRAG's human evaluation (.jsonl.gz): answers of language models, each graded for faithfulness by people.
An answer counts by the least, and by the mean, of its sentences' probabilities of being supported.
"""

from __future__ import annotations

import gzip
import json
import statistics
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from eval import command
from eval.metrics import auroc
from eval.systems import cut
from rag.grounding.verifier import Verifier
from rag.language.sentences import sentences
from rag.models.embedding import Embedder
from rag.parts import Parts
from rag.types import Document

LEAST_WORDS = 4  # of a sentence that states something


def main(
    file: Annotated[Path, typer.Argument(help="MTRAG's human evaluation, .jsonl.gz.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many of the answers, evenly spread.")] = None,
) -> None:
    """Print AUROC against the median grade of each answer, of 4."""
    parts = Parts.load()
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    if limit:
        rows = [rows[i * len(rows) // limit] for i in range(limit)]
    print(json.dumps(agreement(parts.verifier, parts.embedder, rows), indent=2))


def agreement(verifier: Verifier, embedder: Embedder, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How well the verifier ranks answers as people grade them."""
    least, mean, grades = [], [], []
    for row in tqdm(rows, unit=" answers", disable=None):
        given = [int(g["value"]) for g in row["annotations"]["faithfulness"].values() if str(g["value"]).isdigit()]
        chunks = cut((_document(str(i), text) for i, text in enumerate(row["contexts"])), embedder)
        stated = [row["answer"][a:b] for a, b in sentences(row["answer"])]
        probabilities = [verifier.support(text, chunks) for text in stated if len(text.split()) >= LEAST_WORDS]
        if probabilities and given:
            least.append(min(probabilities))
            mean.append(statistics.mean(probabilities))
            grades.append(statistics.median(given))
    figures: dict[str, Any] = {"answers": len(grades)}
    for name, good in (("4 against less", np.array(grades) >= 4), ("3 and 4 against less", np.array(grades) >= 3)):
        figures[name] = {
            "answers": int(good.sum()),
            "auroc of the mean": _rounded(auroc(np.array(mean), good)),
            "auroc of the least": _rounded(auroc(np.array(least), good)),
        }
    return figures


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _document(document_id: str, text: str) -> Document:
    return Document(document_id, text.split("\n")[0][:120], text, document_id)


if __name__ == "__main__":
    command.run(main)
