"""Several engines as one: the corpus of the server and the articles of one browser session."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain

from rag.index.contract import Counting, Counts, Engine, Ranking, Vectors, best
from rag.index.fusion import reciprocal_rank_fusion
from rag.index.spelling import Vocabulary
from rag.types import Chunk, Document, Header


class JoinedEngine:
    """Reads from all its parts. A change goes to the part that holds the document, a new document to the last part.

    Rankings are merged by score: cosines compare across parts, and BM25 where each part scores by the counts of all
    (`Counting`). Where one cannot, how rare a word is differs from part to part, and they are merged by rank.
    """

    def __init__(self, *parts: Engine) -> None:
        """parts: one or more engines; their documents' ids differ."""
        self._parts = parts

    def part_of(self, document_id: str) -> Engine:
        """The part that holds a document, or that takes it when none does."""
        for part in self._parts:
            try:
                part.document(document_id)
            except KeyError:
                continue
            return part
        return self._parts[-1]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part.transaction())
            yield

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        self.part_of(document.id).add(document, chunks, vectors)

    def remove(self, document_id: str) -> bool:
        return self.part_of(document_id).remove(document_id)

    def write_setting(self, key: str, value: str) -> None:
        self._parts[-1].write_setting(key, value)

    def close(self) -> None:
        for part in self._parts:
            part.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with ExitStack() as stack:
            for part in self._parts:
                stack.enter_context(part.snapshot())
            yield

    @property
    def dimension(self) -> int | None:
        return next((part.dimension for part in self._parts if part.dimension is not None), None)

    def dense(self, vector: Vectors, k: int, among: Collection[str] | None = None) -> Ranking:
        parts = (part.dense(vector, k, among) for part in self._parts if part.dimension is not None)
        return best(chain.from_iterable(parts), k)

    def lexical(self, terms: Sequence[str], k: int, among: Collection[str] | None = None) -> Ranking:
        counting = [part for part in self._parts if isinstance(part, Counting)]
        if len(counting) == len(self._parts):
            counts = _sum([part.counts(terms) for part in counting])
            return best(chain.from_iterable(part.lexical(terms, k, among, counts) for part in counting), k)
        ranked = [[i for i, _ in part.lexical(terms, k, among)] for part in self._parts]
        return best(reciprocal_rank_fusion(ranked).items(), k)

    def vocabulary(self) -> Vocabulary:
        return JoinedVocabulary([part.vocabulary() for part in self._parts])

    def chunks(self, ids: Iterable[str]) -> Mapping[str, Chunk]:
        wanted = list(ids)
        return {i: chunk for part in self._parts for i, chunk in part.chunks(wanted).items()}

    def document(self, document_id: str) -> Document:
        return self.part_of(document_id).document(document_id)

    def headers(self) -> list[Header]:
        return sorted(chain.from_iterable(part.headers() for part in self._parts), key=lambda header: header.id)

    def count(self) -> int:
        return sum(part.count() for part in self._parts)

    def read_setting(self, key: str) -> str:
        return self._parts[-1].read_setting(key)


class JoinedVocabulary:
    """The words of several vocabularies; a name is what is one in all that have it."""

    def __init__(self, parts: Sequence[Vocabulary]) -> None:
        self._parts = parts

    def is_name(self, word: str) -> bool | None:
        told = [part.is_name(word) for part in self._parts]
        return None if all(one is None for one in told) else False not in told

    def sounding(self, key: str) -> Sequence[str]:
        return list(dict.fromkeys(word for part in self._parts for word in part.sounding(key)))

    def resembling(self, word: str) -> Sequence[str]:
        return list(dict.fromkeys(other for part in self._parts for other in part.resembling(word)))


def _sum(parts: Sequence[Counts]) -> Counts:
    """The counts of all passages, of those of each part; all have the same stems."""
    holding = {stem: sum(part.holding[stem] for part in parts) for stem in parts[0].holding}
    return Counts(sum(part.passages for part in parts), sum(part.tokens for part in parts), holding)
