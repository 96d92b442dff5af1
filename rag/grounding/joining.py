"""What tells of a claim in several places of a document, brought together for one reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rag.language.text import content_words
from rag.types import Chunk

MOST = 4  # sentences that tell of a claim, each read behind the one before it


@dataclass(frozen=True, slots=True)
class Place:
    """[start, end), in characters of the document, within a passage; `passage` is its number, from 0."""

    passage: int
    start: int
    end: int


def telling(claim: str, sentences: Sequence[str]) -> list[int]:
    """The few sentences that together hold the most content words of a claim: their numbers, in order.

    Each adds words that those before it lack; of two that add as many it is the shorter.
    """
    left = set(content_words(claim))
    held = [set(content_words(sentence)) & left for sentence in sentences]
    chosen: list[int] = []
    while len(chosen) < min(MOST, len(sentences)):
        best = max(range(len(sentences)), key=lambda n: (len(held[n] & left), -len(sentences[n])))
        if not held[best] & left:
            break
        left -= held[best]
        chosen.append(best)
    return sorted(chosen)


def with_context(chosen: Sequence[int]) -> list[int]:
    """The numbers of sentences and of those before them, which tell whom "she" means and under what heading they stand.

    Else "She was arrested" would follow a sentence on somebody else.
    """
    return sorted({n for number in chosen for n in (number - 1, number) if n >= 0})


def places_of(passages: Sequence[Chunk], document_id: str) -> list[Place]:
    """Each sentence of a document that stands in one of the passages, once, in the document's order."""
    found = {
        place: number
        for number, passage in reversed(list(enumerate(passages)))
        if passage.document_id == document_id
        for place in passage.sentences
    }
    return [Place(found[place], *place) for place in sorted(found)]


def joined(passages: Sequence[Chunk], places: Sequence[Place]) -> Chunk:
    """Sentences of one document as one passage, a line each; its places are those of its own text."""
    first = passages[places[0].passage]
    titles = [passages[place.passage].title for place in places]
    text, bounds = in_lines([text_of(passages, place) for place in places])
    title = min(titles, key=len)  # behind a title stands a heading: where they differ it is read without
    if not all(other.startswith(title) for other in titles):
        title = title.rpartition(": ")[0]
    return Chunk("", first.document_id, 0, len(text), text, title, bounds, first.date, first.outlet)


def in_lines(sentences: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A text of a line for each sentence, and [start, end) of each in it."""
    ends = list(accumulate(len(sentence) + 1 for sentence in sentences))
    bounds = tuple((end - 1 - len(sentence), end - 1) for sentence, end in zip(sentences, ends, strict=True))
    return "\n".join(sentences), bounds


def text_of(passages: Sequence[Chunk], place: Place) -> str:
    """What stands at a place."""
    return passages[place.passage].between(place.start, place.end)
