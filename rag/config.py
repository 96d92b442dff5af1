"""Settings with their defaults. Building one loads nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Literal, get_args

from rag.errors import RagError

Retrieval = Literal["hybrid", "dense", "lexical"]
Decision = Literal["calibrated", "margin"]


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """What makes an index. All but the size is in its manifest: an index that was made otherwise does not fit.

    Attributes
    ----------
    embedding_model : str
        "default" (all-MiniLM-L6-v2 from its PyPI package), or a sentence-transformers name or folder.
    query_prefix, passage_prefix : str
        What the embedding model expects before a query or a passage ("query: ").
    chunk_tokens : int
        Longest chunk, in the embedder's tokens, without the title and special tokens.
    overlap_sentences : int
        Whole sentences that a chunk repeats from the one before.
    max_file_megabytes : float
        Larger files are reported, not read.
    ocr : bool
        Whether pages of a PDF that are pictures are read (with the extra `ocr`), seconds each; else they are named.
    """

    embedding_model: str = "default"
    query_prefix: str = ""
    passage_prefix: str = ""
    chunk_tokens: int = 160
    overlap_sentences: int = 1
    max_file_megabytes: float = 25.0
    ocr: bool = False

    def made(self) -> dict[str, str | int | float]:
        """These settings alone, by name, without those that ask; a model's folder as it is found from anywhere."""
        made = {field.name: getattr(self, field.name) for field in fields(IndexSettings)}
        return made | {"embedding_model": from_anywhere(self.embedding_model)}


@dataclass(frozen=True, slots=True)
class Settings(IndexSettings):
    """What asks an index, beside what makes it.

    Attributes
    ----------
    reader : str
        "default" and "small" (the project's own), "sentence" (no weights), or a Hugging Face
        question-answering model's name or folder.
    candidates : int
        Chunks that each of dense and lexical search contribute to fusion.
    read : int
        Passages that the reader reads for one question.
    abstain_below : float
        Confidence from which an answer counts as one. What the default refuses is in the reader's card.
    perhaps_from : float
        Confidence from which what falls short of `abstain_below` is shown as what the articles may say; below, they do
        not say.
    retrieval : {"hybrid", "dense", "lexical"}
        How passages are found.
    rerank : bool
        Whether `retrieve` and the passages of an answer are ordered by the reader's score.
    spelling : bool
        Whether other spellings of names and typing errors are looked for.
    decide : {"calibrated", "margin"}
        How confidence is made: from all signals, or from the reader's margin alone. A reader that does not ship
        uses "margin" until `rag evaluate-reader` has fitted the weights of the signals to it.
    strict : bool
        Whether sentences of a language model that the articles do not support are left out; else they are marked.
    write_seconds : float
        Longest time that a language model may take for one answer.
    threads : int
        CPU threads for the models; 0 leaves the libraries' default.
    """

    reader: str = "default"
    candidates: int = 50
    read: int = 8
    abstain_below: float = 0.5
    perhaps_from: float = 0.45
    retrieval: Retrieval = "hybrid"
    rerank: bool = True
    spelling: bool = True
    decide: Decision = "calibrated"
    strict: bool = True
    write_seconds: float = 60.0
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse what would quietly be read as something else."""
        for name, given, kind in (("retrieval", self.retrieval, Retrieval), ("decide", self.decide, Decision)):
            if given not in get_args(kind):
                raise RagError(f"the setting {name} is {given!r}; expected {' or '.join(get_args(kind))}")


def from_anywhere(model: str) -> str:
    """A model's folder by its absolute path, which holds in every directory; another name as it is."""
    return os.path.abspath(model) if model != "default" and os.path.isdir(model) else model
