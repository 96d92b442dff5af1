"""`python -m eval.faithfulness FILE`: does the verifier agree with people on whether an answer keeps to its passages?

FILE is MTRAG's human evaluation (.jsonl.gz): answers of language models, each graded for faithfulness by people.
An answer counts by the least, and by the mean, of its sentences' probabilities of being supported.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from eval import command, figures
from eval.datasets import DatasetError, read_lines, spread
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
    rows = read(file)
    parts = Parts.load()
    print(figures.markdown(agreement(parts.verifier, parts.embedder, spread(rows, limit))))


def read(file: Path) -> list[dict[str, Any]]:
    """The answers of a file; DatasetError where it cannot be read, or one lacks a field."""
    try:
        return [
            {"answer": row["answer"], "contexts": row["contexts"], "grades": row["annotations"]["faithfulness"]}
            for row in read_lines(file)
        ]
    except (KeyError, TypeError, ValueError, OSError, EOFError) as error:
        raise DatasetError(f"{file} cannot be read ({error!r}); expected MTRAG's human evaluation") from error


def agreement(verifier: Verifier, embedder: Embedder, rows: Sequence[Mapping[str, Any]]) -> figures.Table:
    """How well the verifier ranks answers as people grade them."""
    least, mean, grades = [], [], []
    for row in tqdm(rows, unit=" answers", disable=None):
        given = [int(g["value"]) for g in row["grades"].values() if str(g["value"]).isdigit()]
        chunks = cut((_document(str(i), text) for i, text in enumerate(row["contexts"])), embedder)
        stated = [row["answer"][a:b] for a, b in sentences(row["answer"])]
        probabilities = [verifier.support(text, chunks) for text in stated if len(text.split()) >= LEAST_WORDS]
        if probabilities and given:
            least.append(min(probabilities))
            mean.append(statistics.mean(probabilities))
            grades.append(statistics.median(given))
    told = []
    for name, good in (("4 against less", np.array(grades) >= 4), ("3 and 4 against less", np.array(grades) >= 3)):
        ranked = (auroc(np.array(scores), good) for scores in (mean, least))
        told.append((name, len(grades), int(good.sum()), *ranked))
    return figures.Table(("grades", "answers", "good", "AUROC of the mean", "AUROC of the least"), tuple(told))


def _document(document_id: str, text: str) -> Document:
    return Document(document_id, text.split("\n")[0][:120], text, document_id)


if __name__ == "__main__":
    command.run(main)
