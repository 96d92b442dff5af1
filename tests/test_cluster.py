"""Embedding by the workers of a Ray cluster: two of them, on this machine."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import make_document
from typer.testing import CliRunner

pytest.importorskip("ray", reason="the extra `ray` is not installed")

import ray

from rag.articles.chunking import chunk_document
from rag.cli import app
from rag.config import Settings
from rag.errors import ModelError
from rag.index import open_index
from rag.models import cluster
from rag.models.cluster import RayEmbedder
from rag.models.embedding import Embedder, ModelEmbedder, load_embedder
from rag.types import Chunk

WORKERS = 2


@pytest.fixture(scope="module")
def local() -> ModelEmbedder:
    return load_embedder("default")


@pytest.fixture(scope="module")
def spread(local: ModelEmbedder) -> Iterator[RayEmbedder]:
    ray.init(num_cpus=WORKERS + 1, include_dashboard=False, log_to_driver=False)
    yield RayEmbedder.start(local, Settings(), workers=WORKERS)
    ray.shutdown()


def chunks(embedder: ModelEmbedder, count: int = 100) -> list[Chunk]:
    text = " ".join(f"The harbour master counted {n} boats in the bay of Lund." for n in range(count))
    return chunk_document(make_document("a.txt", text), embedder.token_offsets, 16)


def test_workers_give_the_vectors_of_one_process_in_the_same_order(local: ModelEmbedder, spread: RayEmbedder) -> None:
    cut = chunks(local)
    assert len(cut) > 2 * cluster.BLOCK
    vectors = spread.embed_passages(cut)
    assert vectors.dtype == np.float32
    alike = vectors @ local.embed_passages(cut).T
    assert np.diag(alike).min() > 0.999  # rounded otherwise, in other batches
    assert spread.embed_passages([]).shape == (0, vectors.shape[1])
    assert (spread.fingerprint, spread.max_tokens) == (local.fingerprint, local.max_tokens)
    assert np.array_equal(spread.embed_texts(["Lund"]), local.embed_texts(["Lund"]))


def test_a_worker_that_dies_is_replaced(local: ModelEmbedder, spread: RayEmbedder) -> None:
    ray.kill(spread.workers[0], no_restart=False)
    cut = chunks(local)
    assert np.diag(spread.embed_passages(cut) @ local.embed_passages(cut).T).min() > 0.999


def test_workers_with_other_weights_are_refused(local: ModelEmbedder, spread: RayEmbedder) -> None:
    other = replace(Settings(), passage_prefix="passage: ")
    with pytest.raises(ModelError, match="a worker embeds with"):
        RayEmbedder.start(local, other, workers=1)


def test_a_cluster_that_is_too_small_is_one_clear_error(
    local: ModelEmbedder, spread: RayEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "READY_SECONDS", 1.0)
    with pytest.raises(ModelError, match=r"5 workers of the Ray cluster 'local' are not ready .*timed out"):
        RayEmbedder.start(local, Settings(), workers=5)


def test_what_fails_in_a_worker_is_told(spread: RayEmbedder) -> None:
    with pytest.raises(ModelError, match=r"the workers of the Ray cluster failed .*has no attribute 'title'"):
        spread.embed_passages([None])  # type: ignore[list-item]


def test_workers_without_a_cluster_are_refused(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["index", str(tmp_path), "--index", str(tmp_path / "i"), "--workers", "2"])
    assert made.exit_code != 0
    assert "--ray local" in made.output


def test_without_ray_the_message_says_what_to_install(local: ModelEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return imported(name, *arguments, **named)

    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match=r"pip install -e '\.\[ray\]'"):
        RayEmbedder.start(local, Settings())


def test_a_folder_is_indexed_by_workers(spread: RayEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    def start(local: Embedder, settings: Settings, *where: object) -> RayEmbedder:
        asked.append((local.fingerprint, settings.chunk_tokens, *where))
        return spread

    monkeypatch.setattr(RayEmbedder, "start", start)
    folder, index = tmp_path / "articles", tmp_path / "index"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.txt").write_text(f"Boats\n\nThe harbour master counted {n + 2} boats.\n", encoding="utf-8")
    for said in ("3 added", "3 unchanged"):  # what the second run found is of the same embedder
        made = CliRunner().invoke(app, ["index", str(folder), "--index", str(index), "--ray", "auto", "--workers", "2"])
        assert made.exit_code == 0, made.output
        assert said in made.output
    assert asked == [(spread.fingerprint, Settings().chunk_tokens, "auto", 2)] * 2
    opened = open_index(index, {})
    assert opened.count() == 3
    opened.close()
