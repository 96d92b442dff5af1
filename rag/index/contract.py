"""What the pipeline needs of an index, so that another engine can stand in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rag.types import Chunk, Document, ScoredChunk

Vectors = npt.NDArray[np.float32]


class Index(Protocol):
    """Documents with their chunks and vectors. `tests/test_index_contract.py` is its conformance test."""

    def transaction(self) -> AbstractContextManager[None]:
        """All that is added and removed inside takes effect at once at the end, or, after an error, not at all."""

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add a document, or replace the one of the same id. vectors: (n_chunks, dim) float32, unit norm."""

    def remove(self, document_id: str) -> bool:
        """Remove a document from every structure; False when there is none of that id."""

    def search(self, text: str | None, vector: Vectors | None, k: int, candidates: int = 50) -> list[ScoredChunk]:
        """The k best chunks for a text (lexical), a vector of shape (dim,) (dense), or both (fused).

        Ranks start at 1; ties break by chunk id; near-identical chunks come once, the others as `duplicates`.
        Fewer than k come back when fewer match; none when the index is empty.
        """

    def get(self, chunk_id: str) -> Chunk:
        """The chunk; KeyError when there is none of that id."""

    def document(self, document_id: str) -> Document:
        """The document; KeyError when there is none of that id."""

    def documents(self) -> Iterator[Document]:
        """All documents, ordered by id."""
