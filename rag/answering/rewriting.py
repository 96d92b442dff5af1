"""History + question -> what may have been meant by it: the seam at which another way of finding out can stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from rag.models.phrasing import in_conversation
from rag.models.reader import Limited, Reader
from rag.types import Answer, Turn

AnswerOf: TypeAlias = Callable[[str], Answer]
MEMORY = 3  # turns that a follow-up may lean on


class QueryRewriter(Protocol):
    """What the pipeline needs of a rewriter; another one comes in through `rag.parts.Parts`."""

    def readings(self, question: str, history: Sequence[Turn], answer_of: AnswerOf) -> list[str]:
        """Ways to read a question, at least one; the first that the articles answer is taken, else the firmest.

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
            The likeliest first.
        """


class ConversationRewriter:
    """Puts a question behind the ones before it and their answers, as the project's reader is trained to be asked.

    What a pronoun stands for, and whether anything is leant on at all, is the reader's to find out. Of the earlier
    turns the latest stay that leave the question room in what the reader reads of it.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def readings(self, question: str, history: Sequence[Turn], answer_of: AnswerOf) -> list[str]:
        told: list[tuple[str, str]] = []
        for turn in history[-MEMORY:]:
            answer = turn.answer
            if answer is None and turn is history[-1]:  # earlier ones stay unknown: each is a reading
                answer = answer_of(self._behind(turn.question, told))
            told.append((turn.question, "" if answer is None or answer.abstained else answer.short_answer))
        # Alone, too: what stands before it may mislead, most of all where that was answered wrongly.
        return list(dict.fromkeys([self._behind(question, told), question]))

    def _behind(self, question: str, told: Sequence[tuple[str, str]]) -> str:
        ways = (in_conversation(question, told[dropped:]) for dropped in range(len(told) + 1))
        return next((way for way in ways if self._fits(way)), question)

    def _fits(self, question: str) -> bool:
        return not isinstance(self._reader, Limited) or self._reader.fits(question)
