"""A follow-up question completed by a language model, beside the readings that need none."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from rag.answering.confidence import covered
from rag.answering.followups import MAX_LENGTH, AnswerOf
from rag.answering.rewriting import QueryRewriter
from rag.grounding.generators import GenerationError, Generator, Prompt, within
from rag.grounding.prompt import MAX_HISTORY
from rag.language.text import content_words
from rag.types import Turn

log = logging.getLogger(__name__)
SECONDS = 15.0  # longest wait; the readings without a model are at hand
MAX_TOKENS = 120
SYSTEM = """\
Rewrite the last question so that it is understood without the questions before it: put names in place of pronouns and \
add what is left out. Keep all its other words. A question that is complete in itself stays as it is. Reply with the \
question alone."""


class ModelRewriter:
    """The readings of another rewriter, and behind them the question as a language model completes it.

    A completion must keep the words of the question, so that one which is complete in itself cannot become another.
    """

    def __init__(self, generator: Generator, plain: QueryRewriter, seconds: float = SECONDS) -> None:
        """
        Parameters
        ----------
        generator : Generator
        plain : QueryRewriter
            Its readings come first, so that they win ties.
        seconds : float
            Longest wait for the model.
        """
        self._generator = generator
        self._plain = plain
        self._seconds = seconds

    def readings(self, question: str, history: Sequence[Turn], answer_of: AnswerOf) -> list[str]:
        """See `QueryRewriter`; the model is asked where there is a history, and told of its last three turns."""
        plain = self._plain.readings(question, history, answer_of)
        if not history:
            return plain
        try:
            completed = self._completed(question, history[-MAX_HISTORY:])
        except GenerationError as error:
            log.warning("%s did not complete a follow-up question (%s)", self._generator.name, error)
            return plain
        return list(dict.fromkeys([*plain, *completed]))

    def _completed(self, question: str, history: Sequence[Turn]) -> list[str]:
        told = "".join(f"Question: {turn.question[-MAX_LENGTH:]}\n{_answered(turn)}" for turn in history)
        messages = (
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": f"{told}\nLast question: {question}"},
        )
        prompt = Prompt(question, (), tuple(turn.question for turn in history), MAX_TOKENS, messages)
        text = "".join(delta.text for delta in within(self._generator.stream(prompt), self._seconds)).strip()
        keeps = covered(content_words(question), text) == 1.0
        return [text] if text and "\n" not in text and len(text) <= MAX_LENGTH and keeps else []


def _answered(turn: Turn) -> str:
    return f"Answer: {turn.answer.short_answer}\n" if turn.answer and turn.answer.certainty == "answered" else ""
