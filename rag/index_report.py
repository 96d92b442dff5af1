"""What a terminal is told about indexing: what was left out, and what to do about an index that is not finished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rag.console import printable
from rag.errors import RagError
from rag.sync import UNNAMED, by_number, unfinished

if TYPE_CHECKING:
    from rag.pipeline import Chatbot
    from rag.types import IndexReport

_NAMED = 20  # files that are named one by one; more are counted


def check_finished(bot: Chatbot, folder: Path) -> None:
    """Say what to do about an index that was interrupted or is being made. RagError for one without articles."""
    if places := unfinished(bot.index):
        named = " and ".join(sorted(places - {UNNAMED}))
        so_far = f"{bot.count()} articles so far" + (f", more in {named}" if named else "")
        advice = "where no `rag index` is running, run it again; it goes on where it stopped"
        if not bot.count():
            raise RagError(f"the index in {folder} is not finished ({so_far}): {advice}")
        typer.echo(f"rag: the index in {folder} is not finished ({so_far}): {advice}", err=True)
    elif not bot.count():
        raise RagError(f"the index in {folder} holds no articles: fill it with `rag index`, or delete that folder")


def name_failures(report: IndexReport) -> None:
    """Name the files that could not be read or that there is something to know about; count those of other kinds."""
    for said, files in (("left out ", report.failed), ("", report.notes)):
        for path, reason in files[:_NAMED]:
            typer.echo(printable(f"rag: {said}{path}: {reason}"), err=True)
        if len(files) > _NAMED:
            typer.echo(f"rag: {said}{len(files) - _NAMED} more; --json names them all", err=True)
    if report.skipped:
        typer.echo(f"rag: left out {by_number(report.skipped)}", err=True)
