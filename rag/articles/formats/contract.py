"""What every format takes and gives: a `Source` in, an `Extracted` out, written block by block with a `Composer`."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

from rag.errors import DocumentError
from rag.types import Block

KINDS = ("paragraph", "heading", "item", "row", "caption", "note")
"""Kinds of `Block`."""

_WRAPPED = 50  # characters from which a line may have been ended by the width of its column
_LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})
SUPERSCRIPTS = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")
"""Figures as they are written when raised, so that an exponent is no part of the number before it."""
# lone surrogates, control characters, non-characters
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufeff\ufffe\uffff]")
# soft hyphens and marks without width; some languages (Thai to Burmese, Khmer) part words by such a space
_INVISIBLE = re.compile("[\xad\u2060]|\u200b(?![\u0e00-\u109f\u1780-\u17ff])")
_ENCODED = re.compile(  # inline pictures and the like, and base64 in one run or in lines: no language has such words
    r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.-]+)*,[^\s\"'<>()\[\]]*+"
    r"|(?<![\w+/=])(?=[A-Za-z+/]{0,60}\d)[A-Za-z0-9+/]{200,}+={0,2}"
    r"|(?:^[A-Za-z0-9+/]{60,80}\n){3,}+(?:[A-Za-z0-9+/]{1,80}={0,2}(?=\n|$))?",
    re.MULTILINE,
)


Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one part of an archive, as a format gets it.

    Attributes
    ----------
    data : bytes
    name : str
        The file's name, with which messages begin.
    max_bytes : int
        Most text, in characters, that it may unpack to.
    today : datetime.date
        Later dates are not believed.
    ocr : bool
        Whether pages that are pictures are to be read.
    """

    data: bytes
    name: str
    max_bytes: int
    today: datetime.date
    ocr: bool = False

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name.lower()).suffix

    @property
    def title(self) -> str:
        """The name as a person would write it: the title of what has no headline, a table say."""
        words = PurePosixPath(self.name).stem.replace("_", " ").strip()
        if " " not in words:  # else hyphens join words, as they do in any text
            words = re.sub(r"(?<=[^\W\d])-|-(?=[^\W\d])", " ", words)
        words = " ".join(words.split())
        first = words.partition(" ")[0]
        return words[:1].upper() + words[1:] if first.islower() else words


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a file holds, as a person reads it.

    Attributes
    ----------
    text : str
    blocks : tuple of Block
        Units of `text` in order; empty where the format tells none (plain text).
    pages : tuple of int
        Character at which each page begins; empty for formats without pages.
    title, date, outlet : str
        What the file's own markup or metadata state, as written there; "" where they state nothing.
    notes : tuple of str
        What the person who gave the file should know ("pages 2-3 hold no text").
    """

    text: str
    blocks: tuple[Block, ...] = ()
    pages: tuple[int, ...] = ()
    title: str = ""
    date: str = ""
    outlet: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What to look for on a page: its number from 1, the letters of a quote, how many like it to pass over."""

    page: int
    quote: str
    nth: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A page's picture as a data: address, its size in pixels, and the quote's boxes in shares of both."""

    address: str
    width: int
    height: int
    boxes: tuple[Box, ...]


@dataclass(slots=True)
class Composer:
    """Writes a text block by block, one block to a line.

    >>> composer = Composer(Source(b"", "a.csv", 100, datetime.date(2026, 1, 1)))
    >>> composer.add("heading", "Towns")
    >>> composer.add("row", "Town: Tarsk | Mayor: Ilse Korn")
    >>> composer.finish().blocks
    (Block(kind='heading', start=0, end=5), Block(kind='row', start=6, end=36))
    """

    source: Source
    _pieces: list[str] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)
    _pages: list[int] = field(default_factory=list)
    _length: int = 0

    def add(self, kind: str, text: str) -> None:
        """Append `text`; each of its lines is a block of its own, white space within a line is one space."""
        for line in tidied(text).split("\n"):
            words = " ".join(line.split())
            if not words:
                continue
            if self._pieces:
                self._write("\n")
            start = self._length
            self._write(words)
            self._blocks.append(Block(kind, start, self._length))

    def add_lines(self, text: str) -> None:
        """Append plain text: each line a paragraph, but lines that only the width of a column ends are joined."""
        for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
            lines = [line.strip() for line in part.split("\n") if line.strip()]
            wrapped = len(lines) > 1 and all(_WRAPPED <= len(line) <= 2 * _WRAPPED for line in lines[:-1])
            for paragraph in [" ".join(lines)] if wrapped else lines:
                self.add("paragraph", paragraph)

    def include(self, extracted: Extracted) -> None:
        """Append the blocks of another file that this one holds."""
        for block in extracted.blocks:
            self.add(block.kind, extracted.text[block.start : block.end])
        if not extracted.blocks:
            self.add_lines(extracted.text)

    def turn_page(self) -> None:
        """The next block is the first of a new page."""
        self._pages.append(self._length + bool(self._pieces))

    def append(self, text: str, new_page: bool = False) -> None:
        """Go on with the last block after a space; with `new_page`, what is appended is on the next page."""
        words = " ".join(tidied(text).split())
        if not self._blocks:
            raise ValueError("there is no block to go on with")
        self._write(" ")
        if new_page:
            self._pages.append(self._length)
        self._write(words)
        last = self._blocks[-1]
        self._blocks[-1] = Block(last.kind, last.start, self._length)

    def _write(self, piece: str) -> None:
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > self.source.max_bytes:
            raise too_much(self.source)

    def finish(
        self, title: str = "", date: str = "", outlet: str = "", notes: tuple[str, ...] = ()
    ) -> Extracted:  # the fields that only the format knows
        """All that was added."""
        end = self._length
        pages = tuple(min(page, end) for page in self._pages)
        return Extracted("".join(self._pieces), tuple(self._blocks), pages, title, date, outlet, notes)


def too_much(source: Source) -> DocumentError:
    """The error for a file that unpacks to more text than is allowed."""
    return DocumentError(
        f"{source.name} unpacks to more than {source.max_bytes:,} characters of text: expected fewer; "
        "split it, or raise the limit (--max-file-megabytes)"
    )


def broken(name: str, error: Exception) -> DocumentError:
    """The error for a file of which a parser makes nothing."""
    why = " ".join(f"{type(error).__name__}: {error}".split())[:160]
    return DocumentError(
        f"{name} is broken ({why}): expected a whole {PurePosixPath(name.lower()).suffix} file; "
        "open it, save it again and retry"
    )


def tidied(text: str) -> str:
    """`text` without control characters and encoded pictures, ligatures as letters, every line end one "\\n"."""
    text = _UNPRINTABLE.sub("", re.sub("\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text))
    return plain_characters(text)


def plain_characters(text: str) -> str:
    """`text` with ligatures as letters, without soft hyphens, `data:` addresses and base64, which are no words."""
    return _ENCODED.sub("", _INVISIBLE.sub("", text.translate(_LIGATURES)))


def plausible_title(title: str) -> str:
    """`title` if a person seems to have written it, "" for what templates and converters put there."""
    default = r"(?i)\W*$|\S+$|microsoft (word|powerpoint)|(word|powerpoint) (document|presentation)|.*\.[a-z]{2,5}$"
    return "" if re.match(default, title.strip()) or len(title) > 300 else title
