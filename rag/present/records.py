"""An Answer and its passages as plain records: what programs get over Gradio's API, as MCP tools and over HTTP."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic does not read typing's own before Python 3.12

from rag.types import Answer, ScoredChunk


class CitationRecord(TypedDict):
    """An exact quote: characters [start, end) of the document."""

    document_id: str
    title: str
    date: str | None
    start: int
    end: int
    quote: str


class AccountRecord(TypedDict):
    """One of several accounts that differ; `citations` are marker numbers from 1."""

    short_answer: str
    text: str
    date: str | None
    citations: list[int]


class PassageRecord(TypedDict):
    """A passage that was found: characters [start, end) of the document."""

    rank: int
    score: float
    document_id: str
    title: str
    start: int
    end: int
    text: str


class AnswerRecord(TypedDict):
    """An answer, or, where `abstained`, the statement that the articles do not say."""

    question: str
    understood: str
    abstained: bool
    short_answer: str
    text: str
    confidence: float
    citations: list[CitationRecord]
    accounts: list[AccountRecord]
    passages: list[PassageRecord]
    notes: list[str]
    seconds: float


def answer_record(answer: Answer) -> AnswerRecord:
    """An Answer for programs; it tells no path of this machine."""
    return AnswerRecord(
        question=answer.question,
        understood=answer.understood,
        abstained=answer.abstained,
        short_answer=answer.short_answer,
        text=answer.text,
        confidence=float(answer.confidence),
        citations=[
            CitationRecord(
                document_id=c.document_id, title=c.title, date=c.date, start=c.start, end=c.end, quote=c.quote
            )
            for c in answer.citations
        ],
        accounts=[
            AccountRecord(short_answer=a.short_answer, text=a.text, date=a.date, citations=list(a.citations))
            for a in answer.accounts
        ],
        passages=[passage_record(passage) for passage in answer.passages],
        notes=list(answer.notes),
        seconds=float(answer.seconds.get("total", 0.0)),
    )


def passage_record(passage: ScoredChunk) -> PassageRecord:
    """A passage for programs."""
    chunk = passage.chunk
    return PassageRecord(
        rank=passage.rank,
        score=float(passage.score),
        document_id=chunk.document_id,
        title=chunk.title,
        start=chunk.start,
        end=chunk.end,
        text=chunk.text,
    )
