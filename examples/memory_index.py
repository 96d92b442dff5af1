"""An engine of one's own: all that the index needs, in plain dicts. `python examples/memory_index.py QUESTION`."""

from __future__ import annotations

import math
import sys
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain

from rag.index import Index
from rag.index.contract import Ranking, Vectors, best
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
            before = dict(self._held), dict(self._settings)
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
        rows = chain.from_iterable(vectors for _, _, vectors in self._held.values())
        scored = ((c, float(row @ vector)) for c, row in zip(self._chunks(), rows, strict=True))
        return best(((c.id, score) for c, score in scored if among is None or c.document_id in among), k)

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        bags = [(c, Counter(words(f"{c.title} {c.text}"))) for c in self._chunks()]
        mean = sum(bag.total() for _, bag in bags) / max(len(bags), 1)
        holding = {term: sum(term in bag for _, bag in bags) for term in terms}
        rare = {term: math.log(1 + (len(bags) - n + 0.5) / (n + 0.5)) for term, n in holding.items()}
        found = []
        for chunk, bag in bags:
            worth = {t: bag[t] / (bag[t] + 1.2 * (0.25 + 0.75 * bag.total() / mean)) for t in terms if t in bag}
            if worth and (among is None or chunk.document_id in among):
                found.append((chunk.id, sum(rare[t] * worth[t] for t in worth)))
        return best(found, k)

    def vocabulary(self) -> Words:
        texts = (f"{document.title}\n{document.text}" for document, _, _ in self._held.values())
        return Words(chain.from_iterable(names_and_words(text).items() for text in texts))

    def chunks(self, ids: Iterable[str]) -> dict[str, Chunk]:
        held = {chunk.id: chunk for chunk in self._chunks()}
        return {i: held[i] for i in ids if i in held}

    def document(self, document_id: str) -> Document:
        return self._held[document_id][0]

    def headers(self) -> list[Header]:
        return [Header.of(self._held[i][0]) for i in sorted(self._held)]

    def count(self) -> int:
        return len(self._held)

    def read_setting(self, key: str) -> str:
        return self._settings.get(key, "")

    def _chunks(self) -> Iterator[Chunk]:
        return (chunk for _, chunks, _ in self._held.values() for chunk in chunks)


if __name__ == "__main__":
    from rag.config import Settings
    from rag.parts import Parts
    from rag.pipeline import Chatbot
    from rag.places import seeds

    bot = Chatbot(Parts.load(Settings()), Index(MemoryEngine()))
    bot.add(seeds())
    answer = bot.ask(sys.argv[1] if sys.argv[1:] else "Why did López Miera visit Belarus?")
    print(answer.text, f"\nconfidence {answer.confidence:.0%}")
