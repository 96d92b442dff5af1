"""Words that somebody pasted, as a document to check. A draft in a file is read like an article."""

from __future__ import annotations

import datetime
from pathlib import Path

from rag.articles.documents import document_of
from rag.articles.formats.contract import Source
from rag.articles.formats.guard import HELPER
from rag.errors import RagError
from rag.language.detection import language_of
from rag.types import Document

MAX_DRAFT = 200_000
"""Characters of a pasted text: a book has more, and would be checked for hours."""


def pasted(text: str, markdown: bool | None = None) -> Document:
    """A pasted text as a document.

    Parameters
    ----------
    text : str
        At most `MAX_DRAFT` characters.
    markdown : bool, optional
        Whether to read it as Markdown; its offsets then are those of what a reader of the rendered page sees. Without
        it, offsets are those of `text`. Default: where that finds headings, lists or tables.

    Raises
    ------
    RagError
        The text is empty or too long.
    """
    if not any(map(str.isalnum, text)):
        raise RagError("there is no text to check; give a sentence or more")
    if len(text) > MAX_DRAFT:
        raise RagError(f"the text has {len(text):,} characters, expected at most {MAX_DRAFT:,}; check it in parts")
    plain = Document("", "", text, "", language=language_of(text))
    if markdown is False:
        return plain
    data, today = text.encode("utf-8", "replace"), datetime.date.today()
    content = HELPER.extract(Source(data, "draft.md", len(data) + 1, today))
    if markdown is None and all(block.kind == "paragraph" for block in content.blocks):
        return plain
    return document_of(content, Path("draft.md"), "draft.md", data, today)
