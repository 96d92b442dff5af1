"""Document -> Chunks of whole sentences, sized in the embedder's own tokens."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from rag.language.text import sentences
from rag.types import Chunk, Document

CUTTING_VERSION = "1"
"""Changes whenever chunks come out otherwise: an index that was cut by other rules does not fit."""
TokenOffsets = Callable[[str], list[tuple[int, int]]]

# Phrases of a page's frame. Two make a paragraph part of it; one makes a short line part of it, if the phrase is
# one of the first kind, or opens the line: "We share this view," said the minister, and articles go on like that.
_FRAME = (
    r"follow us on|for (?:the )?latest updates|comments are closed|leave a (?:comment|reply)|thoughts? on [“\"']"
    r"|collaborate with our work|all rights reserved|cookie (?:policy|settings)|s[ií]guenos en"
    r"|todos los derechos reservados"
)
_CALL = (
    r"follow me on|continue reading|read (?:more|also|the full (?:story|article))\s*[:.…]?\s*$"
    r"|related (?:news|articles?|posts?|stories)\b|(?:sign up|subscribe) (?:to|for|now|today)|becom(?:e|ing) a member"
    r"|support(?:ing)? (?:us|our work|our journalism)\b|thank you for joining us|privacy policy\s*$"
    r"|share (?:this|on)\b|click here|suscr[ií]b(?:ete|ase)|seguir leyendo"
)
_BOILERPLATE = re.compile(f"{_FRAME}|{_CALL}", re.IGNORECASE)
_ONE_IS_ENOUGH = re.compile(rf"{_FRAME}|^\W*(?:please )?(?:{_CALL})", re.IGNORECASE)
_SHORT_LINE = 90  # characters


def is_boilerplate(paragraph: str) -> bool:
    """Whether a paragraph belongs to the page's frame (calls to follow or subscribe) and not to the article."""
    if len(paragraph) <= _SHORT_LINE and _ONE_IS_ENOUGH.search(paragraph):
        return True
    return len(_BOILERPLATE.findall(paragraph)) >= 2


def _line(text: str, start: int, end: int) -> tuple[int, int]:
    """[start, end) of the line or lines around a place."""
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    return left, right if right >= 0 else len(text)


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
        """The sentence, or parts of it that fit, cut before a word where one begins in a part's last quarter."""
        parts = []
        while count(start, end) > max_tokens:
            first = bisect_right(ends, start)
            cut = starts[first + max_tokens]
            words_begin = (
                starts[i]
                for i in range(first + max_tokens, first + max_tokens - max_tokens // 4, -1)
                if starts[i] > start and document.text[starts[i] - 1].isspace()
            )
            cut = next(words_begin, cut)
            if cut <= start:  # one character of more tokens than fit
                cut = next((at for at in starts[first:] if at > start), end)
            if cut >= end:
                break
            parts.append(trimmed(start, cut))
            start = cut
        return [*parts, (start, end)]

    def trimmed(start: int, end: int) -> tuple[int, int]:
        return start, start + len(document.text[start:end].rstrip())

    runs: list[list[tuple[int, int]]] = [[]]  # sentences between boilerplate
    left = right = -1  # the line that the last sentence lies in
    framed = False
    for start, end in sentences(document.text):
        if not (left <= start and end <= right):
            left, right = _line(document.text, start, end)
            framed = is_boilerplate(document.text[left:right].strip())
        if framed:
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
        date=document.date,
        outlet=document.outlet,
    )
