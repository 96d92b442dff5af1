"""`python -m eval`: arguments in, one table a set out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.command import UNMET
from eval.datasets import Dataset, DatasetError, load, select
from eval.sets import SEEDS, SetName, Split, own
from rag.config import Settings
from rag.errors import RagError


@dataclass(frozen=True, slots=True)
class Run:
    """What is the same for every set of one call."""

    settings: Settings
    changed: tuple[str, ...]
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
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of articles for a --dataset that brings none; default: seeds/.")
    ] = None,
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
        Path | None, typer.Option(help="Folder of an earlier run; a fall beyond chance exits with 3.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Keep the figures for the documents.")] = False,
    fail_under: Annotated[
        list[str] | None, typer.Option(help="METRIC=VALUE or KIND/METRIC=VALUE; lower exits with 3. May be repeated.")
    ] = None,
) -> None:
    """Score a system on sets of questions: retrieval, answers, citations, abstention, time."""
    from eval import systems

    try:
        bounds = [_bound(text) for text in fail_under or ()]
        if resume and output is None:
            raise DatasetError("--resume goes on with the run in --output: name that folder")
        if system and (gold_passage or setting):
            raise DatasetError("--gold-passage and --setting are the chatbot's: leave them or --system out")
        settings = systems.settings_from(setting or ())
        changed, half = tuple(setting or ()), split and split.value
        run = Run(settings, changed, system, gold_passage, half, limit, seed, resume, record)
        complaints = _measure_all(_sets(set_name, dataset, corpus), run, output, compare, bounds)
    except (DatasetError, RagError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if complaints:
        raise typer.Exit(UNMET)


def _sets(names: list[SetName] | None, dataset: Path | None, corpus: Path | None) -> dict[str, Dataset]:
    """Folder below --output and --compare -> the set that has it; another set's is the whole."""
    if dataset is None:
        if corpus is not None:
            raise DatasetError("--corpus holds the articles of a --dataset; the project's own sets have theirs")
        return {name.value: own(name) for name in names or SetName}
    if names:
        raise DatasetError("got --set and --dataset, expected one of them")
    return {"": load(dataset, corpus or SEEDS)}


def _measure_all(
    sets: Mapping[str, Dataset],
    run: Run,
    output: Path | None,
    compare: Path | None,
    bounds: Sequence[tuple[str, float]],
) -> list[str]:
    """Ask every set, as `_measure` does, each in a folder of its name; what is to be complained of comes back."""
    from eval import report as reports

    chosen = {name: select(whole, run.split, run.limit, run.seed) for name, whole in sets.items()}
    # Before the first question is asked: what a later set lacks shall not lose the findings on an earlier one.
    before = {name: reports.read(compare / name, whole) for name, whole in chosen.items()} if compare else {}
    complaints = []
    for name, asked in chosen.items():
        into, earlier = (folder and folder / name for folder in (output, compare))
        complaints += _measure(asked, run, into, earlier, before.get(name), bounds)
        print()
    return complaints


def _measure(
    chosen: Dataset,
    run: Run,
    output: Path | None,
    compare: Path | None,
    before: Mapping[str, Any] | None,
    bounds: Sequence[tuple[str, float]],
) -> list[str]:
    """Ask a set, print its table, write its report; what is to be complained of comes back."""
    from eval import figures, summary, systems
    from eval import report as reports
    from eval.run import run as ask
    from eval.scoring import EXACT

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
    predictions = ask(chosen, answer, output, {"dataset": reports.origin(chosen), **conditions}, run.resume)
    scores = summary.score_all(chosen, predictions, text_of)
    report = {
        "dataset": reports.origin(chosen),
        "run": conditions,
        "environment": reports.environment(),
        **summary.summarise(chosen, predictions, scores, text_of),
    }
    differences = summary.compare(before, report) if before is not None else {}
    print(reports.table(report), flush=True)
    if before is not None:
        print("\n" + reports.comparison(differences))
    if run.record:
        gold = run.gold_passage and "gold"
        name = figures.named(chosen.name, run.split, gold, run.system, run.limit, run.seed, *run.changed)
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
        if EXACT in report["figures"][summary.ALL]:
            bounds = [*bounds, (EXACT, 1.0)]
    complaints += [complaint for bound in dict.fromkeys(bounds) if (complaint := _complaint(report, *bound))]
    return [f"{chosen.name}: {complaint}" for complaint in complaints]


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
