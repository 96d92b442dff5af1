"""Articles and their passages, as they are read and cut."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A unit of a document as its format tells it: characters [start, end) of the text, in order, never overlapping.

    `kind` is "paragraph", "heading", "item" (of a list), "row" (of a table), "caption" or "note".
    """

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One article, with its text exactly as it was read.

    Attributes
    ----------
    id : str
        Path below the folder it was indexed from, with forward slashes ("2023/visit.txt").
    title : str
        Title given by the file, else its first line or the start of its first sentence; of a table its name.
    text : str
        Verbatim text; every offset in this package counts characters of it.
    source : str
        Absolute path of the file.
    language : str
        ISO 639-1 code, "und" when the text is too short, or too poor in words, to tell.
    date : str or None
        ISO 8601 "YYYY", "YYYY-MM" or "YYYY-MM-DD": when it was published or, failing that,
        the latest day it reports on. None when the text gives none.
    content_hash : str
        sha256 of the file's bytes, hexadecimal.
    outlet : str or None
        Who published it, where the text or its metadata say so.
    blocks : tuple of Block
        Its units, where the format tells them; without, line ends are what there is to go by.
    pages : tuple of int
        Character at which each page begins, for formats that have pages.
    """

    id: str
    title: str
    text: str
    source: str
    language: str = "und"
    date: str | None = None
    content_hash: str = ""
    outlet: str | None = None
    blocks: tuple[Block, ...] = ()
    pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """A document without its text, for lists; `characters` is the length of the text. See `Document`."""

    id: str
    title: str
    source: str
    language: str
    date: str | None
    content_hash: str
    outlet: str | None
    characters: int

    @classmethod
    def of(cls, document: Document) -> Header:
        """What is told of a document without its text."""
        d = document
        return cls(d.id, d.title, d.source, d.language, d.date, d.content_hash, d.outlet, len(d.text))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole sentences of one document: `document.text[start:end] == text`.

    `sentences` holds [start, end) of each sentence in characters of the document; `title`, `date` and `outlet` are
    the document's. Behind its title stands the heading under which the chunk begins, where that is not in it.
    """

    id: str
    document_id: str
    start: int
    end: int
    text: str
    title: str
    sentences: tuple[tuple[int, int], ...]
    date: str | None = None
    outlet: str | None = None

    def between(self, start: int, end: int) -> str:
        """The text of [start, end), which are characters of the document, within the chunk."""
        return self.text[start - self.start : end - self.start]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What indexing did.

    Attributes
    ----------
    added, updated, removed, unchanged : int
        Documents; one that moved counts as updated.
    failed : tuple of (str, str)
        A file and why it could not be read.
    skipped : tuple of (str, str)
        A file of a kind that is not read, and its suffix.
    notes : tuple of (str, str)
        A file that was read, and what to know about that ("pages 2-3 hold no text").
    """

    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        counts = f"{self.added} added, {self.updated} updated, {self.removed} removed, {self.unchanged} unchanged"
        return counts + (f", {len(self.failed)} could not be read" if self.failed else "")
