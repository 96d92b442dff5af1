"""A conversation as Markdown and as JSON, with its citations. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from rag.present.html import Exchange, likelihood, percent
from rag.present.overview import overview_text
from rag.present.text import (
    DIFFERING,
    NEAREST,
    PERHAPS,
    UNSUPPORTED,
    account_head,
    doubt_words,
    paragraphs,
    unsaid,
    written_date,
    written_page,
)
from rag.present.words import gettext as _
from rag.types import Answer, Citation, Overview, Statement

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~$&:@^=-])")


def as_json(exchanges: Sequence[Mapping[str, Any]]) -> str:
    """The conversation, its exchanges as plain dicts with all that is known of each answer; indented, as it is."""
    made = {"format": "rag-conversation", "version": 1, "exchanges": list(exchanges)}
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"


def as_markdown(exchanges: Sequence[Exchange]) -> str:
    """The conversation to read or paste, with the quotes as footnotes.

    Text of articles and questions is escaped: it shows as it is and makes no link, image, HTML, maths or footnote.
    """
    parts = ["# " + _("Conversation")]
    notes = []
    number = 0
    for entry in exchanges:
        parts.append(f"## {inline(entry.question)}")
        if entry.scope:
            parts.append("*" + _("Asked of the articles %(scope)s") % {"scope": inline(entry.scope)} + "*")
        came = entry.came
        if came is None:
            parts.append(f"*{inline(entry.problem)}*")
            continue
        parts += _overview(came, number) if isinstance(came, Overview) else _answer(came, number)
        notes += [_note(number + n, citation) for n, citation in enumerate(came.citations, start=1)]
        number += len(came.citations)
    return "\n\n".join(parts + notes) + "\n"


def inline(text: str) -> str:
    """Text on one line in which Markdown finds nothing to act on."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _answer(answer: Answer, before: int) -> list[str]:
    parts = []
    if answer.understood.strip() != answer.question.strip():
        parts.append("*" + _("Understood as: %(question)s") % {"question": inline(answer.understood)} + "*")
    if answer.certainty == "not said":
        nearest = [f"- {_source(citation)}" for citation in answer.nearest]
        return [*parts, unsaid(answer), *([_(NEAREST), *nearest] if nearest else [])]
    if answer.certainty == "perhaps":
        parts.append(_(PERHAPS))
    elif answer.accounts:
        parts.append(_(DIFFERING))
    else:
        parts.append(f"**{inline(answer.short_answer)}**")
    heads = [f"{account_head(account.date)}: " for account in answer.accounts] or [""] * len(answer.statements)
    for head, statements in zip(heads, paragraphs(answer), strict=bool(answer.accounts)):
        parts.append(head + " ".join(_statement(statement, before) for statement in statements))
    parts += [inline(doubt_words(doubt)) for doubt in answer.doubts]
    if answer.certainty == "answered":
        parts.append(_("Confidence:") + f" {likelihood(answer.confidence)} ({percent(answer.confidence)})")
    return parts


def _overview(overview: Overview, before: int) -> list[str]:
    if not overview.citations:
        return [inline(overview_text(overview))]
    return [
        f"- {written_date(citation.date)}: {inline(citation.quote)} [^{before + number}]"
        for number, citation in enumerate(overview.citations, start=1)
    ]


def _statement(statement: Statement, before: int) -> str:
    notes = "".join(f"[^{before + n}]" for n in statement.citations) or inline(_(UNSUPPORTED))
    return f"{inline(statement.text)} {notes}"


def _note(number: int, citation: Citation) -> str:
    return f"[^{number}]: {_source(citation)}"


def _source(citation: Citation) -> str:
    characters = _("characters %(first)d–%(last)d") % {"first": citation.start, "last": citation.end}
    place = f"{inline(citation.document_id)}{written_page(citation)}, {characters}"
    return f"{inline(citation.title)}, {written_date(citation.date)} ({place}): “{inline(citation.quote)}”"
