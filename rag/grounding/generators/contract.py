"""What the pipeline needs of a language model, and how long it waits for one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from rag.errors import RagError

POLL_SECONDS = 0.1
WITHDRAWN = "the question was withdrawn"
MAX_CHARACTERS = 20_000
"""Of one answer; a model that goes on is stopped, whatever it was told."""


class GenerationError(RagError):
    """A model that gave no usable answer. The message holds nothing that a server said: it may repeat the key."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage as the model sees it. `key` stands for it in the model's text; see `passage_key`."""

    key: str
    title: str
    date: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked.

    Attributes
    ----------
    passages : tuple of Passage
        Best first.
    max_tokens : int
        Longest answer, in the model's tokens.
    messages : tuple of dict
        All of it as chat messages with "role" and "content".
    """

    passages: tuple[Passage, ...]
    max_tokens: int
    messages: tuple[dict[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a model's text.

    Attributes
    ----------
    text : str
    finish : str
        Empty until the last piece; then "stop", or "length" where the model reached its limit.
    tokens_in, tokens_out : int
        Of prompt and answer as the model counts them, on the last piece; 0 when it does not tell.
    """

    text: str
    finish: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


class Generator(Protocol):
    """What the pipeline needs of a language model."""

    @property
    def name(self) -> str:
        """What a person reads ("llama3.2")."""

    @property
    def context_tokens(self) -> int:
        """Longest prompt and answer together, in the model's tokens."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as the model counts them; an estimate errs on the high side."""

    def stream(self, prompt: Prompt) -> Iterator[Delta]:
        """The model's text, piece by piece; the last piece tells why it ended. Closing the iterator stops the model.

        Raises
        ------
        GenerationError
            The model cannot be reached, refuses, breaks off, or answers in no known form.
        """


def within(
    deltas: Iterator[Delta],
    seconds: float,
    cancelled: Callable[[], bool] | None = None,
    spent: float = 0.0,
) -> Iterator[Delta]:
    """The same pieces, but no longer than so many seconds and characters, nor after it was cancelled.

    The seconds are those that the model is waited for, not what its pieces are used for; `spent` of them are over.

    The model runs on a thread of its own: what hangs is left behind, and stopped when it next says something.

    Raises
    ------
    GenerationError
        Time or patience ran out, or the text ended without saying why.
    """
    if cancelled is not None and cancelled():  # before the model is asked at all
        raise GenerationError(WITHDRAWN)
    pieces: queue.SimpleQueue[Delta | BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=_pump, args=(deltas, pieces, stop), name="rag-generate", daemon=True).start()
    left = seconds - spent
    characters, finish = 0, ""
    try:
        while True:
            if cancelled is not None and cancelled():
                raise GenerationError(WITHDRAWN)
            begun = time.monotonic()
            try:
                piece = pieces.get(timeout=max(0.0, min(POLL_SECONDS, left)))
            except queue.Empty:
                left -= time.monotonic() - begun
                if left <= 0:
                    raise GenerationError(f"the model took longer than {seconds:g} s") from None
                continue
            left -= time.monotonic() - begun
            if piece is None:
                break
            if isinstance(piece, GenerationError):
                raise piece
            if isinstance(piece, BaseException):
                # The cause is not chained: a client's error may hold what was sent, the key among it.
                raise GenerationError(f"the model failed ({type(piece).__name__})") from None
            characters += len(piece.text)
            finish = piece.finish or finish
            if characters > MAX_CHARACTERS:
                raise GenerationError(f"the model wrote more than {MAX_CHARACTERS} characters")
            if left <= 0 and not finish:
                raise GenerationError(f"the model took longer than {seconds:g} s")
            yield piece
        if not finish:
            raise GenerationError("the model broke off")
    finally:
        stop.set()


def _pump(
    deltas: Iterator[Delta], pieces: queue.SimpleQueue[Delta | BaseException | None], stop: threading.Event
) -> None:
    """Hand on what a model says, then None or what it failed with."""
    try:
        with closing(deltas) as source:  # type: ignore[type-var]
            for delta in source:
                pieces.put(delta)
                if stop.is_set():
                    return
        pieces.put(None)
    except BaseException as error:
        pieces.put(error)
