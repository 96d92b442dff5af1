"""`python -m eval`: arguments in, one table a set out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.datasets import Dataset, DatasetError, load, select
from eval.sets import SEEDS, SetName, Split, own
from rag.config import Settings
from rag.errors import RagError


@dataclass(frozen=True, slots=True)
class Run:
    """What is the same for every set of one call."""

    settings: Settings
    system: str
    gold_passage: bool
    split: str | None
    limit: int | None
    seed: int | None
    resume: bool
    record: bool


def main(
    set_name: Annotated[
        list[SetName] | None, typer.Option("--set", help="Only this of the project's own sets; may be repeated.")
    ] = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Another set: fixed-set .jsonl, SQuAD .json, CLAPNQ .jsonl.gz, a BEIR folder.")
    ] = None,
    corpus: Annotated[Path, typer.Option(help="Folder of articles for a --dataset that brings none.")] = SEEDS,
    gold_passage: Annotated[
        bool, typer.Option("--gold-passage", help="Read only the passage that each question is about.")
    ] = False,
    system: Annotated[
        str, typer.Option(help="module:function, a callable (question, history) -> dict. Default: the chatbot.")
    ] = "",
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of rag.Settings; may be repeated.")] = None,
    split: Annotated[Split | None, typer.Option(help="Only this half.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="With --limit: whole groups, drawn at random by this seed, up to that number.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for report.json, predictions.jsonl, report.html; of own sets, one in it each."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --output that was cut off.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Folder of an earlier run; a fall beyond chance exits with 1.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures for the documents.")] = False,
    fail_under: Annotated[
        list[str] | None, typer.Option(help="METRIC=VALUE or KIND/METRIC=VALUE; lower exits with 1. May be repeated.")
    ] = None,
) -> None:
    """Score a system on sets of questions: retrieval, answers, citations, abstention, time."""
    from eval import systems

    complaints = []
    try:
        bounds = [_bound(text) for text in fail_under or ()]
        if resume and output is None:
            raise DatasetError("--resume goes on with the run in --output: name that folder")
        if dataset is not None and set_name:
            raise DatasetError("got --set and --dataset, expected one of them")
        settings = systems.settings_from(setting or ())
        run = Run(settings, system, gold_passage, split and split.value, limit, seed, resume, record)
        if dataset is not None:
            complaints += _measure(load(dataset, corpus), run, output, compare, bounds)
        for name in () if dataset is not None else set_name or SetName:
            into, earlier = (folder and folder / name.value for folder in (output, compare))
            complaints += _measure(own(name), run, into, earlier, bounds)
            print()
    except (DatasetError, RagError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        raise typer.Exit(1)


def _measure(
    whole: Dataset, run: Run, output: Path | None, compare: Path | None, bounds: Sequence[tuple[str, float]]
) -> list[str]:
    """Ask a set, print its table, write its report; what is to be complained of comes back."""
    from eval import figures, summary, systems
    from eval import report as reports
    from eval.run import run as ask

    before = reports.read(compare, whole) if compare is not None else None
    chosen = select(whole, run.split, run.limit, run.seed)
    models = {} if run.system else systems.weights(run.settings)
    conditions = {
        "system": run.system or "rag",
        "settings": {} if run.system else asdict(run.settings),
        "split": run.split,
        "limit": run.limit,
        "seed": run.seed,
        "gold_passage": run.gold_passage,
        "models": models,
    }
    if run.system:
        answer = systems.imported(run.system)
    else:
        answer = (systems.gold_reader if run.gold_passage else systems.chatbot)(chosen, run.settings)
    text_of = systems.texts(chosen)
    predictions = ask(chosen, answer, output, {"dataset": reports.origin(whole), **conditions}, run.resume)
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
    if run.record:
        name = "-".join([whole.name, *filter(None, [run.split, "gold" if run.gold_passage else "", run.system])])
        figures.record(name, reports.figures_table(report), models)
    if output is not None:
        reports.write(output, report, chosen, predictions, text_of, differences)
    complaints = [
        f"{name} {'fell' if differences[name].fell else 'rose'} beyond chance, compared with {compare}"
        for name in summary.falls(differences)
    ]
    if before is not None:
        unmeasured = summary.unmeasured(before, differences)
        complaints += [f"{name} is measured in {compare}, but on no question of this run" for name in unmeasured]
    complaints += [complaint for bound in bounds if (complaint := _complaint(report, *bound))]
    return [f"{whole.name}: {complaint}" for complaint in complaints]


def _bound(text: str) -> tuple[str, float]:
    name, _, value = text.rpartition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise DatasetError(f"got --fail-under {text!r}, expected METRIC=VALUE, as right_cited=0.7") from error


def _complaint(report: Mapping[str, Any], name: str, bound: float) -> str | None:
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
