"""An engine of one's own: all that the index needs, in plain dicts. `python examples/memory_index.py QUESTION`."""

from __future__ import annotations

import math
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain

from rag.index import Engine, Index
from rag.index.contract import Ranking, Vectors, best
from rag.index.spelling import Words, names_and_words
from rag.language.text import words
from rag.types import Chunk, Document, Header


class MemoryEngine(Engine):
    """Keeps everything in one dict: id -> (document, its chunks, their vectors). Looks at every chunk."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Document, Sequence[Chunk], Vectors]] = {}
        self._settings: dict[str, str] = {}
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock, ExitStack() as undone:
            undone.callback(vars(self).update, _held=dict(self._held), _settings=dict(self._settings))
            yield
            undone.pop_all()  # no error came: what was done stays

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        self._held[document.id] = document, chunks, vectors

    def remove(self, document_id: str) -> bool:
        return self._held.pop(document_id, None) is not None

    def write_setting(self, key: str, value: str) -> None:
        self._settings[key] = value

    def snapshot(self) -> AbstractContextManager[object]:
        return self._lock

    @property
    def dimension(self) -> int | None:
        return next((len(vector) for _, vector in self._chunks()), None)

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        return best(((chunk.id, float(own @ vector)) for chunk, own in self._chunks(among)), k)

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        bags = {chunk.id: Counter(words(f"{chunk.title} {chunk.text}")) for chunk, _ in self._chunks(among)}
        mean = sum(bag.total() for bag in bags.values()) / max(len(bags), 1)
        scores: defaultdict[str, float] = defaultdict(float)
        for term in terms:
            holding = {chunk_id: bag for chunk_id, bag in bags.items() if term in bag}
            rare = math.log(1 + (len(bags) - len(holding) + 0.5) / (len(holding) + 0.5))
            for chunk_id, bag in holding.items():
                scores[chunk_id] += rare * bag[term] / (bag[term] + 1.2 * (0.25 + 0.75 * bag.total() / mean))
        return best(scores.items(), k)

    def vocabulary(self) -> Words:
        texts = (f"{document.title}\n{document.text}" for document, _, _ in self._held.values())
        return Words(chain.from_iterable(names_and_words(text).items() for text in texts))

    def chunks(self, ids: Iterable[str]) -> dict[str, Chunk]:
        held = {chunk.id: chunk for chunk, _ in self._chunks()}
        return {i: held[i] for i in ids if i in held}

    def document(self, document_id: str) -> Document:
        return self._held[document_id][0]

    def headers(self) -> list[Header]:
        return [Header.of(self._held[i][0]) for i in sorted(self._held)]

    def read_setting(self, key: str) -> str:
        return self._settings.get(key, "")

    def _chunks(self, among: Collection[str] | None = None) -> Iterator[tuple[Chunk, Vectors]]:
        for document, chunks, vectors in self._held.values():
            if among is None or document.id in among:
                yield from zip(chunks, vectors, strict=True)


if __name__ == "__main__":
    from rag.config import Settings
    from rag.parts import Parts
    from rag.pipeline import Chatbot
    from rag.places import seeds

    bot = Chatbot(Parts.load(Settings()), Index(MemoryEngine()))
    bot.add(seeds())
    answer = bot.ask(sys.argv[1] if sys.argv[1:] else "Why did López Miera visit Belarus?")
    print(answer.text, f"\nconfidence {answer.confidence:.0%}")
