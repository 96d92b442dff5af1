"""Document -> Chunks of whole sentences, sized in the embedder's own tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from rag.language.sentences import Place, is_question, paragraphs, within
from rag.types import Block, Chunk, Document

CUTTING_VERSION = "12"
"""Changes whenever the same file would be read or cut in another way: an index made by other rules does not fit, and
files that have not changed since are not read again."""

MAX_HEADING = 120  # characters of a heading that a chunk carries in its title

TokenOffsets = Callable[[str], list[Place]]

_SHORT_QUESTION = 3  # sentences of a paragraph that asks; what is longer is prose that ends in a question


class Unit(NamedTuple):
    """A sentence, a heading or a table's row; with `joined`, what follows belongs to it and stays in its chunk."""

    start: int
    end: int
    joined: bool = False


def units(document: Document) -> list[Unit]:
    """The units of a document, in order of their place.

    They never reach over two blocks of the document (two lines, where its format tells none). A heading is joined to
    what it heads, a question to its answer: the rest of its paragraph or, where the paragraph only asks, the next.
    """
    found: list[Unit] = []
    asked = False  # the paragraph before only asks
    for kind, places in parts_of(document):
        asks = [is_question(document.text[start:end]) for start, end in places]
        answers = asked and kind != "heading"
        for asks_itself, (start, end) in zip(asks, places, strict=True):
            answers = answers or asks_itself
            found.append(Unit(start, end, joined=answers))
        asked = asks[-1] and len(places) <= _SHORT_QUESTION
        found[-1] = found[-1]._replace(joined=asked or kind == "heading")
    return found


def parts_of(document: Document) -> Iterator[tuple[str, list[Place]]]:
    """Each block of a document, or line where its format tells none: its kind, and its sentences' places.

    A heading or a table's row is one sentence.
    """
    for kind, start, end in _blocks(document):
        whole = kind in ("heading", "row")
        yield kind, [(start, end)] if whole else within(document.text, start, end, document.language)


class _Block(NamedTuple):
    kind: str
    start: int
    end: int


def _blocks(document: Document) -> Iterator[_Block]:
    """The blocks of a document and what lies between them, without white space around it and without mere marks."""
    text, at = document.text, 0
    end_of_text = Block("paragraph", len(text), len(text))
    for block in chain(document.blocks, [end_of_text]):
        between = [_Block("paragraph", at + a, at + b) for a, b in paragraphs(text[at : block.start])]
        piece = text[block.start : block.end]
        inner = len(piece) - len(piece.lstrip())
        own = _Block(block.kind, block.start + inner, block.start + len(piece.rstrip()))
        for found in (*between, own):
            if any(map(str.isalnum, text[found.start : found.end])):
                yield found
        at = max(at, block.end)


class _Measure:
    """Counts tokens between places of a text."""

    def __init__(self, text: str, token_offsets: TokenOffsets, most: int) -> None:
        offsets = token_offsets(text)
        self.text = text
        self.most = most
        self.starts, self.ends = [start for start, _ in offsets], [end for _, end in offsets]

    def count(self, start: int, end: int) -> int:
        return max(0, bisect_left(self.starts, end) - bisect_right(self.ends, start))

    def fits(self, units: list[Unit], first: int, last: int) -> bool:
        """Whether units [first, last) fit into one chunk."""
        return self.count(units[first].start, units[last - 1].end) <= self.most

    def parts(self, unit: Unit) -> list[Unit]:
        """The unit, or parts of it that fit, cut before a word where one begins in a part's last quarter."""
        parts = []
        start, end = unit.start, unit.end
        while self.count(start, end) > self.most:
            first = bisect_right(self.ends, start)
            cut = self.starts[first + self.most]
            words_begin = (
                self.starts[i]
                for i in range(first + self.most, first + self.most - self.most // 4, -1)
                if self.starts[i] > start and self.text[self.starts[i] - 1].isspace()
            )
            cut = next(words_begin, cut)
            if cut <= start:  # one character of more tokens than fit
                cut = next((at for at in self.starts[first:] if at > start), end)
            if cut >= end:
                break
            parts.append(Unit(start, start + len(self.text[start:cut].rstrip()), joined=True))
            start = cut
        return [*parts, Unit(start, end, unit.joined)]


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
        Longest chunk in those tokens. A sentence that is longer by itself is cut between tokens; units that belong
        together (see `units`) are parted only where they do not fit into a chunk of their own.
    overlap_sentences : int
        Sentences repeated from the previous chunk, as far as they fit.

    Returns
    -------
    list of Chunk
        `document.text[chunk.start:chunk.end] == chunk.text`. Empty when all is white space and marks.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}, expected at least 1")
    measure = _Measure(document.text, token_offsets, max_tokens)
    run = [part for unit in units(document) for part in measure.parts(unit)]
    headings = [block for block in document.blocks if block.kind == "heading"]
    chunks: list[Chunk] = []
    first = fresh = 0  # where the chunk begins, and its first unit that was in no chunk before
    while fresh < len(run):
        last = fresh + 1
        while last < len(run) and measure.fits(run, first, last + 1):
            last += 1
        last = _between_groups(run, fresh, last)
        chunks.append(_chunk(document, run[first:last], _title(document, headings, run[first].start)))
        first, fresh = _overlap(run, measure, first, last, overlap_sentences), last
    return chunks


def _between_groups(run: list[Unit], fresh: int, last: int) -> int:
    """`last`, moved back so that no group is parted, unless the chunk would bring nothing new."""
    cut = last
    while fresh < cut < len(run) and run[cut - 1].joined:
        cut -= 1
    return cut if cut > fresh else last


def _overlap(run: list[Unit], measure: _Measure, first: int, last: int, sentences: int) -> int:
    """Where the chunk after [first, last) begins.

    Always behind where this one began; what is repeated takes a third of the next chunk at most, and leaves room for
    the group that follows it, or its first unit where that group is too long for a chunk.
    """
    if last == len(run):
        return last
    end = last + 1
    while end < len(run) and run[end - 1].joined and measure.fits(run, last, end):
        end += 1
    end = end if measure.fits(run, last, end) else last + 1
    following = max(last - sentences, first + 1)
    while following < last and (
        3 * measure.count(run[following].start, run[last - 1].end) > measure.most
        or not measure.fits(run, following, end)
    ):
        following += 1
    return following


def _title(document: Document, headings: list[Block], start: int) -> str:
    """The document's title and the last of its headings before a place, unless the place is in it or both are one."""
    number = bisect_right(headings, start, key=lambda block: block.start) - 1
    if number < 0 or start < headings[number].end:
        return document.title
    heading = " ".join(document.text[headings[number].start : headings[number].end].split())
    return document.title if heading == document.title else f"{document.title}: {heading[:MAX_HEADING]}"


def _chunk(document: Document, spans: list[Unit], title: str) -> Chunk:
    start, end = spans[0].start, spans[-1].end
    return Chunk(
        id=f"{document.id}#{start}-{end}",
        document_id=document.id,
        start=start,
        end=end,
        text=document.text[start:end],
        title=title,
        sentences=tuple((unit.start, unit.end) for unit in spans),
        date=document.date,
        outlet=document.outlet,
    )
