"""The formats that are read: one module each, beside this file, with `read(source) -> Extracted`.

To add one, write `rag/articles/formats/NAME.py` after its neighbours' pattern and give it a line in `FORMATS`.
"""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from rag.articles.formats.contract import Extracted, Source

FORMATS: dict[str, str] = {
    **dict.fromkeys((".txt", ".text", ".log"), "plain"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".pdf": "pdf",
    **dict.fromkeys((".docx", ".docm", ".dotx"), "word"),
    ".rtf": "rtf",
    **dict.fromkeys((".odt", ".odp", ".ott"), "opendocument"),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), "slides"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "sheets"),
    ".eml": "mail",
    ".msg": "outlook",
    ".epub": "epub",
    **dict.fromkeys((".mhtml", ".mht"), "mhtml"),
    ".webarchive": "webarchive",
    ".xml": "xml",
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    ".ipynb": "notebook",
    **dict.fromkeys((".srt", ".vtt"), "subtitles"),
    ".tex": "tex",
    ".rst": "rst",
}
"""Suffix -> module of this folder."""

ARCHIVE = ".zip"
"""Suffix of an archive, each of whose files is read as one beside it (`archive`)."""
PACKED = frozenset(s for s, module in FORMATS.items() if module in ("word", "slides", "opendocument", "sheets", "epub"))
"""Suffixes of formats that are zip archives themselves."""


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
