"""The formats that are read: one module each, beside this file, with `read(source) -> Extracted`.

To add one, write `rag/articles/formats/NAME.py` after its neighbours' pattern and give it a line in `FORMATS`.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from rag.articles.formats.contract import Extracted, Source

FORMATS: dict[str, str] = {
    ".txt": "plain",
    ".text": "plain",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "word",
}
"""Suffix -> module of this folder."""

SUFFIXES: tuple[str, ...] = tuple(FORMATS)


class Format(Protocol):
    """A module of this folder. It is imported when a file of its kind comes, in the helper process (`guard`)."""

    def read(self, source: Source) -> Extracted:
        """What the file holds.

        Raises
        ------
        DocumentError
            The file is not what its suffix says, or holds more than is allowed. Any other error is taken for a
            broken file and reported so.
        """


def format_of(suffix: str) -> Format:
    """The format of a suffix in lower case; KeyError where none reads it."""
    return cast("Format", importlib.import_module(f"{__name__}.{FORMATS[suffix]}"))
