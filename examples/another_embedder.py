"""An embedder of one's own, without weights: three letters at a time, hashed. Uploads are embedded by it, too."""

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from rag import Chatbot, Chunk, Document
from rag.answering.confidence import Calibration
from rag.language.text import WORD
from rag.models.embedding import Vectors
from rag.parts import Parts


class Trigrams:
    """A `rag.models.embedding.Embedder`."""

    fingerprint = "trigrams-256"  # in the index's manifest: vectors of another do not compare
    max_tokens = 512

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in WORD.finditer(text)]

    def embed_passages(self, chunks: Sequence[Chunk], progress: bool = False) -> Vectors:
        return self.embed_texts([f"{chunk.title}\n{chunk.text}" for chunk in chunks])

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        rows = np.full((len(texts), 256), 1e-6, np.float32)
        for row, text in zip(rows, texts, strict=True):
            for i in range(len(text) - 2):
                row[zlib.crc32(text[i : i + 3].casefold().encode()) % 256] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# Confidence was fitted with the default embedder in front; with another, the reader's score is taken at its word.
parts = replace(Parts.load(), embedder=Trigrams(), confidence=Calibration.of_margin())
upload = Chatbot.from_documents([], parts=parts).over()  # what the page opens for a session's own articles
upload.add_documents([Document("own", "Harbour", "The harbour of Lund was opened by Ilse Korn.", source="own")])
print(upload.index.engine.dimension, upload.ask("Who opened the harbour of Lund?").text)
