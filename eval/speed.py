"""`python -m eval.speed`: how fast the chatbot answers and indexes, as ratios of one run on one machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from eval.__main__ import QUESTIONS, SEEDS
from eval.datasets import load, select
from eval.peers import make_work, run_worker
from rag.types import Document

ROOT = Path(__file__).parent.parent
COLD = """
import sys
sys.path.insert(0, sys.argv[1])
from rag.pipeline import Chatbot
bot = Chatbot.from_directory(sys.argv[2], index_folder=sys.argv[3])
bot.ask(sys.argv[4])
"""


def main(
    dataset: Annotated[Path, typer.Option(help="Question set.")] = QUESTIONS,
    corpus: Annotated[Path, typer.Option(help="Folder of articles.")] = SEEDS,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    chunks: Annotated[int, typer.Option(min=1, help="Index about so many chunks: the articles, repeated.")] = 400,
    rounds: Annotated[int, typer.Option(min=1, help="Repetitions; the median counts.")] = 3,
) -> None:
    """Print seconds to an answer, cold and warm, the indexing rate beside the bare encoder's, and peak memory."""
    chosen = select(load(dataset, corpus), limit=limit)
    work = make_work(chosen)
    started = cold(chosen.questions[0].question, corpus, rounds)
    print(f"{'first answer of a cold process, index ready':<52}{started:8.2f} s")
    warm = run_worker("rag", work)
    for stage in ("retrieval", "reading", "total"):
        seconds = [answer["seconds"].get(stage, 0.0) for answer in warm["answers"]]
        median, high = np.median(seconds) * 1000, np.percentile(seconds, 95) * 1000
        print(f"{f'warm, {stage}: median, 95th percentile':<52}{median:8.0f} ms{high:8.0f} ms")
    print(f"{'peak memory of that process':<52}{warm['peak_megabytes']:8.0f} MB")
    rates = indexing(work, chunks, rounds)
    for name, rate in rates.items():
        print(f"{name:<52}{rate:8.1f} chunks/s")
    print(f"{'indexing / bare encoder':<52}{rates['indexing'] / rates['bare encoder, same precision']:8.2f}")


def cold(question: str, corpus: Path, rounds: int) -> float:
    """Median seconds from starting a process to its first answer, over an index that is already there."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", COLD, str(ROOT), str(corpus), folder, question]
        subprocess.run(command, check=True)  # makes the index, warms the disk cache
        seconds = []
        for _ in tqdm(range(rounds), desc="cold starts", disable=None, leave=False):
            began = time.perf_counter()
            subprocess.run(command, check=True)
            seconds.append(time.perf_counter() - began)
        return float(np.median(seconds))


def indexing(work: dict[str, Any], chunks: int, rounds: int) -> dict[str, float]:
    """Chunks per second of indexing from text to searchable, and of the bare encoder on the very same texts.

    The rounds alternate, so that a busy moment of the machine hits all alike.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    from rag.hardware import inference_dtype
    from rag.pipeline import Chatbot

    copies = max(1, round(chunks / len(work["passages"])))
    originals = [Document(**document) for document in work["documents"]]
    documents = [replace(document, id=f"{copy}/{document.id}") for copy in range(copies) for document in originals]
    texts = [f"{passage['title']}\n{passage['text']}" for passage in work["passages"]] * copies

    def bare(dtype: Any) -> SentenceTransformer:
        return SentenceTransformer(
            work["embedding"], device="cpu", local_files_only=True, model_kwargs={"dtype": dtype}
        )

    same, full = bare(inference_dtype()), bare(torch.float32)
    contenders = {
        "indexing": lambda: Chatbot.from_documents(documents),
        "bare encoder, same precision": lambda: same.encode(texts, batch_size=32, show_progress_bar=False),
        "bare encoder, float32": lambda: full.encode(texts, batch_size=32, show_progress_bar=False),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in tqdm(range(rounds + 1), desc="indexing", disable=None, leave=False):
        for name, contender in contenders.items():
            began = time.perf_counter()
            contender()  # type: ignore[no-untyped-call]
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - began)
    return {name: len(texts) / float(np.median(values)) for name, values in seconds.items()}


if __name__ == "__main__":
    typer.run(main)
