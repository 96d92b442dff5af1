"""Standard input and output, whatever their encoding: what a stream cannot show is escaped, what it cannot read is
replaced, and neither ends in a traceback."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from rag.language.characters import readable

UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = {code: f"\\u{code:04x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}


def steady_streams() -> None:
    r"""Let no character break standard output, error or input.

    The encoding stays what the system or PYTHONIOENCODING says, for that is what the reader of the output expects. A
    character that it lacks is written as its escape (``\u041c``); bytes that it cannot read become U+FFFD. A stream
    that was closed leads nowhere.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # for as long as it runs
    for stream, errors in ((sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace"), (sys.stdin, "replace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def as_json(value: Any) -> str:
    r"""A value as one line of JSON, in ASCII (``\u041c``) where standard output cannot write its characters."""
    made = json.dumps(value, ensure_ascii=False)
    try:
        made.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        made = json.dumps(value)
    return printable(made)


def printable(text: str) -> str:
    r"""A text with its control characters as escapes (``\u001b``): an article's must not move a terminal's cursor."""
    return text.translate(_CONTROLS)


class Growing:
    """Standard output for a text that grows: each time what is new of it is printed."""

    def __init__(self) -> None:
        self._shown = ""

    def show(self, text: str) -> None:
        """Print what the text has beyond that shown before, with which it begins."""
        print(printable(text[len(self._shown) :]), end="", flush=True)
        self._shown = text


def prompted_lines(prompt: str) -> Iterator[str]:
    """Lines as they are typed, without their ends, each after the prompt, until the end of input."""
    at_terminal = sys.stdin.isatty()
    first = True
    while True:
        try:
            if first and not at_terminal:
                print(prompt, end="", flush=True)  # before anything is waited for
                _read_on_in_utf_16()
                line = input()
            else:
                line = input(prompt)
        except EOFError:
            return
        first = False
        yield readable(line).lstrip("\ufeff")


def typed() -> str:
    """Standard input to its end."""
    _read_on_in_utf_16()
    return readable(sys.stdin.read()).lstrip("\ufeff")


def close_output() -> None:
    """Write out what standard output still holds: a full disk is an error now, and no trace while Python ends.

    Raises
    ------
    OSError
        It could not be written; standard output then leads nowhere, for the rest would fail again.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _read_on_in_utf_16() -> None:
    """Decode standard input as UTF-16 where it begins with that encoding's mark, as some programs of Windows write."""
    buffer = getattr(sys.stdin, "buffer", None)
    if not (isinstance(sys.stdin, io.TextIOWrapper) and isinstance(buffer, io.BufferedReader)):
        return
    if buffer.peek(2)[:2] in UTF_16_MARKS:
        sys.stdin.reconfigure(encoding="utf-16", errors="replace")
