"""`rag serve --background` and `--stop`: a server that outlives the terminal it was started in."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from rag.errors import RagError
from rag.places import home
from rag.serve.record import BACKGROUND, Record, is_true, opened_anew, records
from rag.served import Served

START_SECONDS = 600.0  # a first indexing takes its time
STOP_SECONDS = 30.0  # what is running is finished (FINISH_SECONDS), then Python ends
POLL_SECONDS = 0.5
LINES = 5  # of the log, in an error


def started(served: Served, options: Sequence[str]) -> str:
    """Start a server, unless there is one that does the same; what to tell a person about it.

    Parameters
    ----------
    served : Served
        What it is to answer from.
    options : sequence of str
        Of `rag serve`.

    Raises
    ------
    RagError
        One with other options serves the index, or none could be started.
    """
    folder = Path(served.index)
    for record in running(folder):
        if record.served == served:
            return f"A server is running already: {_told(record)}"
        if record.background:
            raise RagError(
                f"a server of this index runs in the background already, with other options or of an earlier state of "
                f"the program: {_told(record)}"
            )
    return f"The chat is at {_told(start([sys.executable, '-m', 'rag.cli', 'serve', *options], folder))}"


def stopped(served: Served) -> str:
    """Stop the server of an index that was started in the background; what to tell a person."""
    return f"stopped the server at {stop(Path(served.index)).address}"


def options_of(context: Any) -> list[str]:
    """The options that `rag serve` was given, as those of another process.

    Raises
    ------
    RagError
        The parts come from a program: another process cannot have them.
    """
    if context.obj is not None:
        raise RagError("a program's own parts cannot be handed to a server in the background; serve from the program")
    given = []
    for option in context.command.params:
        value = context.params.get(option.name)
        if option.name in ("background", "stop") or value is None or value is False:  # a port 0 is given
            continue
        values = value if isinstance(value, list | tuple) else [value]
        given += [option.opts[0] if one is True else f"{option.opts[0]}={one}" for one in values]
    return given


def running(folder: Path) -> list[Record]:
    """The servers of an index that are there, those started in the background first."""
    return sorted(filter(is_true, records(folder)), key=lambda record: not record.background)


def start(command: Sequence[str], folder: Path, seconds: float = START_SECONDS) -> Record:
    """Start a server of the index in a folder as a process of its own; its record, once it answers.

    Raises
    ------
    RagError
        It ended, or did not answer in time; the message has the last lines of its log.
    """
    log = log_of(folder)
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(opened_anew(log), "wb") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, BACKGROUND: "1"},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
            | getattr(subprocess, "DETACHED_PROCESS", 0),
        )
    try:
        return _once_it_answers(process, folder, log, seconds)
    except BaseException:  # an interrupted start leaves nothing behind
        process.kill()
        process.wait()
        raise
    finally:
        _show("\n")


def _once_it_answers(process: subprocess.Popen[bytes], folder: Path, log: Path, seconds: float) -> Record:
    typer.echo(f"rag: starting; its log is {log}", err=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RagError(f"the server ended with code {process.returncode}; {_last(log)}")
        for record in records(folder):
            if record.pid == process.pid and is_true(record):
                return record
        time.sleep(POLL_SECONDS)
        _show(".")
    raise RagError(
        f"the server did not answer within {seconds:g} s and was ended; {_last(log)}\nWhere it was still reading "
        "articles, start it again: it goes on where it stopped"
    )


def stop(folder: Path, seconds: float = STOP_SECONDS) -> Record:
    """End the server of an index that `rag serve --background` started, and no other; its record.

    Raises
    ------
    RagError
        There is none, or it does not end.
    """
    found = running(folder)
    if not found or not found[0].background:
        where = f"; the one at {found[0].address} was started in a terminal, end it there" if found else ""
        raise RagError(f"no server of this index runs in the background{where}")
    record = found[0]
    os.kill(record.pid, signal.SIGTERM)  # the server itself has just proved that this is its number
    end = time.monotonic() + seconds
    while record in records(folder):  # it takes its record away last
        if time.monotonic() > end:
            raise RagError(f"the server at {record.address} (process {record.pid}) does not end; end that process")
        time.sleep(POLL_SECONDS)
    return record


def log_of(folder: Path) -> Path:
    """Log of the background server of an index; not beside it, where there may be no index yet."""
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    return home() / "servers" / f"{folder.name}-{name}.log"


def _last(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return f"the end of its log {log}:\n" + "\n".join(lines[-LINES:]) if lines else f"its log {log} is empty"


def _told(record: Record) -> str:
    where = "in the background; `rag serve --stop`" if record.background else "in a terminal; Ctrl-C there"
    return f"{record.address} (process {record.pid}, {where} ends it)"


def _show(mark: str) -> None:
    """A sign of life, where somebody looks."""
    if sys.stderr.isatty():
        typer.echo(mark, nl=False, err=True)
