"""History + question -> what may have been meant by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rag.answering.confidence import agree
from rag.language.sentences import sentences
from rag.types import Answer, Turn

MAX_LENGTH = 300  # characters; what is longer brings its own context, and is no context for others


class QueryRewriter(Protocol):
    """What the pipeline needs of a rewriter; another one comes in through `rag.parts.Parts`."""

    def readings(self, question: str, history: Sequence[Turn]) -> list[str]:
        """Ways to read a question, at least one; each is answered, and the answer on the firmest ground is given.

        Parameters
        ----------
        question : str
            As typed.
        history : sequence of Turn
            Oldest first.

        Returns
        -------
        list of str
            The first one wins a tie.
        """


class LastQuestion:
    """Reads a question alone, and behind the one before it: "Who is Anna Berg? When was she born?"."""

    def readings(self, question: str, history: Sequence[Turn]) -> list[str]:
        question = question.strip()
        context = _context(history[-1]) if history else ""
        if not context or context == question or len(question) > MAX_LENGTH:
            return [question]
        return [question, f"{context} {question}"]


def firmest(answers: Sequence[Answer], before: Callable[[], Answer]) -> Answer:
    """The answer on the firmest ground: one that stands, then by confidence; of the question alone at a tie.

    Parameters
    ----------
    answers : sequence of Answer
        One for each reading, that of the question alone first.
    before : callable
        Answers the last question; called only where another reading than the first would win. One that gives the
        answer to the last question again has read that question.
    """
    ranked = sorted(answers, key=lambda a: (a.abstained, -a.confidence))
    if ranked[0] is answers[0] or ranked[0].abstained:
        return ranked[0]
    last = before().short_answer
    return next(a for a in ranked if a is answers[0] or not (last and agree(a.short_answer, last)))


def _context(turn: Turn) -> str:
    """An earlier question as it was understood; of a long one the last sentences that are short enough."""
    text = (turn.answer.understood if turn.answer else turn.question).strip()
    starts = (start for start, _ in sentences(text))
    return next((text[start:] for start in starts if len(text) - start <= MAX_LENGTH), "")
