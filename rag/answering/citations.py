"""Quotes and their places. The one door through which a Citation is made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from rag.language.text import words
from rag.types import Chunk, Citation, Document, ScoredChunk


def cite(document: Document, start: int, end: int, score: float) -> Citation:
    """A citation of `document.text[start:end]`.

    Raises
    ------
    ValueError
        The place is empty or outside the text: a bug in the caller, never a thing to show.
    """
    if not 0 <= start < end <= len(document.text):
        raise ValueError(f"[{start}, {end}) is no place in {document.id}, which has {len(document.text)} characters")
    quote = document.text[start:end]
    page = page_of(document, start)
    return Citation(document.id, document.title, document.date, document.source, start, end, quote, score, page)


def page_of(document: Document, place: int) -> int | None:
    """The page that a character is on, from 1; None where there are no pages, or before the first."""
    return bisect_right(document.pages, place) or None


def on_pages(passages: Iterable[ScoredChunk], fetch: Callable[[str], Document]) -> tuple[ScoredChunk, ...]:
    """The passages with their pages; none for one whose article was changed or removed since it was found."""
    placed = []
    for passage in passages:
        chunk = passage.chunk
        with suppress(KeyError):
            document = fetch(chunk.document_id)
            if document.text[chunk.start : chunk.end] == chunk.text:
                passage = replace(passage, page=page_of(document, chunk.start))
        placed.append(passage)
    return tuple(placed)


def is_exact(citation: Citation, document: Document) -> bool:
    """Whether the citation names this document and quotes it character by character."""
    place = document.text[citation.start : citation.end]
    return citation.document_id == document.id and citation.start >= 0 and bool(place) and place == citation.quote


def sentences_around(chunk: Chunk, start: int, end: int) -> tuple[int, int]:
    """[start, end) of the whole sentences of a chunk that hold the given place, in characters of the document."""
    touched = [(a, b) for a, b in chunk.sentences if a < end and start < b]
    if not touched:
        return start, end
    return min(start, touched[0][0]), max(end, touched[-1][1])


def told_alike(chunk: Chunk, text: str) -> tuple[int, int] | None:
    """[start, end) of the sentences of a chunk that have the words of a text, and no others: a "not" may deny it."""
    wanted = words(text)
    for first, (start, _) in enumerate(chunk.sentences):
        for _, end in chunk.sentences[first:]:
            told = words(chunk.between(start, end))
            if told == wanted:
                return start, end
            if len(told) >= len(wanted):
                break
    return None
