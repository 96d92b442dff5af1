"""`python -m eval.scale N ...`: what an index of N invented passages costs to fill, open, search and change.

The words follow Zipf's law, the vectors lie around topics as those of sentences do (two passages of one topic have a
cosine of about a half). So the figures tell of speed, memory and the recall of the vector lists, not of quality.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from eval import command
from eval.datasets import spread
from eval.load import megabytes
from rag.index import Index, open_index
from rag.types import Chunk, Document

Vectors = npt.NDArray[np.float32]
DIMENSION = 384
WORDS = 120  # of a passage
PASSAGES = 10  # of a document
VOCABULARY = 200_000
COMMON = 150  # words of the first ranks, which a question leaves out as it does "the" and "of"
ASKED = 5  # words of a question
BATCH = 200  # documents that are added in one transaction


class MadeUp:
    """Documents, and questions that are noisy copies of their passages; the same for the same seed."""

    def __init__(self, passages: int, seed: int = 0) -> None:
        self._chance = np.random.default_rng(seed)
        self._topics = _unit(self._chance.normal(size=(max(10, int(2 * passages**0.5)), DIMENSION)))
        weights = 1 / np.arange(1, VOCABULARY + 1)
        self._zipf = np.cumsum(weights / weights.sum())
        consonants, vowels = "bdfgklmnprstvz", "aeiou"
        syllables = [c + v for c in consonants for v in vowels]
        self._words = [
            "".join(syllables[(i // len(syllables) ** p) % len(syllables)] for p in range(3)) for i in range(VOCABULARY)
        ]

    def document(self, number: int) -> tuple[Document, list[Chunk], Vectors]:
        """One document with its chunks and vectors, (PASSAGES, DIMENSION)."""
        ranks = np.searchsorted(self._zipf, self._chance.random((PASSAGES, WORDS)))
        texts = [" ".join(self._words[min(r, VOCABULARY - 1)] for r in row) + "." for row in ranks.tolist()]
        text, name, chunks = "\n".join(texts), f"{number:07}.txt", []
        start = 0
        for passage in texts:
            end = start + len(passage)
            chunks.append(Chunk(f"{name}#{start}", name, start, end, passage, "Title", ((start, end),)))
            start = end + 1
        topics = self._topics[self._chance.integers(len(self._topics), size=PASSAGES)]
        vectors = _unit(topics + self._noise(PASSAGES, 1.0))
        return Document(name, "Title", text, name, "en", "2024-07-03", str(number)), chunks, vectors

    def question(self, chunk: Chunk, vector: Vectors) -> tuple[str, Vectors]:
        """Some of a passage's words, and a vector near its own."""
        common = set(self._words[:COMMON])
        words = [word for word in chunk.text.rstrip(".").split() if word not in common]
        asked = self._chance.choice(words, ASKED)
        return " ".join(asked), _unit(vector[None] + self._noise(1, 0.8))[0]

    def _noise(self, count: int, length: float) -> npt.NDArray[np.float64]:
        return np.asarray(self._chance.normal(size=(count, DIMENSION)) * (length / DIMENSION**0.5))


def _unit(rows: npt.NDArray[Any]) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def main(
    passages: Annotated[list[int], typer.Argument(min=PASSAGES, help="How many; an index for each number.")],
    questions: Annotated[int, typer.Option(min=1, help="At most so many, each on a document of its own.")] = 100,
) -> None:
    """Print what an index costs to fill, open, search and change, and how much of the exact it finds."""
    for count in passages:
        with tempfile.TemporaryDirectory() as folder:
            documents = count // PASSAGES
            print(f"{documents * PASSAGES:,} passages, {min(questions, documents)} questions")
            for name, figure in measure(Path(folder) / "index", documents, questions):
                print(f"  {name:40} {figure}", flush=True)


def measure(folder: Path, documents: int, questions: int) -> Iterator[tuple[str, str]]:
    """Names and figures, as they are found. Times are of the wall, with the processor's in brackets.

    Memory is what the process grew by, beyond what filling the index had left to be used again.
    """
    made = MadeUp(documents * PASSAGES)
    index = open_index(folder, {})
    vectors: list[Vectors] = []
    asked: list[tuple[str, Vectors]] = []
    chosen = set(spread(range(documents), questions))
    spent = 0.0
    for start in range(0, documents, BATCH):
        batch = [made.document(number) for number in range(start, min(start + BATCH, documents))]
        begun = time.process_time()
        with index.transaction():
            for document, chunks, rows in batch:
                index.add(document, chunks, rows)
        spent += time.process_time() - begun
        for number, (_, chunks, rows) in enumerate(batch, start):
            vectors.append(rows)
            if number in chosen:
                asked.append(made.question(chunks[number % PASSAGES], rows[number % PASSAGES]))
    index.close()
    yield "indexing, passages per s of processor", f"{documents * PASSAGES / spent:,.0f}"
    yield "file, MB", f"{sum(file.stat().st_size for file in folder.iterdir()) / 1e6:,.0f}"
    before = megabytes(os.getpid())
    index, told = _timed(lambda: open_index(folder, {}))
    yield "open", told
    yield "first question", _timed(lambda: index.search(*asked[0], 8))[1]
    yield from _searches(index, asked)
    yield "memory of opening and asking, MB", f"{megabytes(os.getpid()) - before:,.0f}"
    every_vector = np.concatenate(vectors)
    yield "recall@10 against exact", f"{_recall(index, every_vector, asked):.3f}"
    extra = MadeUp(documents * PASSAGES, seed=1).document(documents)
    yield "add a document", _timed(lambda: index.add(*extra))[1]
    yield "first question after it", _timed(lambda: index.search(*asked[0], 8))[1]
    yield "remove a document", _timed(lambda: index.remove(extra[0].id))[1]
    index.close()


def _searches(index: Index, asked: list[tuple[str, Vectors]]) -> Iterator[tuple[str, str]]:
    stages: dict[str, Callable[[str, Vectors], object]] = {
        "retrieval": lambda text, vector: index.search(text, vector, 8),
        "  lexical alone": lambda text, vector: index.search(text, None, 8),
        "  dense alone": lambda text, vector: index.search(None, vector, 8),
    }
    for name, search in stages.items():
        wall, cpu = [], []
        for text, vector in asked:
            begun = time.perf_counter(), time.process_time()
            search(text, vector)
            wall.append(time.perf_counter() - begun[0])
            cpu.append(time.process_time() - begun[1])
        p50, p95 = np.percentile(wall, [50, 95]) * 1000
        cpu50, cpu95 = np.percentile(cpu, [50, 95]) * 1000
        yield f"{name}, p50 / p95 ms", f"{p50:.1f} / {p95:.1f} ({cpu50:.1f} / {cpu95:.1f})"


def _recall(index: Index, vectors: Vectors, asked: list[tuple[str, Vectors]]) -> float:
    """Share of the ten vectors of highest cosine among the ten that are found, by their cosines."""
    shares = []
    for _, vector in asked:
        tenth = np.sort(vectors @ vector)[-10:][0]
        found = index.engine.dense(vector, 10)
        shares.append(sum(score >= tenth - 1e-5 for _, score in found) / 10)
    return float(np.mean(shares))


def _timed(work: Callable[[], Any]) -> tuple[Any, str]:
    begun = time.perf_counter(), time.process_time()
    result = work()
    return result, f"{time.perf_counter() - begun[0]:.3f} s ({time.process_time() - begun[1]:.3f})"


if __name__ == "__main__":
    command.run(main)
