"""`python -m eval.speed`: how fast the chatbot answers and indexes, as ratios of one run on one machine."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from tqdm import tqdm

from eval import command
from eval.datasets import DatasetError, load, select, spread
from eval.peers import make_work, run_worker
from eval.report import named, origin
from eval.sets import HERE, QUESTIONS, SEEDS
from rag.types import Document

COLD = """
import sys, time
started = time.perf_counter()
sys.path.insert(0, sys.argv[1])
import json
from rag.parts import Parts
from rag.pipeline import Chatbot
parts = Parts.load()
loaded = time.perf_counter()
bot = Chatbot.from_directory(sys.argv[2], index_folder=sys.argv[3], parts=parts)
opened = time.perf_counter()
answer = bot.ask(sys.argv[4])
print(json.dumps({"imports and models": loaded - started, "index": opened - loaded, **answer.seconds}))
"""
_COLD = {"index": "opening the index", "total": "the question in all"}
STAGES = ("retrieval", "reading", "total")


def main(
    dataset: Annotated[Path, typer.Option(help="Question set.")] = QUESTIONS,
    corpus: Annotated[Path, typer.Option(help="Folder of articles.")] = SEEDS,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions, evenly spread.")] = None,
    chunks: Annotated[int, typer.Option(min=1, help="Index about so many chunks: the articles, repeated.")] = 400,
    rounds: Annotated[int, typer.Option(min=1, help="Cold starts and rounds of indexing; the median counts.")] = 5,
) -> None:
    """Print seconds to an answer, cold and warm, the indexing rate beside the bare encoder's, and peak memory."""
    chosen = select(load(dataset, corpus), limit=limit)
    if chosen.corpus is None:
        raise DatasetError(f"{dataset} brings its own texts; expected a set of questions on the folder --corpus")
    work = make_work(chosen)
    print(f"{named(origin(chosen))}; {len(chosen.questions)} questions, {len(work['passages'])} chunks\n")
    print(f"{'cold: seconds of a new process':<44}{'median':>9}{'95th percentile':>17}", flush=True)
    for stage, seconds in cold([question.question for question in chosen.questions], corpus, rounds).items():
        print(f"{'  ' + stage:<44}{_pair(seconds)}")
    warm = run_worker("rag", work)
    print(f"{'warm: seconds of a question':<44}{'median':>9}{'95th percentile':>17}")
    for stage in STAGES:
        seconds = [answer["seconds"].get(stage, 0.0) for answer in warm["answers"][1:] or warm["answers"]]
        print(f"{'  ' + stage:<44}{_pair(seconds)}")
    print(f"{'peak memory of that process':<44}{warm['peak_megabytes']:>9.0f} MB\n", flush=True)
    rates = indexing(work, chunks, rounds)
    for name, rate in rates.items():
        print(f"{name:<44}{rate:>9.1f} chunks/s")
    print(f"{'indexing / bare encoder':<44}{rates['indexing'] / rates['bare encoder, same precision']:>9.2f}")


def _pair(seconds: Sequence[float]) -> str:
    return f"{np.median(seconds):>9.3f}{np.percentile(seconds, 95):>17.3f}"


def cold(questions: Sequence[str], corpus: Path, rounds: int) -> dict[str, list[float]]:
    """Stage -> seconds, in `rounds` new processes that each answer one question over an index that is there.

    Each is counted from the start of the process to its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", COLD, str(HERE.parent), str(corpus), folder]

        def start(question: str) -> tuple[float, dict[str, float]]:
            began = time.perf_counter()
            said = subprocess.run([*command, question], check=True, stdout=subprocess.PIPE, text=True).stdout
            stages: dict[str, float] = json.loads(said)
            return time.perf_counter() - began, stages

        some = spread(questions, rounds)
        took, stages = start(some[0])
        seconds = {"first answer, index to be made": [took]}
        for number in tqdm(range(rounds), desc="cold starts", disable=None, leave=False):
            took, stages = start(some[number % len(some)])
            seconds.setdefault("first answer, index ready", []).append(took)
            for stage in ("imports and models", "index", *STAGES):
                seconds.setdefault(f"  of these, {_COLD.get(stage, stage)}", []).append(stages[stage])
        return seconds


def indexing(work: dict[str, Any], chunks: int, rounds: int) -> dict[str, float]:
    """Chunks per second of indexing from text to searchable, and of the bare encoder on the very same texts.

    Models are loaded before, of all alike. The rounds alternate, so that a busy moment of the machine hits all alike.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    from rag.models.hardware import inference_dtype
    from rag.parts import Parts
    from rag.pipeline import Chatbot

    copies = max(1, round(chunks / len(work["passages"])))
    originals = [Document(**document) for document in work["documents"]]
    documents = [replace(document, id=f"{copy}/{document.id}") for copy in range(copies) for document in originals]
    texts = [f"{passage['title']}\n{passage['text']}" for passage in work["passages"]] * copies

    def bare(dtype: Any) -> SentenceTransformer:
        return SentenceTransformer(
            work["embedding"], device="cpu", local_files_only=True, model_kwargs={"dtype": dtype}
        )

    parts, same, full = Parts.load(), bare(inference_dtype()), bare(torch.float32)
    contenders = {
        "indexing": lambda: Chatbot.from_documents(documents, parts=parts),
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
    command.run(main)
