"""`python -m eval.lexical SET`: the index's BM25 against the library bm25s, on one corpus."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from eval import command, datasets
from rag.index import open_index
from rag.types import Chunk, Document

Search = Callable[[str], list[str]]


def main(
    file: Annotated[Path, typer.Argument(help="A set that names each question's paragraph, as SQuAD does.")],
    limit: Annotated[int, typer.Option("--questions", min=1, help="At most so many, drawn at random.")] = 1000,
) -> None:
    """Print how often the paragraph of a question stands first, and among the first eight, and the time it takes."""
    dataset = datasets.load(file)
    if not dataset.questions or not all(question.passage_id for question in dataset.questions):
        raise datasets.DatasetError(f"{file} names no paragraph for its questions; expected SQuAD or CLAPNQ")
    count = min(limit, len(dataset.questions))
    questions = random.Random(1).sample(dataset.questions, count)
    systems = {
        "the index": sqlite(dataset.documents, spelling=False),
        "the index, other spellings": sqlite(dataset.documents, spelling=True),
        "bm25s": library(dataset.documents, None),
        "bm25s, no stopwords": library(dataset.documents, "en"),
    }
    for name, search in systems.items():
        search("first")  # reads what is read once
        start = time.perf_counter()
        found = [search(question.question) for question in questions]
        seconds = time.perf_counter() - start
        gold = [question.passage_id for question in questions]
        success = [np.mean([g in ids[:k] for g, ids in zip(gold, found, strict=True)]) for k in (1, 8)]
        rates = f"Success@1 {success[0]:.3f}  Success@8 {success[1]:.3f}"
        print(f"{name:30} {rates}  {1000 * seconds / count:.2f} ms a question")


def sqlite(documents: Sequence[Document], spelling: bool) -> Search:
    """The index's own lexical search, each paragraph one chunk."""
    index = open_index(None, {}, spelling)
    with index.transaction():
        for d in documents:
            chunk = Chunk(f"{d.id}#", d.id, 0, len(d.text), d.text, d.title, ((0, len(d.text)),))
            index.add(d, [chunk], np.zeros((1, 4), np.float32))
    return lambda question: [found.chunk.document_id for found in index.search(question, None, 10, 10)]


def library(documents: Sequence[Document], stopwords: Any) -> Search:
    """bm25s with its own tokenizer."""
    import bm25s

    tokens = bm25s.tokenize([f"{d.title} {d.text}" for d in documents], stopwords=stopwords, show_progress=False)
    model = bm25s.BM25()
    model.index(tokens, show_progress=False)

    def search(question: str) -> list[str]:
        asked = bm25s.tokenize([question], stopwords=stopwords, show_progress=False, return_ids=False)
        rows, _ = model.retrieve(asked, k=min(10, len(documents)), show_progress=False)
        return [documents[i].id for i in rows[0]]

    return search


if __name__ == "__main__":
    command.run(main)
