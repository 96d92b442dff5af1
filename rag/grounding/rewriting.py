"""A follow-up question completed by a language model, beside the readings that need none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from rag.answering.rewriting import AnswerOf, QueryRewriter
from rag.grounding.generators import GenerationError, Generator, Prompt, within
from rag.grounding.prompt import MAX_HISTORY
from rag.language.english import CONNECTIVES, PRONOUNS
from rag.language.text import words
from rag.types import Turn

log = logging.getLogger(__name__)
SECONDS = 15.0  # longest wait; the readings without a model are at hand
MAX_TOKENS = 120
MAX_LENGTH = 300  # characters of an earlier question that is told, and of a completion
SYSTEM = """\
Rewrite the last question so that it is understood without the questions before it: put names in place of pronouns and \
add what is left out. Keep all its other words. A question that is complete in itself stays as it is. Reply with the \
question alone."""


class ModelRewriter:
    """The readings of another rewriter, and behind them the question as a language model completes it.

    A completion must keep the words of the question in their order, "not" and "before" too, so that it does not ask
    something else; only a pronoun, and what joins it to the question before, may be missing. What it adds is unchecked.
    """

    def __init__(
        self,
        generator: Generator,
        plain: QueryRewriter,
        seconds: float = SECONDS,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """
        Parameters
        ----------
        generator : Generator
        plain : QueryRewriter
            Its readings come first: the model's is searched where they find no answer.
        seconds : float
            Longest wait for the model.
        cancelled : callable, optional
            Asked meanwhile whether to stop it.
        """
        self._generator = generator
        self._plain = plain
        self._seconds = seconds
        self._cancelled = cancelled

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
        prompt = Prompt((), MAX_TOKENS, messages)
        said = within(self._generator.stream(prompt), self._seconds, self._cancelled)
        text = "".join(delta.text for delta in said).strip()
        return [text] if "\n" not in text and len(text) <= MAX_LENGTH and _keeps(text, question) else []


def _keeps(completion: str, question: str) -> bool:
    """Whether a completion has the words of a question, at least one, in their order, but for pronouns."""
    asked = words(question)
    kept = [word for n, word in enumerate(asked) if word not in PRONOUNS and (n or word not in CONNECTIVES)]
    left = iter(words(completion))
    return bool(kept) and all(word in left for word in kept)


def _answered(turn: Turn) -> str:
    return f"Answer: {turn.answer.short_answer}\n" if turn.answer and turn.answer.certainty == "answered" else ""
