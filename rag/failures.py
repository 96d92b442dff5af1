"""How a command ends when something goes wrong that a person can mend: one line on standard error, exit code 1."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from rag.console import close_output, printable
from rag.errors import RagError

DISK = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EIO,
    errno.ENAMETOOLONG,
)
"""What a full disk, missing rights and a name too long are called: a person can mend them."""
P = ParamSpec("P")
R = TypeVar("R")


def mendable(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a person can mend into one line on standard error and exit code 1."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            made = command(*args, **kwargs)
            close_output()
            return made
        except RagError as error:
            typer.echo(printable(f"rag: {_with_way_out(str(error))}"), err=True)
            raise typer.Exit(1) from None
        except OSError as error:
            if error.errno not in DISK:
                raise
            typer.echo(printable(f"rag: {_disk(error)}"), err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            typer.echo(
                "rag: interrupted; run it again (a first run goes on where it stopped, a later one changed nothing)",
                err=True,
            )
            raise typer.Exit(1) from None

    return run


def _disk(error: OSError) -> str:
    if error.filename is None:
        return f"the output could not be written ({error.strerror}); make room, or send it elsewhere"
    return _with_way_out(f"{error.filename} cannot be used ({error.strerror}); check the disk and its rights")


def _with_way_out(message: str) -> str:
    """An error's message, with how to leave the folder of indexes where that is what is in the way."""
    if "RAG_HOME" in message or not ("name another place" in message or "check the disk" in message):
        return message
    return f"{message}; the variable RAG_HOME names another folder for indexes"
