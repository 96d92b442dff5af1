"""The pages of a PDF as pictures, a quote marked in them; only of the very file that was read."""

from __future__ import annotations

import atexit
import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from rag.articles.formats.contract import Box, Place
from rag.articles.formats.guard import Helper
from rag.errors import DocumentError
from rag.language.text import letters
from rag.types import Document

DRAWING = Helper(seconds=20)
"""A process of its own, so that whoever reads a page need not wait for files that are being read in."""
atexit.register(DRAWING.close)
MOST = 3
"""Pages that are drawn for one quote."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One page of a file.

    Attributes
    ----------
    number : int
        From 1.
    address : str
        The picture, as a data: address.
    width, height : int
        Of the picture, in pixels.
    boxes : tuple of (left, top, right, bottom)
        Where the quote stands, in shares of width and height, y downwards; empty where it was not found.
    """

    number: int
    address: str
    width: int
    height: int
    boxes: tuple[Box, ...]


def pictures(document: Document, start: int, end: int, max_bytes: int, helper: Helper = DRAWING) -> list[Picture]:
    """The pages on which characters [start, end) of a document stand, the first three of them.

    Parameters
    ----------
    document : Document
        With `pages`, of a PDF.
    start, end : int
    max_bytes : int
        Largest file that is read.
    helper : Helper
        The process that draws.

    Raises
    ------
    DocumentError
        The file is gone, is not the one that was read, or cannot be drawn: in words that stand above its text.
    """
    path = Path(document.source)
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except NotADirectoryError as error:
        raise DocumentError("the file lies in an archive, of which no pages are drawn; this is its text") from error
    except OSError as error:
        raise DocumentError(f"the file is no longer at hand ({error.strerror}); this is its text") from error
    if len(data) > max_bytes:
        raise DocumentError(f"the file has more than {max_bytes:,} bytes and is not drawn; this is its text")
    if hashlib.sha256(data).hexdigest() != document.content_hash:
        raise DocumentError("the file has changed since it was read; this is its text as it was")
    places = places_of(document, start, end)[:MOST]
    return [
        Picture(place.page, drawn.address, drawn.width, drawn.height, drawn.boxes)
        for place, drawn in zip(places, helper.draw(data, path.name, places), strict=True)
    ]


def places_of(document: Document, start: int, end: int) -> list[Place]:
    """What stands of characters [start, end) on each page, and how many times the same stands before it there."""
    made = []
    for number in range(max(1, bisect_right(document.pages, start)), bisect_right(document.pages, end - 1) + 1):
        first = document.pages[number - 1]
        last = document.pages[number] if number < len(document.pages) else len(document.text)
        quote = letters(document.text[max(start, first) : min(end, last)])
        if not quote:
            continue
        before, page = len(letters(document.text[first : max(start, first)])), letters(document.text[first:last])
        made.append(Place(number, quote, sum(page.startswith(quote, at) for at in range(before))))
    return made
