"""What is shown of a question while it is answered."""

from __future__ import annotations

import queue
import threading

from rag.present import html
from rag.present.words import Told
from rag.types import Answer

WAITING = Told("waiting for its turn")


class Progress:
    """What the page shows while a question is answered, and how a person ends the language model that writes.

    Attributes
    ----------
    told : queue of str or None
        Each picture of it, as HTML; None at the end.
    shown : str
        The last one.
    stopped : Event
        Set by the person.
    """

    def __init__(self, question: str, can_stop: bool = False) -> None:
        self.told: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.stopped = threading.Event()
        self._question = question
        self._can_stop = can_stop
        self._stage: str = WAITING
        self._answer: Answer | None = None
        self.shown = self._picture()

    def stage(self, stage: str) -> None:
        """Show what is being done."""
        self._stage = stage
        self._show()

    def answer(self, answer: Answer) -> None:
        """Show the answer as far as it is checked."""
        self._answer = answer
        self._show()

    def _show(self) -> None:
        self.shown = self._picture()
        self.told.put(self.shown)

    def _picture(self) -> str:
        return html.pending(self._question, self._stage, self._answer, self._can_stop)
