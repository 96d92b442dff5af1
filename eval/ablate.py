"""`python -m eval.ablate`: what each part of the chatbot is worth, by leaving it out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eval import summary, systems
from eval.__main__ import QUESTIONS, SEEDS, Split
from eval.datasets import load, select
from eval.report import comparison, number
from eval.run import run
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
    only: Annotated[list[str] | None, typer.Option(help="Only these variants beside the full system.")] = None,
) -> None:
    """Run every variant on the same questions and print the figures, and what leaving a part out costs."""
    chosen = select(load(dataset, corpus), split.value if split else None, limit)
    text_of = systems.texts(chosen)
    reports: dict[str, dict[str, Any]] = {}
    for name, changed in VARIANTS.items():
        if only and name != "full" and name not in only:
            continue
        typer.echo(name, err=True)
        predictions = run(chosen, systems.chatbot(chosen, Settings(**changed)))
        scores = summary.score_all(chosen, predictions, text_of)
        reports[name] = summary.summarise(chosen, predictions, scores, text_of)
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
    typer.run(main)
