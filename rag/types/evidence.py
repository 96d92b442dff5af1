"""Passages that were found, spans that were read in them, and quotes made of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.types.articles import Chunk


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A chunk found for a query.

    Attributes
    ----------
    chunk : Chunk
    score : float
        The score it is ranked by; higher is better.
    rank : int
        Starts at 1.
    scores : Mapping[str, float]
        What each stage gave it: "dense" (cosine), "lexical" (BM25), "fused", "reader" (logit).
    duplicates : tuple of str
        Ids of near-identical chunks that were left out of the list in its favour.
    page : int or None
        Page on which the chunk begins, from 1; None for formats without pages.
    """

    chunk: Chunk
    score: float
    rank: int
    scores: Mapping[str, float] = field(default_factory=dict)
    duplicates: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reader says of a whole passage and of the question, all as logits.

    Attributes
    ----------
    support : float
        That the passage answers the question, or supports the claim, somewhere: all its spans together over nothing.
    denial : float
        That it denies the claim, or what a yes-no question asks.
    polar : float
        That the question asks for yes or no.
    many : float
        That the question asks for a list.
    """

    support: float
    denial: float
    polar: float
    many: float


@dataclass(frozen=True, slots=True)
class Span:
    """A reader's best answer in one chunk.

    `start` and `end` count characters of the document. `score` is the logit margin of the span
    over "this passage does not answer": comparable across passages, positive when it answers.
    `alternatives` are further spans of the same chunk that do not overlap it, best first. `judgement` is there where
    the reader gives one.
    """

    chunk_id: str
    document_id: str
    start: int
    end: int
    text: str
    score: float
    alternatives: tuple[Span, ...] = ()
    judgement: Judgement | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """An exact quote: `document.text[start:end] == quote`. Made by `rag.answering.citations.cite` alone.

    `page` is that on which the quote begins, counted from 1; None for formats without pages.
    """

    document_id: str
    title: str
    date: str | None
    source: str
    start: int
    end: int
    quote: str
    score: float
    page: int | None = None
