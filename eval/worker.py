"""One system in a process of its own, so that start, memory and speed are its own. Run by path, not imported.

`python -P worker.py SYSTEM WORK.json RESULT.json`, under any interpreter that has the system's packages;
for Haystack and txtai this file needs nothing of the project. Used by peers.py and speed.py.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

STARTED = time.perf_counter()
os.environ.update(HAYSTACK_TELEMETRY_ENABLED="False", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")

Work = dict[str, Any]
Ask = Callable[[str, list[str]], dict[str, Any]]
Build = Callable[[], Ask]
PASSAGES = 8


def rag(work: Work) -> Build:
    """The project's chatbot; it cuts the documents into passages itself."""
    sys.path.insert(0, work["root"])
    from rag.config import Settings
    from rag.parts import Parts
    from rag.pipeline import Chatbot
    from rag.types import Document

    settings = Settings(**work["settings"])
    parts = Parts.load(settings)
    documents = [Document(**document) for document in work["documents"]]

    def build() -> Ask:
        bot = Chatbot.from_documents(documents, settings, parts)
        return lambda question, history: bot.ask(question, history=history).to_dict()

    return build


def haystack(work: Work) -> Build:
    """Haystack 3: BM25 and embedding retrieval joined by reciprocal rank fusion, then its extractive reader.

    `top_k=1` in the reader, so that "no answer" competes with the best answer alone: with the default of
    20 it practically never refuses.
    """
    from haystack import Document, Pipeline
    from haystack.components.joiners import DocumentJoiner
    from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
        SentenceTransformersTextEmbedder,
    )
    from haystack_integrations.components.readers.transformers import TransformersExtractiveReader

    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    embedder = SentenceTransformersDocumentEmbedder(
        model=work["embedding"], meta_fields_to_embed=["title"], progress_bar=False
    )
    embedder.warm_up()
    pipeline = Pipeline()
    pipeline.add_component("embedder", SentenceTransformersTextEmbedder(model=work["embedding"], progress_bar=False))
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=50))
    pipeline.add_component("lexical", InMemoryBM25Retriever(store, top_k=50))
    pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=PASSAGES))
    pipeline.add_component("reader", TransformersExtractiveReader(model=work["reader"], top_k=1))
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    pipeline.connect("dense", "joiner")
    pipeline.connect("lexical", "joiner")
    pipeline.connect("joiner", "reader")
    pipeline.warm_up()

    def build() -> Ask:
        passages = [Document(id=p["id"], content=p["text"], meta=p) for p in work["passages"]]
        store.write_documents(embedder.run(passages)["documents"])

        def ask(question: str, history: list[str]) -> dict[str, Any]:
            inputs = {"embedder": {"text": question}, "lexical": {"query": question}, "reader": {"query": question}}
            found = pipeline.run(inputs, include_outputs_from={"joiner"})
            answers = found["reader"]["answers"]
            best = max(answers, key=lambda answer: answer.score)
            confidence = max((answer.score for answer in answers if answer.data), default=0.0)
            listed = [document.meta for document in found["joiner"]["documents"]]
            if not best.data:
                return _refusal(confidence, listed)
            return _answer(best.data, best.document.meta, best.document_offset.start, confidence, listed)

        return ask

    return build


def txtai(work: Work) -> Build:
    """txtai: hybrid index, then its RAG pipeline with the question-answering model.

    It reads the passages joined into one text, as far as the model's 512 tokens go. Where the model's
    best span is "no answer", it raises TypeError: counted as a refusal. It gives no confidence.
    """
    from txtai import RAG, Embeddings

    embeddings = Embeddings(path=work["embedding"], hybrid=True, content=True)
    reader = RAG(embeddings, work["reader"], context=PASSAGES, output="reference", task="question-answering")
    passages = {p["id"]: p for p in work["passages"]}

    def build() -> Ask:
        embeddings.index([(id, p["text"], None) for id, p in passages.items()])

        def ask(question: str, history: list[str]) -> dict[str, Any]:
            try:
                said = reader([{"name": "answer", "query": question, "question": question}])[0]
            except TypeError:
                said = {"answer": None, "reference": None}
            if not said["answer"]:
                return _refusal(None, None)
            cited = passages.get(said["reference"])
            at = cited["text"].find(said["answer"]) if cited else -1
            return _answer(said["answer"], cited if at >= 0 else None, at, None, None)

        return ask

    return build


def _answer(text: str, passage: Work | None, at: int, confidence: float | None, listed: Any) -> dict[str, Any]:
    """An answer in the form that is scored; it cites the span itself."""
    citations = []
    if passage is not None:
        start = passage["start"] + at
        citations = [
            {"document_id": passage["document_id"], "start": start, "end": start + len(text), "quote": text}
        ]  # fmt: skip
    said = {"short_answer": text, "text": text, "abstained": False, "citations": citations, "passages": listed}
    return said | {"confidence": confidence}


def _refusal(confidence: float | None, listed: Any) -> dict[str, Any]:
    said = {"short_answer": "", "text": "", "abstained": True, "citations": [], "passages": listed}
    return said | {"confidence": confidence}


SYSTEMS: dict[str, Callable[[Work], Build]] = {"rag": rag, "haystack": haystack, "txtai": txtai}


def main(name: str, work_path: str, result_path: str) -> None:
    """Load, index, answer; write seconds of each, the answers and the peak memory."""
    with open(work_path, encoding="utf-8") as file:
        work = json.load(file)
    build = SYSTEMS[name](work)
    loaded = time.perf_counter()
    ask = build()
    indexed = time.perf_counter()
    answers, seconds = [], []
    for number, (question, history) in enumerate(work["questions"], start=1):
        began = time.perf_counter()
        answers.append(ask(question, history))
        seconds.append(time.perf_counter() - began)
        if number % 20 == 0:
            print(f"{name}: {number} of {len(work['questions'])}", file=sys.stderr, flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = {
        "load": loaded - STARTED,
        "index": indexed - loaded,
        "first": seconds[0],
        "seconds": seconds,
        "answers": answers,
        "peak_megabytes": peak / (1e6 if sys.platform == "darwin" else 1e3),
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)


if __name__ == "__main__":
    main(*sys.argv[1:4])
