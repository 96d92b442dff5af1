"""Answers, passages and checks as plain records: what programs get over Gradio, as MCP tools and over HTTP."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic does not read typing's own before Python 3.12

from rag.present.text import fate
from rag.types import Answer, Certainty, Check, Citation, DoubtKind, ScoredChunk


class CitationRecord(TypedDict):
    """An exact quote: characters [start, end) of the document; `page` from 1, where the format has pages."""

    document_id: str
    title: str
    date: str | None
    start: int
    end: int
    quote: str
    page: int | None


class AccountRecord(TypedDict):
    """One of several accounts that differ; `text` is without markers, `citations` are their numbers from 1."""

    short_answer: str
    text: str
    date: str | None
    citations: list[int]


class StatementRecord(TypedDict):
    """What an answer says in one place, without markers; `citations` are marker numbers from 1."""

    text: str
    citations: list[int]


class DoubtRecord(TypedDict):
    """Why an answer is "perhaps": its passage lacks a "name" or "figure", leaves yes or no (the "word") open, seems
    to make a "denial", or is in another "language" than the reader has learned."""

    kind: DoubtKind
    missing: list[str]


class PassageRecord(TypedDict):
    """A passage that was found: characters [start, end) of the document; `page` is that on which it begins, from 1."""

    rank: int
    score: float
    document_id: str
    title: str
    start: int
    end: int
    text: str
    page: int | None


class CheckRecord(TypedDict):
    """What the articles say of one sentence: characters [start, end) of the text that was checked.

    `verdict` is "supported" or "contradicted" (by the `citations`), "not stated" (with the `nearest` sentences, which
    neither support nor deny it) or "no claim" for a question, a heading or a text that states nothing. `note` says why
    a sentence was not looked for.
    """

    statement: str
    verdict: str
    probability: float
    citations: list[CitationRecord]
    nearest: list[CitationRecord]
    start: int
    end: int
    note: str


class SentenceRecord(CheckRecord):
    """A sentence that a language model wrote: "kept" in the answer, "marked" there as unsupported, or "dropped"."""

    fate: str


class AnswerRecord(TypedDict):
    """An answer, or, where `abstained`, the statement that the articles do not say.

    `certainty` is "answered", "perhaps" (what the articles may say, with `doubts`; `abstained` is true) or "not said"
    (with the `nearest` sentences, which are no answer). `to_program` is true of a question to the program itself, for
    which no article was searched. `draft` is what a language model wrote, sentence by sentence, and how each fared.
    """

    question: str
    understood: str
    abstained: bool
    certainty: Certainty
    short_answer: str
    text: str
    confidence: float
    citations: list[CitationRecord]
    statements: list[StatementRecord]
    accounts: list[AccountRecord]
    doubts: list[DoubtRecord]
    nearest: list[CitationRecord]
    draft: list[SentenceRecord]
    passages: list[PassageRecord]
    notes: list[str]
    to_program: bool
    seconds: float


class CheckedRecord(TypedDict):
    """A text as it was read, and each of its sentences, in order."""

    text: str
    checks: list[CheckRecord]


def answer_record(answer: Answer) -> AnswerRecord:
    """An Answer for programs; it tells no path of this machine."""
    return AnswerRecord(
        question=answer.question,
        understood=answer.understood,
        abstained=answer.abstained,
        certainty=answer.certainty or "not said",
        short_answer=answer.short_answer,
        text=answer.text,
        confidence=float(answer.confidence),
        citations=[citation_record(c) for c in answer.citations],
        statements=[StatementRecord(text=s.text, citations=list(s.citations)) for s in answer.statements],
        accounts=[
            AccountRecord(short_answer=a.short_answer, text=a.text, date=a.date, citations=list(a.citations))
            for a in answer.accounts
        ],
        doubts=[DoubtRecord(kind=d.kind, missing=list(d.missing)) for d in answer.doubts],
        nearest=[citation_record(c) for c in answer.nearest],
        draft=[SentenceRecord(**check_record(check), fate=fate(answer, check)) for check in answer.draft],
        passages=[passage_record(passage) for passage in answer.passages],
        notes=list(answer.notes),
        to_program=answer.to_program,
        seconds=float(answer.seconds.get("total", 0.0)),
    )


def citation_record(c: Citation) -> CitationRecord:
    """A citation for programs."""
    return CitationRecord(
        document_id=c.document_id, title=c.title, date=c.date, start=c.start, end=c.end, quote=c.quote, page=c.page
    )


def check_record(check: Check) -> CheckRecord:
    """A Check for programs; it tells no path of this machine."""
    return CheckRecord(
        statement=check.statement,
        verdict=check.verdict,
        probability=float(check.probability),
        citations=[citation_record(c) for c in check.citations],
        nearest=[citation_record(c) for c in check.nearest],
        start=check.start,
        end=check.end,
        note=check.note,
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
        page=passage.page,
    )
