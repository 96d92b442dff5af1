"""Plain text: the file's own characters, ligatures as letters. It tells no blocks."""

from __future__ import annotations

from rag.articles.formats.contract import Extracted, Source, plain_characters
from rag.articles.formats.encoding import decode


def read(source: Source) -> Extracted:
    """The text as it stands, without byte order mark, ligatures, soft hyphens and inline pictures."""
    text, notes = decode(source)
    if "\n" not in text:  # lines of the old Macintosh
        text = text.replace("\r", "\n")
    return Extracted(plain_characters(text), notes=notes)
