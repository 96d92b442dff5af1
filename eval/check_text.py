"""`python -m eval.check_text`: a labelled draft checked against its articles, verdict against label.

A line of LABELS holds `text` (a sentence of the draft), `label` ("supported", "contradicted", "not stated", "no
claim"), and `document_id` and `quote`, which decide it, or null.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import typer
from tqdm import tqdm

from eval import bootstrap, command, figures, metrics
from eval.datasets import DatasetError, read_lines
from eval.sets import HERE
from eval.systems import settings_from, weights
from rag.articles.documents import read_document
from rag.config import Settings
from rag.grounding.checking import NO_CLAIM, SUPPORTED, sentences_of
from rag.pipeline import Chatbot
from rag.types import Check, Citation, Document

VERDICTS = ("supported", "contradicted", "not stated", "no claim")


class Articles(Protocol):
    """Fetches a document by its id."""

    def document(self, document_id: str) -> Document: ...


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of a sentence, and the quote that decides it."""

    text: str
    label: str
    document_id: str | None
    quote: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled sentence and the check of the draft's sentence that covers it."""

    label: Label
    check: Check
    cited: bool | None
    """Whether a citation shows the quote that decides; None where there is none, or the verdict is wrong."""


def main(
    draft: Annotated[Path, typer.Argument(help="A draft of any format that is read.")] = HERE / "draft_article.md",
    labels: Annotated[Path, typer.Argument(help="Its labels.")] = HERE / "draft_article.labels.jsonl",
    corpus: Annotated[Path, typer.Option(help="Folder of the articles.")] = HERE / "news" / "articles",
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Print each sentence whose verdict is not its label.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures for the documents.")] = False,
) -> None:
    """Verdicts by label, quotes that show what decides, AUROC of the probability, seconds a sentence."""
    settings = settings_from(setting or ())
    document = read_document(draft, draft.name, int(Settings().max_file_megabytes * 1e6))
    wanted = read_labels(labels)
    bot = Chatbot.from_directory(corpus, settings)
    checks, seconds = timed(bot.check_text(document), len(sentences_of(document)))
    rows = matched(document, checks, wanted, bot)
    table = measured(rows, seconds)
    print(figures.markdown(table))
    if wrong:
        for row in rows:
            if row.check.verdict != row.label.label:
                print(f"{row.label.label} -> {row.check.verdict} ({row.check.probability:.2f}): {row.label.text}")
    if record:
        name = figures.named("check", draft.stem.replace("_", "-"), *(setting or ()))
        figures.record(name, table, weights(settings))


def read_labels(file: Path) -> list[Label]:
    """The labels of a file.

    Raises
    ------
    DatasetError
        A missing file or field, or a label that is none.
    """
    try:
        found = [Label(r["text"], r["label"], r["document_id"], r["quote"]) for r in read_lines(file)]
    except (KeyError, OSError) as error:
        raise DatasetError(f"{file} cannot be read ({error!r}); eval/check_text.py tells its form") from error
    if unknown := {label.label for label in found} - {*VERDICTS}:
        raise DatasetError(f"{file} has the labels {', '.join(sorted(unknown))}; expected {', '.join(VERDICTS)}")
    return found


def timed(checks: Iterable[Check], total: int) -> tuple[list[Check], list[float]]:
    """All checks, and the seconds that each took whose sentence was looked up."""
    done: list[Check] = []
    seconds: list[float] = []
    before = time.perf_counter()
    for check in tqdm(checks, total=total, unit="sentence", disable=None):
        now = time.perf_counter()
        if check.verdict != NO_CLAIM:
            seconds.append(now - before)
        before = now
        done.append(check)
    return done, seconds


def matched(document: Document, checks: Sequence[Check], labels: Sequence[Label], articles: Articles) -> list[Row]:
    """Each label with the check that shares most characters with its sentence.

    Raises
    ------
    DatasetError
        A labelled sentence is not in the draft.
    """
    rows, since = [], 0
    for label in labels:
        start = document.text.find(label.text, since)
        if start < 0:
            raise DatasetError(f"the draft does not hold {label.text!r} in its order; expected each labelled sentence")
        since = end = start + len(label.text)
        check = max(checks, key=lambda c: min(c.end, end) - max(c.start, start))
        rows.append(Row(label, check, _cited(label, check, articles)))
    return rows


def _cited(label: Label, check: Check, articles: Articles) -> bool | None:
    if not check.citations or label.quote is None or label.document_id is None or check.verdict != label.label:
        return None  # "not stated" cites nothing
    start = articles.document(label.document_id).text.find(label.quote)
    if start < 0:
        raise DatasetError(f"{label.document_id} does not hold {label.quote!r}; expected an exact quote")

    def shows(citation: Citation) -> bool:
        overlaps = citation.start < start + len(label.quote or "") and start < citation.end
        return citation.document_id == label.document_id and overlaps

    return any(shows(citation) for citation in check.citations)


def measured(rows: Sequence[Row], seconds: Sequence[float]) -> figures.Table:
    """A row for each label with its verdicts; the last row is of all sentences."""
    labels = np.array([row.label.label for row in rows])
    groups = [(label, labels == label) for label in VERDICTS if (labels == label).any()]
    made: list[tuple[Any, ...]] = []
    for name, held in [*groups, ("all", labels != "")]:
        own = [row for row, here in zip(rows, held, strict=True) if here]
        right = [float(row.check.verdict == row.label.label) for row in own]
        cited = [None if row.cited is None else float(row.cited) for row in own]
        verdicts = [sum(row.check.verdict == verdict for row in own) for verdict in VERDICTS]
        made.append((name, len(own), *verdicts, bootstrap.mean(right), bootstrap.mean(cited)))
    claimed = [row for row in rows if row.label.label != NO_CLAIM]
    scores = np.array([row.check.probability for row in claimed])
    positive = np.array([row.label.label == SUPPORTED for row in claimed])
    ranked = bootstrap.statistic(lambda i: metrics.auroc(scores[i], positive[i]), len(claimed))
    each = f"; {np.median(seconds):.2f} s a sentence (median), {np.max(seconds):.2f} s at most" if seconds else ""
    columns = ("label", "sentences", *VERDICTS, "verdict is the label", "of these: cites what decides")
    auroc = "not defined" if ranked is None else str(ranked)
    return figures.Table(columns, tuple(made), f"AUROC of the probability, supported against the rest: {auroc}{each}")


if __name__ == "__main__":
    command.run(main)
