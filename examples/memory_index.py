"""An engine of one's own: all that the index needs, in plain dicts. `python examples/memory_index.py QUESTION`."""

from __future__ import annotations

import copy
import math
import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from rag.index import Index
from rag.index.contract import Ranking, Vectors
from rag.index.spelling import Words, names_and_words
from rag.language.text import words
from rag.types import Chunk, Document, Header


class MemoryEngine:
    """Keeps everything in one dict: id -> (document, its chunks, their vectors). Looks at every chunk."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Document, Sequence[Chunk], Vectors]] = {}
        self._settings: dict[str, str] = {}
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            before = copy.copy(self._held), copy.copy(self._settings)
            try:
                yield
            except BaseException:
                self._held, self._settings = before
                raise

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        self._held[document.id] = document, chunks, vectors

    def remove(self, document_id: str) -> bool:
        return self._held.pop(document_id, None) is not None

    def write_setting(self, key: str, value: str) -> None:
        self._settings[key] = value

    def close(self) -> None:
        self._held.clear()

    def snapshot(self) -> AbstractContextManager[object]:
        return self._lock

    @property
    def dimension(self) -> int | None:
        return next((vectors.shape[1] for _, _, vectors in self._held.values() if len(vectors)), None)

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        return _best([(c.id, float(row @ vector)) for d, chunks, rows in self._held.values()
                      for c, row in zip(chunks, rows, strict=True) if among is None or d.id in among], k)  # fmt: skip

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        bags = {chunk.id: Counter(words(f"{chunk.title} {chunk.text}")) for chunk in self._chunks()}
        mean = sum(bag.total() for bag in bags.values()) / max(len(bags), 1)
        scores: Counter[str] = Counter()
        for term in terms:
            holding = {i: bag for i, bag in bags.items() if term in bag}
            weight = math.log(1 + (len(bags) - len(holding) + 0.5) / (len(holding) + 0.5))
            for i, bag in holding.items():
                scores[i] += weight * 2.2 * bag[term] / (bag[term] + 1.2 * (0.25 + 0.75 * bag.total() / mean))  # type: ignore[assignment]
        owners = {chunk.id: chunk.document_id for chunk in self._chunks()}
        return _best([(i, score) for i, score in scores.items() if among is None or owners[i] in among], k)

    def vocabulary(self) -> Words:
        return Words(
            entry for d, _, _ in self._held.values() for entry in names_and_words(f"{d.title}\n{d.text}").items()
        )

    def chunks(self, ids: Iterable[str]) -> dict[str, Chunk]:
        wanted = set(ids)
        return {chunk.id: chunk for chunk in self._chunks() if chunk.id in wanted}

    def document(self, document_id: str) -> Document:
        return self._held[document_id][0]

    def headers(self) -> list[Header]:
        return sorted((Header.of(document) for document, _, _ in self._held.values()), key=lambda header: header.id)

    def count(self) -> int:
        return len(self._held)

    def read_setting(self, key: str) -> str:
        return self._settings.get(key, "")

    def _chunks(self) -> Iterator[Chunk]:
        return (chunk for _, chunks, _ in self._held.values() for chunk in chunks)


def _best(scored: Ranking, k: int) -> Ranking:
    return sorted(sorted(scored), key=lambda item: -round(item[1], 6))[:k]


if __name__ == "__main__":
    from rag.config import Settings
    from rag.parts import Parts
    from rag.pipeline import Chatbot
    from rag.places import seeds

    bot = Chatbot(Parts.load(Settings()), Index(MemoryEngine()))
    bot.add(seeds())
    answer = bot.ask(sys.argv[1] if sys.argv[1:] else "Why did López Miera visit Belarus?")
    print(answer.text, f"\nconfidence {answer.confidence:.0%}")
