"""Two indexes searched as one: the corpus of the server and the articles of one browser session."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from rag.index import Index
from rag.index.contract import Vectors
from rag.index.fusion import near_duplicates, reciprocal_rank_fusion
from rag.types import Chunk, Document, ScoredChunk


class JoinedIndex:
    """Reads from two indexes whose document ids differ; writing is for the indexes themselves."""

    def __init__(self, shared: Index, own: Index) -> None:
        self._parts = (shared, own)

    def search(self, text: str | None, vector: Vectors | None, k: int, candidates: int = 50) -> list[ScoredChunk]:
        """The k best chunks of both: their rankings are merged by score and then fused as one index would."""
        depth = max(k, candidates)
        found = {p.chunk.id: p for part in self._parts for p in part.search(text, vector, depth, candidates)}
        rankings = []
        for stage, asked in (("dense", vector is not None), ("lexical", text is not None)):
            if asked:
                scored = [(i, p.scores[stage]) for i, p in found.items() if stage in p.scores]
                rankings.append([i for i, _ in sorted(scored, key=lambda item: (-round(item[1], 6), item[0]))])
        fused = reciprocal_rank_fusion(rankings)
        order = sorted(fused, key=lambda i: (-round(fused[i], 6), i))
        kept = near_duplicates([found[i].chunk for i in order])
        return [
            replace(
                found[i],
                score=fused[i],
                rank=rank,
                scores={**found[i].scores, "fused": fused[i]},
                duplicates=(*found[i].duplicates, *(d for j in others for d in (j, *found[j].duplicates))),
            )
            for rank, (i, others) in enumerate(itertools.islice(kept.items(), k), start=1)
        ]

    def get(self, chunk_id: str) -> Chunk:
        return self._first("get", chunk_id)  # type: ignore[return-value]

    def document(self, document_id: str) -> Document:
        return self._first("document", document_id)  # type: ignore[return-value]

    def documents(self) -> Iterator[Document]:
        return iter(sorted((d for part in self._parts for d in part.documents()), key=lambda d: d.id))

    def _first(self, method: str, key: str) -> Chunk | Document:
        for part in self._parts:
            try:
                return getattr(part, method)(key)  # type: ignore[no-any-return]
            except KeyError:
                continue
        raise KeyError(key)

    def transaction(self) -> AbstractContextManager[None]:
        raise TypeError("a joined index is read; write to its parts")

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        raise TypeError("a joined index is read; write to its parts")

    def remove(self, document_id: str) -> bool:
        raise TypeError("a joined index is read; write to its parts")
