"""`python -m eval.ablate`: what each part of the chatbot is worth, by leaving it out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from eval import command, summary, systems
from eval.datasets import load, select
from eval.report import comparison, named, number, origin
from eval.run import run
from eval.sets import QUESTIONS, SEEDS, Split
from rag.config import Settings

VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "lexical only": {"retrieval": "lexical"},
    "dense only": {"retrieval": "dense"},
    "no re-ranking": {"rerank": False},
    "no other spellings": {"spelling": False},
    "margin decides": {"decide": "margin"},
    "sentence reader": {"reader": "sentence"},
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
) -> None:
    """Run every variant on the same questions and print the figures, and what leaving a part out costs."""
    unknown = set(only or ()) - set(VARIANTS)
    if unknown or (resume and output is None):
        typer.echo(f"no variant {', '.join(unknown)}" if unknown else "--resume needs --output", err=True)
        raise typer.Exit(2)
    chosen = select(load(dataset, corpus), split.value if split else None, limit)
    text_of = systems.texts(chosen)
    reports: dict[str, dict[str, Any]] = {}
    for name, changed in VARIANTS.items():
        if only and name != "full" and name not in only:
            continue
        typer.echo(name, err=True)
        settings = Settings(**changed)
        fingerprint = {
            "dataset": origin(chosen),
            "questions": len(chosen.questions),
            "split": split,
            "settings": asdict(settings),
            "models": systems.weights(settings),
        }
        folder = output / name.replace(" ", "-") if output else None
        predictions = run(chosen, systems.chatbot(chosen, settings), folder, fingerprint, resume)
        scores = summary.score_all(chosen, predictions, text_of)
        reports[name] = summary.summarise(chosen, predictions, scores, text_of)
    print(f"{named(origin(chosen))}; {len(chosen.questions)} questions\n")
    print(table(reports))
    for name, report in reports.items():
        if name != "full":
            print(f"\n{name}, against the full system:")
            print(comparison(summary.compare(reports["full"], report)))


def table(reports: dict[str, dict[str, Any]]) -> str:
    """A line for each variant: figures with intervals, and median seconds."""
    columns = [name for name in COLUMNS if name in reports["full"]["figures"]["all"]]
    lines = ["| variant | " + " | ".join(columns) + " | seconds |", "|---" * (len(columns) + 2) + "|"]
    for name, report in reports.items():
        figures = [report["figures"]["all"].get(column) for column in columns]
        cells = [f"{number(f['value'])} ({number(f['low'])}–{number(f['high'])})" if f else "–" for f in figures]
        seconds = report["seconds"]["all"]["call"]["median"]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {number(seconds)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command.run(main)
