"""Dense search: inner product over unit vectors with FAISS."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


class DenseIndex:
    """Exact search over unit vectors.

    Exact because it is fast enough where this index is meant for: 100,000 chunks take some 10 ms a question.
    """

    def __init__(self, keys: Sequence[str], vectors: Vectors) -> None:
        """keys: one id for each row of vectors, (n, dim) float32, unit norm; of equal rows the first wins."""
        if len(keys) != len(vectors):
            raise ValueError(f"{len(keys)} keys for {len(vectors)} vectors; expected as many")
        self._keys = list(keys)
        self._size = len(keys)
        self._faiss: Any = None
        if self._size:
            import faiss

            self._faiss = faiss.IndexFlatIP(vectors.shape[1])
            self._faiss.add(np.ascontiguousarray(vectors))

    def search(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> list[tuple[str, float]]:
        """(key, cosine) of the k nearest, nearest first; of the keys `among`, where they are given."""
        size, chosen = self._size, None
        if self._size and among is not None:
            import faiss

            allowed = [row for row, key in enumerate(self._keys) if key in among]
            size, chosen = len(allowed), faiss.SearchParameters()
            selector = faiss.IDSelectorBatch(np.array(allowed, np.int64))  # named: FAISS does not keep it alive
            chosen.sel = selector
        if not size or k < 1:
            return []
        query, depth = np.ascontiguousarray(vector[None, :], np.float32), min(k, size)
        while True:
            # FAISS takes any of equals at the cutoff: look on until the scores fall below the last one wanted.
            deeper = min(2 * depth, size)
            scores, rows = self._faiss.search(query, deeper, params=chosen)
            ranked = sorted((-round(float(score), 6), int(row)) for score, row in zip(scores[0], rows[0], strict=True))
            wanted = ranked[: min(k, size)]
            if deeper == size or ranked[-1][0] > wanted[-1][0]:
                return [(self._keys[row], -score) for score, row in wanted]
            depth = deeper
