"""Dense search: inner product over unit vectors with FAISS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import RagError

Vectors = npt.NDArray[np.float32]


class DenseIndex:
    """Exact search over unit vectors.

    Exact because it is fast enough where this index is meant for: 100,000 chunks take some 10 ms a question.
    """

    def __init__(self, keys: Sequence[int], vectors: Vectors) -> None:
        """keys: one number for each row of vectors, (n, dim) float32, unit norm."""
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors; expected as many")
        self._size = len(keys)
        self._dimension = vectors.shape[1] if self._size else None
        self._faiss: Any = None
        if self._size:
            import faiss

            self._faiss = faiss.IndexIDMap(faiss.IndexFlatIP(vectors.shape[1]))
            self._faiss.add_with_ids(np.ascontiguousarray(vectors), np.asarray(keys, np.int64))

    def search(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """(key, cosine) of the k nearest, nearest first."""
        if not self._size or k < 1:
            return []
        if vector.shape != (self._dimension,):
            raise RagError(
                f"the query vector has shape {vector.shape}, the index holds vectors of {self._dimension} numbers; "
                "ask with the embedding model that built the index"
            )
        scores, keys = self._faiss.search(np.ascontiguousarray(vector[None, :]), min(k, self._size))
        return [(int(key), float(score)) for key, score in zip(keys[0], scores[0], strict=True) if key >= 0]
