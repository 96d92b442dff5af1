"""`python -m eval.ablate`: what each part of the chatbot and each of its rules is worth, by leaving it out.

What the reader says of a question and a passage is kept, so that a variant costs the time of the readings that no
other had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import typer

from eval import command, figures, summary, systems
from eval.datasets import load, select
from eval.report import comparison, estimate, named, origin
from eval.run import run
from eval.sets import QUESTIONS, SEEDS, Split
from rag.config import Settings
from rag.language.facts import facts
from rag.language.text import same_word, words
from rag.models.reader import Reader
from rag.parts import Parts
from rag.types import Chunk, Span


@dataclass(frozen=True, slots=True)
class Variant:
    """The chatbot with settings changed, or without a rule: by the name of a function, what stands in its place."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)


def _nothing(*_: Any) -> Any:
    return None


def _without_facts(name: str) -> Variant:
    modules = ("language.facts", "answering.confidence", "answering.composing")
    return Variant(rules={f"rag.{m}.facts": lambda text: replace(facts(text), **{name: frozenset()}) for m in modules})


VARIANTS: dict[str, Variant] = {
    "full": Variant(),
    "lexical only": Variant({"retrieval": "lexical"}),
    "dense only": Variant({"retrieval": "dense"}),
    "no re-ranking": Variant({"rerank": False}),
    "margin decides": Variant({"decide": "margin"}),
    "sentence reader": Variant({"reader": "sentence"}),
    "no other spellings": Variant({"spelling": False}),
    "no spellings by sound": Variant(
        rules={"rag.language.text.sound_key": lambda word: word, "rag.index.spelling.sound_key": lambda word: word}
    ),
    "every word is searched": Variant(rules={"rag.index.spelling.content_words": words}),
    "follow-ups as they are": Variant(rules={"rag.answering.rewriting.in_conversation": lambda question, _: question}),
    "no sentence before": Variant(
        rules={"rag.answering.composing.LEANS": re.compile("(?!)"), "rag.answering.composing.is_question": _nothing}
    ),
    "no denials are looked for": Variant(rules={"rag.answering.candidates.may_deny": _nothing}),
    "figures and days say nothing": Variant(
        rules={f"rag.answering.{module}.contradict": _nothing for module in ("confidence", "composing")}
    ),
    "figures say nothing": _without_facts("numbers"),
    "days say nothing": _without_facts("dates"),
}
COLUMNS = ("passed", "right_cited", "refused", "f1", "Success@5", "nDCG@10")


def main(
    dataset: Annotated[Path, typer.Option(help="Question set.")] = QUESTIONS,
    corpus: Annotated[Path, typer.Option(help="Folder of articles for a set that brings none.")] = SEEDS,
    split: Annotated[Split | None, typer.Option(help="Only this half.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder that keeps the answers of each variant, for --resume.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output that was cut off.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only these variants beside the full system.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures for the documents.")] = False,
) -> None:
    """Run every variant on the same questions and print the figures, and what leaving a part out costs."""
    unknown = set(only or ()) - set(VARIANTS)
    if unknown or (resume and output is None):
        typer.echo(f"no variant {', '.join(unknown)}" if unknown else "--resume needs --output", err=True)
        raise typer.Exit(2)
    chosen = select(load(dataset, corpus), split.value if split else None, limit)
    text_of = systems.texts(chosen)
    reports: dict[str, dict[str, Any]] = {}
    readers: dict[str, Reader] = {}
    for name, variant in VARIANTS.items():
        if only and name != "full" and name not in only:
            continue
        typer.echo(name, err=True)
        settings = Settings(**variant.settings)
        fingerprint = {
            "dataset": origin(chosen),
            "questions": len(chosen.questions),
            "split": split,
            "settings": asdict(settings),
            "without": sorted(variant.rules),
            "models": systems.weights(settings),
        }
        folder = output / name.replace(" ", "-") if output else None
        parts = Parts.load(settings)
        reader = readers.setdefault(settings.reader, Remembering(parts.reader))
        with without(variant.rules):
            system = systems.chatbot(chosen, settings, replace(parts, reader=reader))
            predictions = run(chosen, system, folder, fingerprint, resume)
        scores = summary.score_all(chosen, predictions, text_of)
        reports[name] = summary.summarise(chosen, predictions, scores, text_of)
    print(f"{named(origin(chosen))}; {len(chosen.questions)} questions\n")
    made = replace(table(reports), note=f"{len(chosen.questions)} questions")
    print(figures.markdown(made))
    if record:
        name = figures.named("ablate", chosen.name, split, limit, *(part.replace(" ", "-") for part in only or ()))
        figures.record(name, made, systems.weights(Settings()))
    for name, report in reports.items():
        if name != "full":
            print(f"\n{name}, against the full system:")
            print(comparison(summary.compare(reports["full"], report)))


class Remembering(Reader):
    """A reader that reads each passage for each question once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._read: dict[tuple[str, Chunk], Span] = {}

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        new = [chunk for chunk in chunks if (question, chunk) not in self._read]
        for chunk, span in zip(new, self._reader.read(question, new), strict=True):
            self._read[question, chunk] = span
        return [self._read[question, chunk] for chunk in chunks]


@contextmanager
def without(rules: Mapping[str, Any]) -> Iterator[None]:
    """The program with other functions in the place of its own; what was made with its own is forgotten."""
    with ExitStack() as stack:
        for name, other in rules.items():
            stack.enter_context(patch(name, other))
        same_word.cache_clear()
        yield
    same_word.cache_clear()


def table(reports: Mapping[str, Mapping[str, Any]]) -> figures.Table:
    """A line for each variant: figures with intervals. No seconds: what was read for one is kept for the next."""
    columns = [name for name in COLUMNS if name in reports["full"]["figures"]["all"]]
    rows = [(name, *(estimate(report, column) for column in columns)) for name, report in reports.items()]
    return figures.Table(("variant", *columns), tuple(rows))


if __name__ == "__main__":
    command.run(main)
