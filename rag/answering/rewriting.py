"""History + question -> what may have been meant by it: the seam at which another way of finding out can stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.answering.followups import AnswerOf, understand
from rag.types import Turn


class QueryRewriter(Protocol):
    """What the pipeline needs of a rewriter; another one comes in through `rag.parts.Parts`."""

    def readings(self, question: str, history: Sequence[Turn], answer_of: AnswerOf) -> list[str]:
        """Ways to read a question, at least one; each is answered, and the answer on the firmest ground is given.

        Parameters
        ----------
        question : str
            As typed.
        history : sequence of Turn
            Oldest first.
        answer_of : callable
            Answers an earlier question whose Answer the history lacks.

        Returns
        -------
        list of str
            The first one wins a tie.
        """


class GrammarRewriter:
    """Completes English follow-ups by rules; see `rag.answering.followups`."""

    def readings(self, question: str, history: Sequence[Turn], answer_of: AnswerOf) -> list[str]:
        return understand(question, history, answer_of)
