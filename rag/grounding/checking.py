"""A text of anybody's -> which of its sentences the articles support, contradict or do not state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rag.answering.citations import cite
from rag.grounding.verifier import Support, Verifier, states_something
from rag.language.sentences import sentences
from rag.types import Check, Chunk, Citation, Document

SUPPORTED, CONTRADICTED, NOT_STATED, NO_CLAIM = "supported", "contradicted", "not stated", "no claim"
MAX_QUOTES = 3
NEAREST = 2


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
        """What the articles say of one statement; `before` is the sentence before it, which may say whom "he" means."""
        if not states_something(statement):
            return Check(statement, NO_CLAIM, 0.0)
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

    def check_text(self, text: str) -> Iterator[Check]:
        """Each sentence of a text in turn, with its place; a caller that stops iterating stops the work."""
        before = ""
        for start, end in sentences(text):
            statement = " ".join(text[start:end].split())
            found = self.check(statement, before)
            yield Check(statement, found.verdict, found.probability, found.citations, found.nearest, start, end)
            before = "" if found.verdict == NO_CLAIM else statement

    def _cited(self, supports: Sequence[Support], passages: Sequence[Chunk]) -> tuple[Citation, ...]:
        made: list[Citation] = []
        for support in supports:
            chunk = passages[support.passage]
            citation = cite(self._document(chunk.document_id), support.start, support.end, support.probability)
            if all(citation.quote != other.quote for other in made):
                made.append(citation)
        return tuple(made[:MAX_QUOTES])
