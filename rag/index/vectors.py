"""Dense search: 8-bit codes of all vectors, in lists by nearness where there are many; the best are scored exactly.

Up to EXACT vectors all codes are looked at, and as many exact vectors as the error of the codes asks for: the result
is that of exact search. From there on k-means (FAISS) divides them into lists, and a question looks at the
nearest lists alone (an inverted file: Jégou, Douze and Schmid, 2011), at as many as found RECALL of the true
neighbours of a sample when the lists were made.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence

import apsw
import numpy as np
import numpy.typing as npt

from rag.index.blocks import Blocks, Records
from rag.index.contract import Vectors
from rag.index.database import all_rows, first_row

log = logging.getLogger(__name__)
EXACT = 20_000  # vectors up to which search is exact: some 8 ms
RECALL = 0.99  # of the ten nearest of a sample, which the lists that are looked at must hold
SAMPLE = 200  # vectors whose neighbours are sought when the lists are made
GROWTH = 4  # times as many vectors as when the lists were made: they are made anew
_BLOCKS = Blocks("codes", 256)

SCHEMA = _BLOCKS.schema("INTEGER") + "\nCREATE TABLE lists (name INTEGER PRIMARY KEY, centre BLOB NOT NULL);"
UNTRAINED = {"version": 0, "vectors": 0, "looked_at": 1}


def code_type(dimension: int) -> np.dtype[np.void]:
    """A vector in 8 bits: code * scale is off by a vector of length `error`."""
    return np.dtype([("key", "<u4"), ("scale", "<f4"), ("error", "<f4"), ("code", "i1", (dimension,))])


def encode(keys: Sequence[int] | npt.NDArray[np.int64], vectors: Vectors) -> Records:
    """Codes of vectors of shape (n, dim)."""
    records = np.zeros(len(vectors), code_type(vectors.shape[1]))
    scale = np.maximum(np.abs(vectors).max(axis=1), np.float32(1e-12)) / np.float32(127)
    code = np.rint(vectors / scale[:, None])
    records["key"], records["scale"], records["code"] = keys, scale, code
    records["error"] = np.linalg.norm(vectors - code * scale[:, None], axis=1) + 1e-6
    return records


class VectorLists:
    """The vectors of a database. What is added waits in memory until `flush`; the lists' centres are held in memory."""

    def __init__(self, exact: int = EXACT) -> None:
        """exact: how many vectors are searched without lists."""
        self._exact = exact
        self._waiting: list[tuple[int, int, Vectors]] = []  # list, key, vector
        self._made = dict(UNTRAINED)
        self._centres: Vectors = np.zeros((0, 0), np.float32)

    # --- changing ----------------------------------------------------------------------------------------------------

    def add(self, connection: apsw.Connection, keys: Sequence[int], vectors: Vectors) -> list[int]:
        """Take in vectors of shape (n, dim); the number of the list of each."""
        self._refresh(connection)
        lists = self._nearest(vectors, 1)[:, 0].tolist() if len(vectors) else []
        self._waiting += list(zip(lists, keys, vectors, strict=True))
        return lists

    def flush(self, connection: apsw.Connection) -> None:
        """Write what waits."""
        by_list: dict[int, list[tuple[int, Vectors]]] = {}
        for name, key, vector in self._waiting:
            by_list.setdefault(name, []).append((key, vector))
        for name, held in by_list.items():
            _BLOCKS.append(connection, name, encode([key for key, _ in held], np.stack([v for _, v in held])))
        self.forget()

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting = []

    @staticmethod
    def remove(connection: apsw.Connection, lists: Sequence[int], keys: Sequence[int], dimension: int) -> None:
        """Remove vectors from their lists."""
        for name in set(lists):
            _BLOCKS.remove(connection, name, [k for n, k in zip(lists, keys, strict=True) if n == name],
                           code_type(dimension))  # fmt: skip

    def arrange(self, connection: apsw.Connection, count: int) -> None:
        """Make the lists anew when there are too many vectors for those there are; one of all when few are left."""
        self._refresh(connection)
        if count > max(self._exact, GROWTH * self._made["vectors"]):
            self._divide(connection, count)
        elif count <= self._exact and self._made["vectors"]:
            self._gather(connection)

    def _divide(self, connection: apsw.Connection, count: int) -> None:
        log.info("compacting: %d vectors are put into lists by nearness", count)
        import faiss

        n_lists = int(count**0.5)
        dimension = int(first_row(connection, "SELECT length(vector) / 4 FROM chunks LIMIT 1")[0])
        chance = np.random.default_rng(0)
        keys = np.array([key for (key,) in all_rows(connection, "SELECT key FROM chunks ORDER BY key")])
        means = faiss.Kmeans(dimension, n_lists, niter=8, seed=0, spherical=True)
        means.train(_vectors(connection, chance.permutation(keys)[: 40 * n_lists]))
        self._centres = np.ascontiguousarray(means.centroids, np.float32)
        sample = _vectors(connection, chance.permutation(keys)[:SAMPLE])
        lists, codes, near = self._assign(connection, len(keys), dimension, sample)
        self._replace(connection, count, self._needed(sample, lists, near))
        order = np.argsort(lists, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(lists[order])) + 1):
            _BLOCKS.append(connection, int(lists[rows[0]]), codes[rows])
        connection.executemany(
            "UPDATE chunks SET list = ? WHERE key = ?", list(zip(lists.tolist(), keys.tolist(), strict=True))
        )

    def _gather(self, connection: apsw.Connection) -> None:
        """Put all vectors into one list, as before lists were made."""
        self._centres = np.zeros((0, 0), np.float32)
        self._replace(connection, UNTRAINED["vectors"], UNTRAINED["looked_at"])
        for _, keys, vectors in _batches(connection):
            _BLOCKS.append(connection, 0, encode(keys, vectors))
        connection.execute("UPDATE chunks SET list = 0")

    def _replace(self, connection: apsw.Connection, vectors: int, looked_at: int) -> None:
        """Write new centres in place of the old lists; the codes are then to be written."""
        self._made = {"version": self._made["version"] + 1, "vectors": vectors, "looked_at": looked_at}
        connection.execute("DELETE FROM codes")
        connection.execute("DELETE FROM lists")
        connection.executemany(
            "INSERT INTO lists VALUES (?, ?)", [(i, c.tobytes()) for i, c in enumerate(self._centres)]
        )
        connection.execute("INSERT OR REPLACE INTO manifest VALUES ('lists', ?)", (json.dumps(self._made),))

    def _assign(
        self, connection: apsw.Connection, count: int, dimension: int, sample: Vectors
    ) -> tuple[npt.NDArray[np.int64], Records, npt.NDArray[np.int64]]:
        """List and code of each vector by rising key, and the rows of the ten nearest vectors of each of the sample."""
        lists, codes = np.zeros(count, np.int64), np.zeros(count, code_type(dimension))
        near, scores = np.zeros((len(sample), 0), np.int64), np.zeros((len(sample), 0), np.float32)
        for start, keys, vectors in _batches(connection):
            rows = slice(start, start + len(keys))
            lists[rows], codes[rows] = self._nearest(vectors, 1)[:, 0], encode(keys, vectors)
            scores = np.concatenate([scores, sample @ vectors.T], axis=1)
            near = np.concatenate(
                [near, np.broadcast_to(np.arange(start, start + len(keys)), (len(sample), len(keys)))], 1
            )
            best = np.argsort(-scores, axis=1)[:, :11]
            scores, near = np.take_along_axis(scores, best, 1), np.take_along_axis(near, best, 1)
        return lists, codes, near[:, 1:]  # without the vector itself

    def _needed(self, sample: Vectors, lists: npt.NDArray[np.int64], near: npt.NDArray[np.int64]) -> int:
        """How many lists a question must look at to find RECALL of the true neighbours of the sample."""
        place = np.argsort(self._nearest(sample, len(self._centres)), axis=1)  # of each list in each one's order
        return int(np.quantile(np.take_along_axis(place, lists[near], 1), RECALL)) + 1

    # --- asking ------------------------------------------------------------------------------------------------------

    def search(
        self, connection: apsw.Connection, vector: Vectors, k: int, among: Sequence[int] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine) of the k nearest, and of all that are as near as the last of them.

        Of the keys `among`, where they are given; these are all scored exactly.
        """
        keys = self._worth_reading(connection, vector, k) if among is None else among
        query = "SELECT id, vector FROM chunks WHERE key IN (SELECT value FROM json_each(?))"
        rows = all_rows(connection, query, (json.dumps(list(keys)),))
        if not rows:
            return []
        exact = np.frombuffer(b"".join(row[1] for row in rows), "<f4").reshape(len(rows), -1) @ vector
        return [(str(row[0]), float(score)) for row, score in zip(rows, exact, strict=True)]

    def _worth_reading(self, connection: apsw.Connection, vector: Vectors, k: int) -> list[int]:
        """Keys of the vectors that may be among the k nearest, as far as their codes tell."""
        self._refresh(connection)
        names = self._nearest(vector[None, :], self._made["looked_at"])[0].tolist()
        records = _BLOCKS.read(connection, names, code_type(len(vector)))
        if not len(records):
            return []
        scores = (records["code"].astype(np.float32) @ vector) * records["scale"]
        least = scores - records["error"]
        bound = np.partition(least, len(least) - k)[len(least) - k] if len(least) > k else -np.inf
        return [int(key) for key in records["key"][scores + records["error"] >= bound - 1e-6]]

    def _refresh(self, connection: apsw.Connection) -> None:
        """Take up the lists of the connection's state, if they are others than those in memory."""
        row = first_row(connection, "SELECT value FROM manifest WHERE key = 'lists'")
        made = json.loads(row[0]) if row else UNTRAINED
        if made != self._made:
            centres = b"".join(c for (c,) in all_rows(connection, "SELECT centre FROM lists ORDER BY name"))
            n_lists = first_row(connection, "SELECT count(*) FROM lists")[0]
            self._centres = np.frombuffer(centres, "<f4").reshape(n_lists, -1 if n_lists else 0)
            self._made = dict(made)

    def _nearest(self, vectors: Vectors, count: int) -> npt.NDArray[np.int64]:
        """(n, count) numbers of the nearest lists, nearest first; there is one, number 0, before lists are made."""
        if not len(self._centres):
            return np.zeros((len(vectors), 1), np.int64)
        scores = vectors @ self._centres.T
        if count == 1:
            return np.asarray(scores.argmax(axis=1)[:, None], np.int64)
        return np.asarray(np.argsort(-scores, axis=1)[:, :count], np.int64)


def _batches(connection: apsw.Connection, size: int = 10_000) -> Iterator[tuple[int, npt.NDArray[np.int64], Vectors]]:
    """All vectors by rising key: how many came before, their keys, (n, dim)."""
    query = "SELECT key, vector FROM chunks WHERE key > ? ORDER BY key LIMIT ?"
    after, start = -1, 0
    while rows := all_rows(connection, query, (after, size)):
        vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4").reshape(len(rows), -1)
        yield start, np.array([row[0] for row in rows]), vectors
        after, start = rows[-1][0], start + len(rows)


def _vectors(connection: apsw.Connection, keys: npt.NDArray[np.int64]) -> Vectors:
    query = "SELECT vector FROM chunks WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key"
    rows = all_rows(connection, query, (json.dumps(keys.tolist()),))
    return np.frombuffer(b"".join(row[0] for row in rows), "<f4").reshape(len(keys), -1).copy()
