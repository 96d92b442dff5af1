"""`python -m eval.workers`: how many passages a second are embedded in this process, by one worker of Ray and by more.

On the articles of the news set, again and again until there are enough passages. Each way in turn, three rounds; the
figures are medians. A worker computes on one core, this process on all of them.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Annotated

import typer

from eval import command, figures
from eval.sets import HERE
from eval.systems import cut, read_corpus
from rag.config import Settings
from rag.models.cluster import LOCAL, RayEmbedder
from rag.models.embedding import Embedder, load_embedder
from rag.types import Chunk

ROUNDS = 3


def main(
    corpus: Annotated[Path, typer.Option(help="Folder of articles.")] = HERE / "news" / "articles",
    passages: Annotated[int, typer.Option(min=64, help="To embed in each round.")] = 1024,
    workers: Annotated[int, typer.Option(min=2, help="The most that are tried.")] = 2,
    address: Annotated[str, typer.Option("--ray", help="Of a cluster.")] = LOCAL,
) -> None:
    """Print the rates and their ratios."""
    local = load_embedder("default")
    once = cut(read_corpus(corpus), local)
    chunks = (once * (passages // len(once) + 1))[:passages]
    many = RayEmbedder.start(local, Settings(), address, workers)
    one = RayEmbedder(local, many.workers[:1])
    ways: dict[str, Embedder] = {"this process": local, "1 worker": one, f"{workers} workers": many}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, embedder in ways.items():
            seconds[name].append(_timed(embedder, chunks))
    rates = {name: len(chunks) / statistics.median(taken) for name, taken in seconds.items()}
    rows = tuple((name, round(rate), round(rate / rates["1 worker"], 2)) for name, rate in rates.items())
    print(figures.markdown(figures.Table(("", "passages a second", "of one worker"), rows)))


def _timed(embedder: Embedder, chunks: list[Chunk]) -> float:
    begun = time.perf_counter()
    embedder.embed_passages(chunks)
    return time.perf_counter() - begun


if __name__ == "__main__":
    command.run(main)
