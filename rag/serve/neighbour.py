"""Asking the server of the same index that runs on this machine already. Loads no model library."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import typer

from rag.errors import RagError
from rag.serve.record import Record, exchange, is_true, records
from rag.served import Served
from rag.types import IndexReport

ANSWER_SECONDS = 300.0  # a first look at many new files, and a language model that takes its time


def ask(wanted: Served, question: dict[str, Any]) -> dict[str, Any] | None:
    """What a server tells, as `rag.serve.local` makes it; None where there is none that answers as this process would.

    Parameters
    ----------
    wanted : Served
        What this process would answer from.
    question : dict
        The fields of `rag.serve.local.Question`.

    Raises
    ------
    RagError
        What is asked makes no sense; this process would say the same.
    """
    for record in records(Path(wanted.index)):
        if record.login or record.served != wanted or not is_true(record):
            continue
        told = _told(record, question)
        if told is not None:
            _say(record, told)
            return told
        typer.echo(f"rag: the server at {record.address} gave no answer; asked without it", err=True)
    return None


def _told(record: Record, question: dict[str, Any]) -> dict[str, Any] | None:
    try:
        status, body = exchange(
            record, "POST", "/api/local/ask", json.dumps(question), record.token, seconds=ANSWER_SECONDS
        )
        told: dict[str, Any] = json.loads(body)
        if status == 400:
            raise RagError(told["error"]["message"])
    except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError):
        return None
    return told if status == 200 else None


def _say(record: Record, told: dict[str, Any]) -> None:
    """What this process would say of the files, and who answered."""
    if any(told["report"][name] for name in ("failed", "notes", "skipped")):
        from rag.index_report import name_failures

        name_failures(IndexReport(**told["report"]))
    typer.echo(f"rag: answered by the server at {record.address} (--no-server asks without it)", err=True)
