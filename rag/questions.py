"""What kind of answer a question asks for, and whether a span is of that kind. Rules, no model."""

from __future__ import annotations

import re
from typing import Literal

from rag.text import fold

Kind = Literal["person", "number", "date", "place", "reason", "list", "other"]

_KINDS: list[tuple[Kind, re.Pattern[str]]] = [
    ("list", re.compile(r"^(?:list|name (?:all|the|some)|enumerate)\b|\b(?:which|what) (?:\w+ ){0,2}?(?:are|were|have|include)\b"
                        r"|\b(?:which|what) (?:other )?(?:countries|officials|people|ministers|topics|subjects|issues|places|cities"
                        r"|nations|organi[sz]ations|positions|wars|media|agencies|sources|groups|themes|allies)\b"
                        r"|\bwho (?:else|all|are|were|attended)\b")),
    ("number", re.compile(r"\bhow (?:many|much|old|long|often|far|big|large|tall)\b|\bwhat (?:number|percentage|share|age|amount)\b")),
    ("date", re.compile(r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:day|date|year|month|time)\b|\bsince when\b|\bhow long ago\b")),
    ("reason", re.compile(r"\bwhy\b|\bwhat (?:\w+ ){0,2}?(?:reasons?|purpose|aim|goal|motive|objective|cause)\b|\bhow come\b|\bwhat for\b")),
    ("person", re.compile(r"\bwho(?:m|se)?\b|\bwhich (?:man|woman|person|official|minister|general|president)\b")),
    ("place", re.compile(r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:country|city|place|capital|town|nation|continent)\b")),
]  # fmt: skip
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?|billions?"
    r"|several|few|couple|half|twice|once|first|second|third)\b", re.IGNORECASE
)  # fmt: skip
_TIME = re.compile(
    r"\d|\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|today|yesterday|tomorrow|year|years|month|months|week|weeks|day|days|century"
    r"|ago|last|next|during|after|before|when|spring|summer|autumn|winter|morning|night|early|late)\b", re.IGNORECASE
)  # fmt: skip


def kind_of(question: str) -> Kind:
    """The kind of answer asked for; "other" when no rule tells."""
    folded = fold(question)
    return next((kind for kind, pattern in _KINDS if pattern.search(folded)), "other")


def fits(kind: Kind, span: str) -> float:
    """1.0 when a span can be an answer of that kind, 0.0 when it cannot, 0.5 when no rule tells."""
    if kind == "number":
        return float(bool(_NUMBER.search(span)))
    if kind == "date":
        return float(bool(_TIME.search(span)))
    if kind in ("person", "place"):
        return float(any(character.isupper() for character in span) and not span.strip().isdigit())
    if kind == "reason":
        return float(len(span.split()) >= 3)
    return 0.5
