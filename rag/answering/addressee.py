"""Whether a question is put to the program itself ("Who are you?") and not to its articles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from rag.models.embedding import Embedder
from rag.models.encoding import Vectors
from rag.models.hardware import read_text
from rag.types import Answer

DEFAULT_FILE = Path(__file__).with_suffix(".json")


class Addressee:
    """Knows questions to the program by their likeness to examples: no article answers those.

    Parameters
    ----------
    embedder : Embedder
    to_program, to_articles : sequence of str
        Examples of both kinds, at least one of each; the latter as like to the former as questions to articles get.
    bound : float
        Cosine to the nearest example of `to_program` that a question needs to count as one.
    margin : float
        How much nearer that example has to be than the nearest one of `to_articles`.
    """

    def __init__(
        self, embedder: Embedder, to_program: Sequence[str], to_articles: Sequence[str], bound: float, margin: float
    ) -> None:
        self._embedder = embedder
        self._to_program = to_program
        self._to_articles = to_articles
        self._bound = bound
        self._margin = margin

    @classmethod
    def load(cls, embedder: Embedder, path: Path = DEFAULT_FILE) -> Addressee | None:
        """By the examples beside this file; None for an embedder that their bounds were not measured with."""
        data = json.loads(read_text(path))
        measured_with = data.pop("embedder")
        return cls(embedder, **data) if embedder.fingerprint.startswith(f"{measured_with}@") else None

    @cached_property
    def _examples(self) -> tuple[Vectors, Vectors]:
        """Made at the first question: whoever indexes or checks a text has no use for them."""
        return self._embedder.embed_texts(self._to_program), self._embedder.embed_texts(self._to_articles)

    def is_program(self, question: str) -> bool:
        """Whether a question, as typed, is put to the program."""
        vector = self._embedder.embed_texts([question])[0]
        program, articles = (float((examples @ vector).max()) for examples in self._examples)
        return program >= self._bound and program - articles >= self._margin


def to_program(question: str) -> Answer:
    """The Answer to a question to the program, without its text: nothing is searched or cited."""
    return Answer(question, question, "", "", (), 0.0, abstained=True, passages=(), to_program=True)
