"""Deterministic stand-ins for the models, which enter through the same protocols as the real ones."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.answering.confidence import Calibration
from rag.articles.chunking import chunk_document
from rag.config import Settings
from rag.grounding.claims import Claim, Claims
from rag.grounding.generators import Generator
from rag.grounding.verifier import Verifier
from rag.index import Index
from rag.language.text import WORD, content_words
from rag.models.embedding import Embedder, Vectors
from rag.models.reader import Reader
from rag.parts import Parts
from rag.pipeline import Chatbot
from rag.types import Chunk, Document, Span

DIMENSION = 64
BREAD = "The baker Anna Kowalska sells rye bread in Gdansk. She opened her shop in 1994."
SEEDS = Path(__file__).parents[1] / "seeds"


class FakeEmbedder(Embedder):
    """A bag of words, hashed into DIMENSION numbers; tokens are words. Counts what it embeds."""

    def __init__(self, fingerprint: str = "fake|1", max_tokens: int = 512) -> None:
        self._fingerprint = fingerprint
        self._max_tokens = max_tokens
        self.embedded: list[str] = []  # chunk ids, in order
        self._lock = threading.Lock()

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        words = [match.span() for match in WORD.finditer(text)]
        return (
            [(0, 1), (1, len(text))] if len(words) == 1 and text.istitle() else words
        )  # a name alone is in no vocabulary

    def embed_passages(self, chunks: Sequence[Chunk], progress: bool = False) -> Vectors:
        with self._lock:
            self.embedded += [chunk.id for chunk in chunks]
        return self.embed_texts([f"{chunk.title}\n{chunk.text}" for chunk in chunks])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in content_words(text):
                vector[hashlib.sha256(word.encode()).digest()[0] % DIMENSION] += 1.0
            vector[0] += 1e-3  # a text without words has a direction, too
            vector /= np.linalg.norm(vector)
        return vectors


class FakeReader(Reader):
    """The sentence with the largest share of the question's content words; 3 logits when it has half of them.

    What stands in brackets before a question, those asked before, counts where the question has no word of its own.
    """

    def read(self, question: str, chunks: Sequence[Chunk]) -> list[Span]:
        wanted = set(content_words(question.rpartition(") ")[2]) or content_words(question))
        spans = []
        for chunk in chunks:
            options = []
            for start, end in chunk.sentences:
                text = chunk.text[start - chunk.start : end - chunk.start]
                share = len(wanted & set(content_words(text))) / max(len(wanted), 1)
                score = 6 * share if share >= 0.5 else -8.0
                options.append(Span(chunk.id, chunk.document_id, start, end, text, score))
            spans.append(max(options, key=lambda span: span.score))
        return spans


def fake_parts(
    settings: Settings | None = None, generator: Generator | None = None, embedder: FakeEmbedder | None = None
) -> Parts:
    """What `Parts.load` gives, without models."""
    embedder, reader = embedder or FakeEmbedder(), FakeReader()
    return Parts(embedder, reader, Calibration.of_margin(), Verifier.load(reader), generator)


def make_bot(
    folder: Path | None = None,
    settings: Settings | None = None,
    embedder: FakeEmbedder | None = None,
    generator: Generator | None = None,
    index: Index | None = None,
) -> Chatbot:
    """A bot over an index at hand, or one in a folder, or in memory."""
    parts = fake_parts(settings, generator, embedder)
    return Chatbot.open(folder, settings, parts) if index is None else Chatbot(parts, index, settings or Settings())


def make_document(document_id: str, text: str, title: str = "") -> Document:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Document(document_id, title or document_id, text, f"/articles/{document_id}", "en", None, digest)


def add(index: Index, document: Document, max_tokens: int = 60) -> list[Chunk]:
    """Chunk, embed and add a document."""
    embedder = FakeEmbedder()
    chunks = chunk_document(document, embedder.token_offsets, max_tokens)
    index.add(document, chunks, embedder.embed_passages(chunks))
    return chunks


def vector_of(text: str) -> Vectors:
    """(DIMENSION,) float32, unit norm."""
    return FakeEmbedder().embed_texts([text])[0]


def split_claims(text: str, places: Sequence[int]) -> list[Claim]:
    """The sentences of a whole text; see `Claims.feed`."""
    claims = Claims()
    return [*claims.feed(text, places), *claims.close(places)]
