"""Answers out of plain dicts: what a browser kept comes back checked, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from rag.present.html import Exchange
from rag.serve.limits import MAX_KEPT
from rag.types import Account, Answer, Certainty, Chunk, Citation, Doubt, DoubtKind, ScoredChunk, Statement


def kept(exchanges: list[Exchange]) -> list[dict[str, Any]]:
    """The last exchanges as plain dicts, without paths of this machine."""
    return [
        {"question": e.question, "problem": e.problem, "answer": None if e.answer is None else record(e.answer)}
        for e in exchanges[-MAX_KEPT:]
    ]


def record(answer: Answer) -> dict[str, Any]:
    """An answer as plain dicts and lists, without paths of this machine."""
    made = answer.to_dict()
    for citation in [*made["citations"], *made["nearest"]]:
        del citation["source"]
    made["documents"] = {
        key: {"title": value.get("title"), "date": value.get("date")} for key, value in made["documents"].items()
    }
    return made


def restored(value: Any) -> list[Exchange]:
    """The exchanges in what a browser kept; whatever is malformed is left out."""
    made = []
    for entry in value[-MAX_KEPT:] if isinstance(value, list) else []:
        try:
            answer = None if entry["answer"] is None else _answer(entry["answer"])
            made.append(Exchange(_text(entry["question"]), answer, _text(entry["problem"])))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return made


def _answer(value: Mapping[str, Any]) -> Answer:
    return Answer(
        question=_text(value["question"]),
        understood=_text(value["understood"]),
        short_answer=_text(value["short_answer"]),
        text=_text(value["text"]),
        citations=tuple(_citation(c) for c in value["citations"]),
        confidence=float(value["confidence"]),
        abstained=bool(value["abstained"]),
        passages=tuple(_passage(p) for p in value["passages"]),
        accounts=tuple(
            Account(_text(a["short_answer"]), _text(a["text"]), _date(a["date"]), _numbers(a["citations"], value))
            for a in value["accounts"]
        ),
        documents={
            _text(key): {"title": _text(d["title"]), "date": _date(d["date"])} for key, d in value["documents"].items()
        },
        seconds={_text(key): float(seconds) for key, seconds in value["seconds"].items()},
        notes=tuple(_text(note) for note in value["notes"]),
        generator=_text(value["generator"]),
        statements=tuple(Statement(_text(s["text"]), _numbers(s["citations"], value)) for s in value["statements"]),
        certainty=_one_of(value["certainty"], get_args(Certainty)),
        doubts=tuple(
            Doubt(_one_of(d["kind"], get_args(DoubtKind)), tuple(_text(word) for word in d["missing"]))
            for d in value["doubts"]
        ),
        nearest=tuple(_citation(c) for c in value["nearest"]),
    )


def _citation(value: Mapping[str, Any]) -> Citation:
    return Citation(
        document_id=_text(value["document_id"]),
        title=_text(value["title"]),
        date=_date(value["date"]),
        source="",
        start=int(value["start"]),
        end=int(value["end"]),
        quote=_text(value["quote"]),
        score=float(value["score"]),
    )


def _passage(value: Mapping[str, Any]) -> ScoredChunk:
    chunk = value["chunk"]
    return ScoredChunk(
        Chunk(
            id=_text(chunk["id"]),
            document_id=_text(chunk["document_id"]),
            start=int(chunk["start"]),
            end=int(chunk["end"]),
            text=_text(chunk["text"]),
            title=_text(chunk["title"]),
            sentences=tuple((int(a), int(b)) for a, b in chunk["sentences"]),
        ),
        score=float(value["score"]),
        rank=int(value["rank"]),
        scores={_text(key): float(score) for key, score in value["scores"].items()},
    )


def _numbers(value: Any, answer: Mapping[str, Any]) -> tuple[int, ...]:
    numbers = tuple(int(n) for n in value)
    if not all(1 <= n <= len(answer["citations"]) for n in numbers):
        raise ValueError("a marker without its citation")
    return numbers


def _one_of(value: Any, known: tuple[Any, ...]) -> Any:
    if value not in known:
        raise ValueError(f"expected one of {known}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 100_000:
        raise ValueError("expected text")
    return value


def _date(value: Any) -> str | None:
    return None if value is None else _text(value)[:10]
