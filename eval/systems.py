"""What is scored: the chatbot through the function people call, its reader alone, or any other callable."""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.datasets import Dataset, DatasetError, Question
from eval.evidence import TextOf
from rag.config import Settings
from rag.types import Chunk, Document

if TYPE_CHECKING:
    from rag.models.embedding import Embedder
    from rag.parts import Parts
    from rag.pipeline import Chatbot

Answerer = Callable[[Question], dict[str, Any]]
RANKED = 100  # passages fetched where retrieval alone is judged


def settings_from(pairs: Iterable[str]) -> Settings:
    """Settings with NAME=VALUE changed, each value read as its setting's type.

    Raises
    ------
    DatasetError
        No such setting, or a value that does not fit.
    """
    kinds: dict[str, type] = {field.name: type(getattr(Settings(), field.name)) for field in fields(Settings)}
    changed: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or name not in kinds:
            raise DatasetError(f"got --setting {pair!r}, expected NAME=VALUE with one of {', '.join(kinds)}")
        try:
            kind = kinds[name]
            changed[name] = {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
        except (KeyError, ValueError) as error:
            raise DatasetError(f"got --setting {pair!r}, expected {kinds[name].__name__} for {name}") from error
    return Settings(**changed)


def weights(settings: Settings) -> dict[str, str]:
    """File -> start of its sha256, of the project's own weights that a run with these settings uses."""
    from rag.models.reader import CLAIMS, SHIPPED

    if settings.reader not in SHIPPED:
        return {}
    files = [SHIPPED[settings.reader] / name for name in ("model.safetensors", "confidence.json")]
    if settings.reader == "default":
        files.append(CLAIMS / "change.safetensors")
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files}


def chatbot(dataset: Dataset, settings: Settings, parts: Parts | None = None) -> Answerer:
    """The project's chatbot over the data set's corpus, built before the first question."""
    bot = build_bot(dataset, settings, parts)

    def answer(question: Question) -> dict[str, Any]:
        if not dataset.answers:
            return {"passages": [asdict(passage) for passage in bot.retrieve(question.question, k=RANKED)]}
        return dict(bot.ask(question.question, history=list(question.history)).to_dict())

    return answer


def build_bot(dataset: Dataset, settings: Settings, parts: Parts | None = None) -> Chatbot:
    """A chatbot over the data set's folder or its own documents, its index made anew."""
    from rag.pipeline import Chatbot

    if dataset.corpus is None:
        return Chatbot.from_documents(dataset.documents, settings=settings, parts=parts)
    folder = tempfile.mkdtemp(prefix="eval-index-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Chatbot.from_directory(dataset.corpus, settings=settings, index_folder=folder, parts=parts)


def gold_reader(dataset: Dataset, settings: Settings) -> Answerer:
    """The reader alone on each question's gold passage; it answers where its margin is positive.

    Confidence is the logistic function of the margin: a ranking, not calibrated. `span` keeps the
    best span where the reader refuses.
    """
    from rag.language.sentences import sentences
    from rag.parts import Parts

    reader = Parts.load(settings).reader
    documents = {document.id: document for document in dataset.documents}

    def answer(question: Question) -> dict[str, Any]:
        if question.passage_id not in documents:
            raise DatasetError(f"question {question.id} names no passage to read: leave --gold-passage out")
        document = documents[question.passage_id]
        text = document.text
        chunk = Chunk(document.id, document.id, 0, len(text), text, document.title, tuple(sentences(text)))
        span = reader.read(question.question, [chunk])[0]
        answers = span.score > 0
        return {
            "short_answer": span.text if answers else "",
            "abstained": not answers,
            "confidence": 1 / (1 + math.exp(-max(-500.0, span.score))),
            "span": span.text,
            "margin": max(-1e9, span.score),
            "citations": None,
        }

    return answer


def imported(path: str) -> Answerer:
    """A callable `question, history -> dict` named "module:function"; the working directory is searched too.

    The dict may hold what an `Answer` holds; all but `short_answer` may be left out. Numbers may be NumPy's. An answer
    that cannot be kept as JSON, or that names no `document_id` for a citation or a passage, or no
    `citations` for a statement, is an error.
    """
    module, separator, name = path.partition(":")
    if not separator:
        raise DatasetError(f"got --system {path!r}, expected module:function")
    sys.path.insert(0, str(Path.cwd()))
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise DatasetError(f"--system {path!r} cannot be imported: {error}") from error

    def answer(question: Question) -> dict[str, Any]:
        said = function(question.question, list(question.history))
        plain = dict(json.loads(json.dumps(said, default=lambda value: value.item(), allow_nan=False)))
        for part in ("citations", "passages"):
            if any("document_id" not in place.get("chunk", place) for place in plain.get(part) or ()):
                raise ValueError(f"one of its {part} has no document_id")
        if not all(
            isinstance(one, dict) and isinstance(one.get("citations"), list) for one in plain.get("statements") or ()
        ):
            raise ValueError("one of its statements has no citations")
        return plain

    return answer


def texts(dataset: Dataset) -> TextOf:
    """Document id -> verbatim text, read from the corpus itself and not from what a system says of it."""
    if dataset.corpus is None:
        return {document.id: document.text for document in dataset.documents}.get
    return {document.id: document.text for document in read_corpus(dataset.corpus)}.get


def cut(documents: Iterable[Document], embedder: Embedder, settings: Settings | None = None) -> list[Chunk]:
    """The chunks of documents as the chatbot cuts them, with its own settings or others."""
    from rag.articles.chunking import chunk_document

    own = settings or Settings()
    return [
        chunk
        for document in documents
        for chunk in chunk_document(document, embedder.token_offsets, own.chunk_tokens, own.overlap_sentences)
    ]


def read_corpus(folder: Path) -> list[Document]:
    """The documents of a folder as the chatbot reads them; a file that cannot be read is left out."""
    from rag.articles.documents import find_files, read_document
    from rag.errors import DocumentError

    documents = []
    for document_id, path in find_files([folder]):
        with suppress(DocumentError):
            documents.append(read_document(path, document_id, int(Settings().max_file_megabytes * 1e6)))
    return documents
