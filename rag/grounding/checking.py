"""A text of anybody's -> which of its sentences the articles support, contradict or do not state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from rag.answering.citations import cite
from rag.articles.chunking import parts_of
from rag.errors import RagError
from rag.grounding.verifier import Support, Verifier, states_something
from rag.types import Block, Check, Chunk, Citation, Document

SUPPORTED, CONTRADICTED, NOT_STATED, NO_CLAIM = "supported", "contradicted", "not stated", "no claim"
TOO_LONG = "too long to be checked; split it"
MAX_QUOTES = 3
NEAREST = 2
SEARCHES = 5  # for one statement, when articles change between search and citation


class Checks(Protocol):
    """What checks a text. `rag.pipeline.Chatbot` is one."""

    def check_text(self, text: str | Document) -> Iterator[Check]:
        """See `Checker.check_text`."""


class Checker:
    """Looks for passages about a statement and asks the verifier what they say of it."""

    def __init__(
        self, verifier: Verifier, search: Callable[[str], Sequence[Chunk]], document: Callable[[str], Document]
    ) -> None:
        """`search` finds the passages for a statement, best first; `document` fetches a document by its id."""
        self._verifier = verifier
        self._search = search
        self._document = document

    def check(self, statement: str, before: str = "") -> Check:
        """What the articles say of one statement, which may lean on the sentence `before` it.

        Raises
        ------
        RagError
            The statement is empty, or the articles change faster than they can be read.
        """
        if not statement.strip():
            raise RagError("the statement is empty; expected a sentence")
        if not states_something(statement):
            return Check(statement, NO_CLAIM, 0.0)
        if self._verifier.too_long(statement):
            return Check(statement, NOT_STATED, 0.0, note=TOO_LONG)
        for _ in range(SEARCHES):
            try:
                return self._checked(statement, before)
            except KeyError:  # an article was changed or removed since it was found: search again
                continue
        raise RagError("the articles are being changed all the time; check the text again when that has ended")

    def check_text(self, text: str | Document) -> Iterator[Check]:
        """Each sentence of a text in turn, with its place; a caller that stops iterating stops the work.

        The headings of a document whose format tells them are names of its parts and pass for no claim.
        """
        document = Document("", "", text, "") if isinstance(text, str) else text
        before = ""
        for place in sentences_of(document):
            statement = " ".join(document.text[place.start : place.end].split())
            named = place.kind == "heading"
            found = Check(statement, NO_CLAIM, 0.0) if named else self.check(statement, before)
            yield replace(found, start=place.start, end=place.end)
            before = "" if found.verdict == NO_CLAIM else statement

    def _checked(self, statement: str, before: str) -> Check:
        passages = self._search(f"{before} {statement}".strip())
        found = self._verifier.check(statement, passages, before)
        best = found[0].probability if found else 0.0
        supporting = [support for support in found if support.probability >= self._verifier.threshold]
        if supporting:
            return Check(statement, SUPPORTED, best, self._cited(supporting, passages))
        against = self._verifier.denials(statement, passages)
        if against:
            return Check(statement, CONTRADICTED, best, self._cited(against, passages))
        return Check(statement, NOT_STATED, best, nearest=self._cited(found[:NEAREST], passages))

    def _cited(self, supports: Sequence[Support], passages: Sequence[Chunk]) -> tuple[Citation, ...]:
        """The quotes, each once; KeyError when an article is no longer what was found."""
        made: list[Citation] = []
        for support in supports:
            if made and len(made) + len(support.places) > MAX_QUOTES:
                break
            quotes = cited(support, passages, self._document)
            made += [citation for citation in quotes if all(citation.quote != other.quote for other in made)]
        return tuple(made)


def cited(support: Support, passages: Sequence[Chunk], document: Callable[[str], Document]) -> tuple[Citation, ...]:
    """Its places, quoted; KeyError when an article is no longer what was found."""
    made = []
    for place in support.places:
        chunk = passages[place.passage]
        source = document(chunk.document_id)
        if source.text[chunk.start : chunk.end] != chunk.text:
            raise KeyError(chunk.id)
        made.append(cite(source, place.start, place.end, support.probability))
    return tuple(made)


def sentences_of(document: Document) -> list[Block]:
    """Each sentence of a document, cut as an article is, as a Block of the kind that it lies in."""
    return [Block(kind, *place) for kind, places in parts_of(document) for place in places]
