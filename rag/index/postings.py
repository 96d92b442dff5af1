"""Lexical search: for each stem the passages that hold it, scored by BM25."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import apsw
import numpy as np

from rag.index.blocks import Blocks
from rag.index.contract import Counts
from rag.language.text import stems

TITLE_WEIGHT = 0.5  # of a word in the title against one in the text
K1, B = 1.2, 0.75  # Robertson and Zaragoza (2009), and SQLite's FTS5
# `count` is in halves (TITLE_WEIGHT), at most 255; `length` in words, title included.
POSTING = np.dtype([("key", "<u4"), ("count", "u1"), ("length", "<u2")])
FLUSH = 2_000_000  # postings that wait in memory, some 300 MB
_BLOCKS = Blocks("postings", 512)

SCHEMA = _BLOCKS.schema("TEXT")


class Postings:
    """The postings of a database. What is added waits in memory until `flush`."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[tuple[int, int, int]]] = {}
        self._count = 0

    def add(self, key: int, in_title: Sequence[str], in_text: Sequence[str]) -> int:
        """Index a passage by its folded words; the keys come in rising order. Returns its length in words."""
        bag = Counter(stems(in_text))
        for stem in bag:
            bag[stem] *= 2
        bag.update(stems(in_title))
        length = len(in_title) + len(in_text)
        for stem, count in bag.items():
            self._waiting.setdefault(stem, []).append((key, min(count, 255), min(length, 65535)))
        self._count += len(bag)
        return length

    @property
    def full(self) -> bool:
        """Whether it is time to flush."""
        return self._count > FLUSH

    def flush(self, connection: apsw.Connection) -> None:
        """Write what waits."""
        for stem in sorted(self._waiting):
            _BLOCKS.append(connection, stem, np.array(self._waiting[stem], POSTING))
        self.forget()

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting, self._count = {}, 0

    @staticmethod
    def remove(connection: apsw.Connection, folded: Iterable[str], keys: Sequence[int]) -> None:
        """Remove passages from the lists of their words; a word that none is left of is in no row any more."""
        for stem in sorted(set(stems(folded))):
            _BLOCKS.remove(connection, stem, keys, POSTING)

    @staticmethod
    def holding(connection: apsw.Connection, terms: Sequence[str]) -> dict[str, int]:
        """In how many passages each stem of these words is."""
        return {stem: _BLOCKS.count(connection, stem, POSTING) for stem in set(stems(terms))}

    @staticmethod
    def search(
        connection: apsw.Connection, terms: Sequence[str], k: int, counts: Counts, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """(key, BM25) of the k best passages that hold a term, and of all that score like the last of them.

        By these counts, a stem that they lack by its own records; of the keys `among`, where they are given. The weight
        of a word is the logarithm of the odds of not having it, and not below a millionth.
        """
        mean_length = max(counts.tokens, 1) / max(counts.passages, 1)
        found = []
        for stem, times in Counter(stems(terms)).items():
            records = _BLOCKS.read(connection, [stem], POSTING)
            if len(records):
                holding = counts.holding.get(stem, len(records))
                weight = max(math.log((counts.passages - holding + 0.5) / (holding + 0.5)), 1e-6)
                found.append((times * weight, records))
        if not found:
            return []
        keys = np.concatenate([records["key"] for _, records in found])
        gains = []
        for weight, records in found:
            count = records["count"] * TITLE_WEIGHT
            size = 1 - B + B / mean_length * records["length"]
            gains.append(weight * (K1 + 1) * count / (count + K1 * size))
        scores = np.bincount(keys, np.concatenate(gains))
        held = np.flatnonzero(scores)
        if among is not None:
            held = held[np.isin(held, among)]
        if len(held) > k:
            least = np.partition(scores[held], len(held) - k)[len(held) - k]
            held = held[scores[held] >= least - 1e-6]
        return [(int(key), float(scores[key])) for key in held]
