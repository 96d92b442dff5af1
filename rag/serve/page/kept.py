"""Answers out of plain dicts: what a browser kept comes back checked, or not at all."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from rag.present.html import Exchange
from rag.serve.limits import MAX_KEPT
from rag.serve.page.sessions import OWN
from rag.types import Answer, Overview


def kept(exchanges: list[Exchange]) -> list[dict[str, Any]]:
    """The last exchanges as plain dicts, without paths of this machine.

    What came from a session's own articles is left out: a browser would hold it for longer than the session.
    """
    return [
        {
            "question": e.question,
            "problem": e.problem,
            "scope": e.scope,
            "answer": None if e.answer is None else record(e.answer),
            "overview": None if e.overview is None else _without_paths(e.overview.to_dict()),
        }
        for e in [e for e in exchanges if not _is_private(e)][-MAX_KEPT:]
    ]


def _is_private(exchange: Exchange) -> bool:
    used = [c.document_id for c in exchange.came.citations] if exchange.came else []
    if exchange.answer is not None:
        used += [p.chunk.document_id for p in exchange.answer.passages]
    return any(document_id.startswith(OWN) for document_id in used)


def record(answer: Answer) -> dict[str, Any]:
    """An answer as plain dicts and lists, without paths of this machine."""
    made = _without_paths(answer.to_dict())
    made["documents"] = {
        key: {"title": value.get("title"), "date": value.get("date")} for key, value in made["documents"].items()
    }
    return made


def _without_paths(made: dict[str, Any]) -> dict[str, Any]:
    for holder in [made, *made.get("draft", ())]:
        for citation in [*holder["citations"], *holder.get("nearest", ())]:
            del citation["source"]
    return made


class _Kept(BaseModel):
    """One exchange as a browser kept it: of the right types and sizes, each marker with its citation."""

    model_config = ConfigDict(str_max_length=100_000, allow_inf_nan=False)

    question: str
    answer: Answer | None
    problem: str
    overview: Overview | None = None
    scope: str = ""

    @field_validator("answer", "overview", mode="before")
    @classmethod
    def _with_empty_paths(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        with_drafts = {"draft": [_with_sources(check) for check in value["draft"]]} if "draft" in value else {}
        return _with_sources(value) | with_drafts

    @field_validator("answer")
    @classmethod
    def _with_citations(cls, answer: Answer | None) -> Answer | None:
        if answer is not None:
            marked = [part.citations for part in answer.statements] + [part.citations for part in answer.accounts]
            if not all(1 <= n <= len(answer.citations) for numbers in marked for n in numbers):
                raise ValueError("a marker without its citation")
        return answer


def _with_sources(value: dict[str, Any]) -> dict[str, Any]:
    """An answer, an overview or a check with empty paths in its citations, from which `record` took them."""
    return value | {
        name: [dict(c) | {"source": ""} for c in value[name]] for name in ("citations", "nearest") if name in value
    }


def restored(value: Any) -> list[Exchange]:
    """The exchanges in what a browser kept; whatever is malformed is left out."""
    made = []
    for entry in value[-MAX_KEPT:] if isinstance(value, list) else []:
        try:
            kept_one = _Kept.model_validate(entry)
        except (ValidationError, TypeError, ValueError):
            continue
        made.append(Exchange(kept_one.question, kept_one.answer, kept_one.problem, kept_one.overview, kept_one.scope))
    return [e for e in made if not _is_private(e)]  # an older version let a browser keep them
