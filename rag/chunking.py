"""Document -> Chunks of whole sentences, sized in the embedder's own tokens."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import pairwise

from rag.text import sentences
from rag.types import Chunk, Document

TokenOffsets = Callable[[str], list[tuple[int, int]]]

# Phrases of a page's frame. One is enough for a short line, two for a paragraph.
_BOILERPLATE = re.compile(
    r"follow (?:us|me) on|for (?:the )?latest updates|comments are closed|leave a (?:comment|reply)"
    r"|thoughts? on [“\"']"
    r"|continue reading|read (?:more|also|the full (?:story|article))\s*[:.…]?\s*$"
    r"|related (?:news|articles?|posts?|stories)|(?:sign up|subscribe) (?:to|for|now|today)|becom(?:e|ing) a member"
    r"|support(?:ing)? (?:us|our work|our journalism)|collaborate with our work|thank you for joining us"
    r"|all rights reserved|cookie (?:policy|settings)|privacy policy\s*$|share (?:this|on) |click here"
    r"|s[ií]guenos en|suscr[ií]b(?:ete|ase)|seguir leyendo|todos los derechos reservados",
    re.IGNORECASE,
)
_SHORT_LINE = 90  # characters


def is_boilerplate(paragraph: str) -> bool:
    """Whether a paragraph belongs to the page's frame (calls to follow or subscribe) and not to the article."""
    found = len(_BOILERPLATE.findall(paragraph))
    return found >= 2 or (found == 1 and len(paragraph) <= _SHORT_LINE)


def _paragraph(text: str, start: int, end: int) -> str:
    """The line(s) around [start, end), up to the line ends on both sides."""
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    return text[left : right if right >= 0 else len(text)]


def chunk_document(
    document: Document, token_offsets: TokenOffsets, max_tokens: int, overlap_sentences: int = 1
) -> list[Chunk]:
    """Chunks of a document, in order of their place.

    Parameters
    ----------
    document : Document
    token_offsets : callable
        Text -> [start, end) of each of the embedder's tokens, in characters, without special tokens.
    max_tokens : int
        Longest chunk in those tokens. A sentence that is longer by itself is cut between tokens.
    overlap_sentences : int
        Sentences repeated from the previous chunk, as far as they fit; never across skipped boilerplate.

    Returns
    -------
    list of Chunk
        `document.text[chunk.start:chunk.end] == chunk.text`. Empty when all is boilerplate or white space.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}, expected at least 1")
    offsets = token_offsets(document.text)
    starts, ends = [start for start, _ in offsets], [end for _, end in offsets]

    def count(start: int, end: int) -> int:
        return max(0, bisect_left(starts, end) - bisect_right(ends, start))

    def pieces(start: int, end: int) -> list[tuple[int, int]]:
        """The sentence, or parts of it that fit."""
        if count(start, end) <= max_tokens:
            return [(start, end)]
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        cuts = [start, *(starts[i] for i in range(first + max_tokens, last, max_tokens)), end]
        return [(a, b) for a, b in pairwise(cuts) if a < b]

    runs: list[list[tuple[int, int]]] = [[]]  # sentences between boilerplate
    for start, end in sentences(document.text):
        if is_boilerplate(_paragraph(document.text, start, end)):
            runs.append([])
        else:
            runs[-1].extend(pieces(start, end))

    chunks: list[Chunk] = []
    for run in runs:
        first = 0
        while first < len(run):
            last = first + 1
            while last < len(run) and count(run[first][0], run[last][1]) <= max_tokens:
                last += 1
            chunks.append(_chunk(document, run[first:last]))
            if last == len(run):
                break
            # Step back for the overlap, but always ahead of where this chunk began, and only as far as
            # it takes a third of the next chunk at most and leaves room for the next sentence.
            following = max(last - overlap_sentences, first + 1)
            while following < last and (
                3 * count(run[following][0], run[last - 1][1]) > max_tokens
                or count(run[following][0], run[last][1]) > max_tokens
            ):
                following += 1
            first = following
    return chunks


def _chunk(document: Document, spans: list[tuple[int, int]]) -> Chunk:
    start, end = spans[0][0], spans[-1][1]
    return Chunk(
        id=f"{document.id}#{start}-{end}",
        document_id=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        title=document.title,
        sentences=tuple(spans),
    )
