"""`python -m eval`: arguments in, one table out."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eval.datasets import DatasetError, load, select
from rag.errors import RagError

HERE = Path(__file__).parent
QUESTIONS = HERE / "questions.jsonl"
SEEDS = HERE.parent / "seeds"


class Split(StrEnum):
    """Halves of the fixed set."""

    tune = "tune"
    test = "test"


def main(
    dataset: Annotated[
        Path, typer.Option(help="Fixed-set .jsonl, SQuAD .json, CLAPNQ .jsonl.gz, or a BEIR folder.")
    ] = QUESTIONS,
    corpus: Annotated[Path, typer.Option(help="Folder of articles for a set that brings none.")] = SEEDS,
    gold_passage: Annotated[
        bool, typer.Option("--gold-passage", help="Read only the passage that each question is about.")
    ] = False,
    system: Annotated[
        str, typer.Option(help="module:function, a callable (question, history) -> dict. Default: the chatbot.")
    ] = "",
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    split: Annotated[Split | None, typer.Option(help="Only this half.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for report.json, predictions.jsonl, report.html.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output that was cut off.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Folder of an earlier run; a fall beyond chance exits with 1.")
    ] = None,
    fail_under: Annotated[
        list[str] | None, typer.Option(help="METRIC=VALUE or KIND/METRIC=VALUE; lower exits with 1. May be repeated.")
    ] = None,
) -> None:
    """Score a system on a set of questions: retrieval, answers, citations, abstention, time."""
    from eval import report as reports
    from eval import summary, systems
    from eval.run import run

    try:
        bounds = [_bound(text) for text in fail_under or ()]
        if resume and output is None:
            raise DatasetError("--resume goes on with the run in --output: name that folder")
        whole = load(dataset, corpus)
        before = reports.read(compare, whole) if compare is not None else None
        chosen = select(whole, split, limit)
        settings = systems.settings_from(setting or ())
        conditions = {
            "system": system or "rag",
            "settings": {} if system else asdict(settings),
            "split": split.value if split else None,
            "limit": limit,
            "gold_passage": gold_passage,
            "models": {} if system else systems.weights(settings),
        }
        if system:
            answer = systems.imported(system)
        else:
            answer = (systems.gold_reader if gold_passage else systems.chatbot)(chosen, settings)
        text_of = systems.texts(chosen)
        predictions = run(chosen, answer, output, {"dataset": reports.origin(whole), **conditions}, resume)
    except (DatasetError, RagError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error

    scores = summary.score_all(chosen, predictions, text_of)
    report = {
        "dataset": reports.origin(whole),
        "run": conditions,
        "environment": reports.environment(),
        **summary.summarise(chosen, predictions, scores, text_of),
    }
    differences = summary.compare(before, report) if before is not None else {}
    print(reports.table(report), flush=True)
    if before is not None:
        print("\n" + reports.comparison(differences))
    if output is not None:
        reports.write(output, report, chosen, predictions, text_of, differences)
    complaints = [f"{name} fell beyond chance, compared with {compare}" for name in summary.falls(differences)]
    if before is not None:
        unmeasured = summary.unmeasured(before, differences)
        complaints += [f"{name} is measured in {compare}, but on no question of this run" for name in unmeasured]
    complaints += [complaint for bound in bounds if (complaint := _complaint(report, *bound))]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        raise typer.Exit(1)


def _bound(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise DatasetError(f"got --fail-under {text!r}, expected METRIC=VALUE, as right_cited=0.7") from error


def _complaint(report: dict[str, dict[str, dict[str, dict[str, float]]]], name: str, bound: float) -> str | None:
    """What to say when a figure is missing or too low. A misspelt measure must not pass."""
    kind, _, measure = name.rpartition("/")
    figure = report["figures"].get(kind or "all", {}).get(measure)
    if figure is None:
        return f"{name} was not measured in this run"
    return f"{name} is {figure['value']:.3f}, below {bound}" if figure["value"] < bound else None


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app(prog_name="python -m eval")
