"""The index that the chatbot asks: what an engine finds, fused, near-copies once, names in any spelling."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import numpy as np

from rag.errors import RagError
from rag.index.contract import Engine, Ranking, Vectors, best
from rag.index.fusion import near_duplicates, reciprocal_rank_fusion
from rag.index.spelling import query_terms
from rag.types import Chunk, Document, Header, ScoredChunk

_DEEPEST = 16  # times the candidates that an engine is asked for, where near-copies fill them


class Index:
    """Documents with their chunks and vectors, in whatever engine they lie."""

    def __init__(self, engine: Engine, spelling: bool = True, among: Collection[str] | None = None) -> None:
        """
        Parameters
        ----------
        engine : Engine
        spelling : bool
            Whether lexical search looks for other spellings of names and for typing errors.
        among : collection of str, optional
            Ids of the documents that are found and listed; without, all of them.
        """
        self.engine = engine
        self.spelling = spelling
        self.among = among

    def only(self, ids: Collection[str] | None) -> Index:
        """The same index, in which of the documents found and listed so far only these are left; None: all of them."""
        if self.among is not None:
            ids = self.among if ids is None else frozenset(self.among).intersection(ids)
        return Index(self.engine, self.spelling, ids)

    # --- changing ----------------------------------------------------------------------------------------------------

    def transaction(self) -> AbstractContextManager[None]:
        """All that is added and removed inside takes effect at once at the end, or, after an error, not at all."""
        return self.engine.transaction()

    def add(self, document: Document, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Add a document, or replace the one of the same id. vectors: (n_chunks, dim) float32, unit norm."""
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(vectors)} vectors for {len(chunks)} chunks; expected as many")
        for chunk in chunks:
            if document.text[chunk.start : chunk.end] != chunk.text or chunk.document_id != document.id:
                raise ValueError(f"chunk {chunk.id} is not the text of document {document.id} at that place")
        with self.transaction():
            self.remove(document.id)
            known = self.engine.dimension
            if len(vectors) and (vectors.ndim != 2 or known not in (None, vectors.shape[1])):
                raise ValueError(f"the vectors have the shape {vectors.shape}, expected (n_chunks, {known or 'dim'})")
            self.engine.add(document, chunks, np.ascontiguousarray(vectors, np.float32))

    def remove(self, document_id: str) -> bool:
        """Remove a document from every structure; False when there is none of that id."""
        return self.engine.remove(document_id)

    def write_setting(self, key: str, value: str) -> None:
        """Keep a value under a name of the caller's; inside a transaction it takes effect with the rest."""
        self.engine.write_setting(key, value)

    def close(self) -> None:
        """Let go of files and connections. The index cannot be used after it."""
        self.engine.close()

    # --- asking ------------------------------------------------------------------------------------------------------

    def search(self, text: str | None, vector: Vectors | None, k: int, candidates: int = 50) -> list[ScoredChunk]:
        """The k best chunks for a text (lexical), a vector of shape (dim,) (dense), or both (fused).

        Ranks start at 1; ties break by chunk id; near-identical chunks come once, the others as `duplicates`.
        Fewer than k come back when fewer match; none when the index is empty.
        """
        if k < 1:
            return []
        depth = max(k, candidates)
        deepest = depth * _DEEPEST
        with self.engine.snapshot():
            rankings = self._rankings(text, vector, depth)
            found = self._fused(rankings)
            while len(found) < k and depth < deepest and any(len(ranking) == depth for ranking in rankings.values()):
                depth *= 2
                rankings = self._rankings(text, vector, depth)
                found = self._fused(rankings)
        return found[:k]

    def _fused(self, rankings: Mapping[str, Ranking]) -> list[ScoredChunk]:
        """What the rankings hold, the best first, near-copies once."""
        chunks = self.engine.chunks(dict.fromkeys(i for ranking in rankings.values() for i, _ in ranking))
        scores: dict[str, dict[str, float]] = {i: {} for i in chunks}
        for stage, ranking in rankings.items():
            for i, score in ranking:
                if i in scores:  # an engine without snapshots may have lost it since
                    scores[i][stage] = score
        by = next(iter(rankings), "fused")
        if len(rankings) > 1:
            by = "fused"
            fused = reciprocal_rank_fusion([[i for i, _ in ranking if i in chunks] for ranking in rankings.values()])
            for i, score in fused.items():
                scores[i][by] = score
        order = best(((i, scores[i][by]) for i in chunks), len(chunks))
        kept = near_duplicates([chunks[i] for i, _ in order])
        return [
            ScoredChunk(chunks[i], scores[i][by], rank, scores[i], tuple(duplicates))
            for rank, (i, duplicates) in enumerate(kept.items(), start=1)
        ]

    def _rankings(self, text: str | None, vector: Vectors | None, depth: int) -> dict[str, Ranking]:
        found: dict[str, Ranking] = {}
        if vector is not None:
            known = self.engine.dimension
            if known is not None and vector.shape != (known,):
                raise RagError(
                    f"the query vector has shape {vector.shape}, the index holds vectors of {known} numbers; "
                    "ask with the embedding model that built the index"
                )
            found["dense"] = [] if known is None else self.engine.dense(vector, depth, self.among)
        if text is not None:
            terms = query_terms(text, self.engine.vocabulary() if self.spelling else None)
            found["lexical"] = self.engine.lexical(terms, depth, self.among) if terms else []
        return {stage: best(ranking, depth) for stage, ranking in found.items()}

    def get(self, chunk_id: str) -> Chunk:
        """The chunk; KeyError when there is none of that id."""
        return self.engine.chunks([chunk_id])[chunk_id]

    def document(self, document_id: str) -> Document:
        """The document; KeyError when there is none of that id."""
        return self.engine.document(document_id)

    def headers(self) -> list[Header]:
        """All documents without their texts, ordered by id."""
        return [header for header in self.engine.headers() if self.among is None or header.id in self.among]

    def count(self) -> int:
        """How many documents there are."""
        return self.engine.count() if self.among is None else len(self.headers())

    def documents(self) -> Iterator[Document]:
        """All documents with their texts, ordered by id, of one state: for those who need every text."""
        with self.engine.snapshot():
            return iter([self.engine.document(header.id) for header in self.headers()])

    def read_setting(self, key: str) -> str:
        """A value that was kept; empty when there is none."""
        return self.engine.read_setting(key)
