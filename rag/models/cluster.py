"""Embedding on many machines: passages go to the workers of a Ray cluster, each of which holds the model.

Cutting and writing stay with the one that indexes; of its time they are a small part. Needs the extra `ray`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.config import IndexSettings
from rag.errors import ModelError
from rag.models.embedding import Embedder, load_embedder
from rag.models.encoding import Vectors
from rag.types import Chunk

if TYPE_CHECKING:
    from ray.actor import ActorHandle

LOCAL = "local"
BLOCK = 32  # passages that travel together
READY_SECONDS = 120.0  # for all workers to load the model
RETRIES = 3  # of a block whose worker died; Ray starts that anew


class RayEmbedder:
    """An Embedder whose `embed_passages` is done by workers; what it does otherwise is done here."""

    def __init__(self, local: Embedder, workers: Sequence[ActorHandle[Any]]) -> None:
        """
        Parameters
        ----------
        local : Embedder
        workers : sequence of ActorHandle
            Of `Worker`s with the same weights.
        """
        self._local = local
        self.workers = list(workers)

    @classmethod
    def start(
        cls, local: Embedder, settings: IndexSettings, address: str = LOCAL, workers: int | None = None
    ) -> RayEmbedder:
        """Start workers, each on one core, and wait until they have loaded the model.

        Parameters
        ----------
        local : Embedder
            Of these settings.
        settings : IndexSettings
        address : str
            That of a cluster, as `ray.init` takes it ("auto", "ray://head:10001"), or "local" for this machine alone.
        workers : int, optional
            Default: as many as the cluster has cores.

        Raises
        ------
        ModelError
            Ray is not installed or not reached, the workers are not ready in time, or hold other weights.
        """
        ray = _ray()
        try:
            if not ray.is_initialized():
                place = {"include_dashboard": False} if address == LOCAL else {}
                ray.init(address=address, log_to_driver=False, **place)
            count = workers or int(ray.cluster_resources().get("CPU", 1))
            remote = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(Worker)
            made = [
                remote.remote(settings.embedding_model, settings.query_prefix, settings.passage_prefix)
                for _ in range(count)
            ]
            held = ray.get([worker.fingerprint.remote() for worker in made], timeout=READY_SECONDS)
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ModelError(
                f"{workers or 'the'} workers of the Ray cluster {address!r} are not ready ({_reason(error)}); expected "
                "a cluster of the same Ray and Python with as many cores, and this program on each of its machines"
            ) from error
        if others := set(held) - {local.fingerprint}:
            raise ModelError(
                f"a worker embeds with {sorted(others)[0]}, expected {local.fingerprint}; install the same there"
            )
        return cls(local, made)

    @property
    def fingerprint(self) -> str:
        return self._local.fingerprint

    @property
    def max_tokens(self) -> int:
        return self._local.max_tokens

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return self._local.token_offsets(text)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return self._local.embed_texts(texts)

    def embed_passages(self, chunks: Sequence[Chunk], progress: bool = False) -> Vectors:
        """(n_chunks, dim) float32, unit norm; see `Embedder.embed_passages`.

        Raises
        ------
        ModelError
            A worker could not embed a block, or died on each try. What was indexed before stays, and the same command
            goes on from there.
        """
        if not chunks:
            return self._local.embed_passages(chunks)
        from ray.exceptions import RayError
        from ray.util import ActorPool
        from tqdm import tqdm

        blocks = [list(chunks[start : start + BLOCK]) for start in range(0, len(chunks), BLOCK)]
        done = ActorPool(self.workers).map(lambda worker, block: worker.embed.remote(block), blocks)
        hidden = None if progress else True
        try:
            return np.concatenate(list(tqdm(done, "embedding", len(blocks), disable=hidden, leave=False)))
        except RayError as error:
            raise ModelError(
                f"the workers of the Ray cluster failed ({_reason(error)}); what was indexed before stays: mend the "
                "cluster and run the same command again"
            ) from error


class Worker:
    """Holds the embedding model in a process of its own, on one core."""

    def __init__(self, name: str, query_prefix: str, passage_prefix: str) -> None:
        import torch

        torch.set_num_threads(1)
        self._embedder = load_embedder(name, query_prefix, passage_prefix)

    def fingerprint(self) -> str:
        """Of the weights that this worker found."""
        return self._embedder.fingerprint

    def embed(self, chunks: list[Chunk]) -> Vectors:
        """(n_chunks, dim) float32, unit norm."""
        return self._embedder.embed_passages(chunks)


def _reason(error: Exception) -> str:
    """The line of an error that says why; of one that a worker raised it is the last."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1].strip()


def _ray() -> Any:
    """The library, which by itself would tell its makers how it is used; ModelError where it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise ModelError(
            "embedding on many machines needs Ray, which is not installed: pip install -e '.[ray]'"
        ) from error
    return ray
