"""What the index needs of an engine, so that another one can stand in its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from rag.index.spelling import Vocabulary
from rag.types import Chunk, Document, Header

Vectors: TypeAlias = npt.NDArray[np.float32]
Ranking: TypeAlias = list[tuple[str, float]]
"""(chunk id, score), the highest score first; equal scores in the order of the ids."""


def best(scored: Iterable[tuple[str, float]], k: int) -> Ranking:
    """The k first of (chunk id, score) as a Ranking."""
    return sorted(scored, key=lambda item: (-round(item[1], 6), item[0]))[:k]


class Engine(Protocol):
    """Where documents, chunks and vectors lie, and how each of dense and lexical search finds chunks.

    `rag.index.Index` makes of it what the chatbot asks: fusion, near-copies, ties and other spellings are there, once
    for every engine. `tests/test_index_contract.py` is the conformance test, `examples/memory_index.py` the shortest
    engine. Who inherits from it need not write `close` where there is nothing to let go of, nor `count`.
    """

    # --- changing ----------------------------------------------------------------------------------------------------

    def transaction(self) -> AbstractContextManager[None]:
        """All that is added and removed inside takes effect at once at the end, or, after an error, not at all.

        The thread inside sees its own changes. An engine that cannot do this says what it does in its place.
        """

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add a document, or replace the one of the same id. vectors: (n_chunks, dim) float32, unit norm."""

    def remove(self, document_id: str) -> bool:
        """Remove a document from every structure; False when there is none of that id."""

    def write_setting(self, key: str, value: str) -> None:
        """Keep a value beside the documents; inside a transaction it takes effect with the rest."""

    def close(self) -> None:
        """Let go of files and connections, where there are any. The engine cannot be used after it."""
        return None

    # --- asking ------------------------------------------------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[object]:
        """All reads inside see one state: the last complete one, or that of the own transaction."""

    @property
    def dimension(self) -> int | None:
        """Numbers of a vector; None as long as there are no vectors."""

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        """The k chunks of the highest cosine, of the documents `among` where that is given.

        vector: (dim,) float32, unit norm; k from 1; among: document ids.
        """

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        """The k best chunks by BM25 of those that hold one of the folded words (`rag.language.text.words`).

        among: document ids, as for `dense`; how rare a word is may be counted over all documents.
        """

    def vocabulary(self) -> Vocabulary:
        """The words of all documents."""

    def chunks(self, ids: Iterable[str]) -> Mapping[str, Chunk]:
        """Chunks by their ids, with the date and outlet of their documents; ids that are not there are left out."""

    def document(self, document_id: str) -> Document:
        """The document; KeyError when there is none of that id. Its blocks need not be kept."""

    def headers(self) -> list[Header]:
        """All documents without their texts, ordered by id."""

    def count(self) -> int:
        """How many documents there are."""
        return len(self.headers())

    def read_setting(self, key: str) -> str:
        """A value that was written; empty when there is none."""


class Counts(NamedTuple):
    """What BM25 counts of passages: how many there are, words in them, and how many of them hold each stem."""

    passages: int
    tokens: int
    holding: Mapping[str, int]


@runtime_checkable
class Counting(Protocol):
    """What an Engine may do beyond: score by counts that it is told, so that several score as one (`JoinedEngine`)."""

    def counts(self, terms: Sequence[str]) -> Counts:
        """Its own counts, with those of the stems of these folded words."""

    def lexical(
        self, terms: Sequence[str], k: int, among: Collection[str] | None = None, counts: Counts | None = None
    ) -> Ranking:
        """See `Engine.lexical`; by these counts where they are given, by its own otherwise."""
