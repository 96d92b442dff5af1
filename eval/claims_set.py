"""`python -m eval.claims_set [FILE]`: how well the program tells supported claims from others, by label.

A claim is judged against its own article, cut as the program cuts it, by the function that decides what of a language
model's text may stand. FILE is JSON Lines, one claim a line: `id`, `claim`, `label` ("supported", "contradicted",
"not_stated", or "unsupported" where the set does not tell which), `group`, and `document_id`, an article in the folder
`articles` beside FILE, or `premise`, the text itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from eval import bootstrap, command, figures, metrics
from eval.bootstrap import Estimate
from eval.datasets import Dataset, DatasetError, Question, read_lines, select
from eval.metrics import Booleans, Floats
from eval.sets import CLAIMS, Split
from eval.systems import cut, read_corpus, settings_from, weights
from rag.parts import Parts
from rag.types import Chunk, Document

SUPPORTED = "supported"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim, its label, the document that it is judged against, and the event or source that this is of."""

    text: str
    label: str
    document_id: str
    group: str


def main(
    file: Annotated[Path, typer.Argument(help="Claims, .jsonl or .jsonl.gz.")] = CLAIMS,
    split: Annotated[Split | None, typer.Option(help="Only this half, where the file has halves.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many claims, evenly spread.")] = None,
    seed: Annotated[int | None, typer.Option(help="With --limit: whole groups, drawn at random by this seed.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures for the documents.")] = False,
) -> None:
    """AUROC, what passes the threshold, and the true kept at 5 % of the false, with intervals clustered by group."""
    settings = settings_from(setting or ())
    claims, documents = load_claims(file, split and split.value, limit, seed)
    parts = Parts.load(settings)
    chunks: dict[str, list[Chunk]] = {document.id: [] for document in documents}
    for chunk in cut(documents, parts.embedder, settings):
        chunks[chunk.document_id].append(chunk)
    verifier = parts.verifier
    scores = np.array(
        [verifier.support(c.text, chunks[c.document_id]) for c in tqdm(claims, unit="claim", disable=None)]
    )
    table = measured(claims, scores, verifier.threshold)
    print(figures.markdown(table))
    if record:
        name = file.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix("claims") or file.resolve().parent.name
        name = figures.named("claims", name, split and split.value, limit, seed, *(setting or ()))
        figures.record(name, table, weights(settings))


def load_claims(
    file: Path, split: str | None = None, limit: int | None = None, seed: int | None = None
) -> tuple[list[Claim], list[Document]]:
    """The claims of a file and the articles that they are judged against.

    Raises
    ------
    DatasetError
        A missing file, field or article.
    """
    try:
        # The sampling of questions serves claims, too.
        rows = {str(row["id"]): row for row in read_lines(file)}
        asked = tuple(
            Question(id, row["label"], row["claim"], split=row.get("split", ""), cluster=str(row["group"]))
            for id, row in rows.items()
        )
        chosen = select(Dataset(file.stem, "", "", asked), split, limit, seed).questions
        kept = [(question, rows[question.id]) for question in chosen]
        claims = [
            Claim(q.question, q.kind, q.id if "premise" in row else row["document_id"], q.cluster) for q, row in kept
        ]
    except (KeyError, OSError) as error:
        raise DatasetError(f"{file} cannot be read ({error!r}); eval/claims_set.py tells its form") from error
    documents = [Document(question.id, "", row["premise"], question.id) for question, row in kept if "premise" in row]
    wanted = {claim.document_id for claim in claims} - {document.id for document in documents}
    if wanted:
        documents += [document for document in read_corpus(file.parent / "articles") if document.id in wanted]
    if missing := wanted - {document.id for document in documents}:
        raise DatasetError(f"{file.parent / 'articles'} lacks {', '.join(sorted(missing)[:3])}")
    return claims, documents


def measured(claims: Sequence[Claim], scores: Floats, threshold: float) -> figures.Table:
    """A row for each label: false ones are measured against all supported ones; the last row is of all of them."""
    labels = np.array([claim.label for claim in claims])
    true = labels == SUPPORTED
    rows: list[tuple[Any, ...]] = []
    for label in sorted(set(labels[~true])):
        rows.append(_row(f"{label} against supported", claims, scores, true, labels == label, threshold))
    rows.append(_row("all against supported", claims, scores, true, ~true, threshold))
    columns = ("claims", "false", "AUROC", "false let through", "true kept", "true kept at 5 % false let through")
    note = f"{len(claims)} claims, {int(true.sum())} supported; threshold {threshold:.2f}"
    return figures.Table(columns, tuple(rows), note)


def _row(
    name: str, claims: Sequence[Claim], scores: Floats, true: Booleans, false: Booleans, threshold: float
) -> tuple[Any, ...]:
    rows = np.flatnonzero(true | false)
    clusters = [claims[int(i)].group for i in rows]
    values, positive = scores[rows], true[rows]

    def share(of: Booleans) -> Estimate | None:
        passes = [float(score >= threshold) if held else None for score, held in zip(values, of, strict=True)]
        return bootstrap.mean(passes, clusters)

    return (
        name,
        int(false.sum()),
        bootstrap.statistic(lambda i: metrics.auroc(values[i], positive[i]), len(rows), clusters),
        share(~positive),
        share(positive),
        bootstrap.statistic(lambda i: metrics.kept_at(values[i], positive[i]), len(rows), clusters),
    )


if __name__ == "__main__":
    command.run(main)
