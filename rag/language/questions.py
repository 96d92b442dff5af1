"""What kind of answer a question asks for, and whether a span is of that kind. Rules, no model."""

from __future__ import annotations

import calendar
import re
from typing import Literal

from rag.language.text import fold

Kind = Literal["person", "money", "number", "date", "place", "reason", "list", "other"]

# "which countries", "what other topics": a plural after at most two words that are no verbs.
_VERB = "does|is|was|has|did|do|were|are|had|have|can|could|would|will|of"
_PLURAL = rf"\b(?:which|what) (?:(?!(?:{_VERB})\b)[\w-]+ ){{0,2}}?(?!(?:{_VERB}|news|process)\b)[a-z]{{3,}}[^suia\W]s\b"
_RULES: tuple[tuple[Kind, str], ...] = (
    ("list", r"^(?:list|name (?:all|the|some)|enumerate)\b|\b(?:which|what) (?:people|media)\b"),
    ("list", r"\b(?:which|what) (?:\w+ ){0,2}?(?:are|were|have|include)\b|\bwho (?:else|all|are|were|attended)\b"),
    ("list", _PLURAL),
    ("money", r"\bhow much (?:\w+ )*(?:cost|costs|pay|pays|paid|payed|earn|earns|earned|worth|spend|spent|spends)\b"),
    ("number", r"\bhow (?:many|much|old|long|often|far|big|large|tall)\b"),
    ("number", r"\bwhat (?:number|percentage|share|age|amount)\b"),
    ("date", r"\bwhen\b|\b(?:what|which) (?:\w+ )?(?:day|date|year|month|time)\b|\bhow long ago\b"),
    ("reason", r"\bwhy\b|\bwhat (?:\w+ ){0,2}?(?:reasons?|purpose|aim|goal|motive|objective|cause)\b"),
    ("reason", r"\bhow come\b|\bwhat for\b"),
    ("person", r"\bwho(?:m|se)?\b|\bwhich (?:man|woman|person|official|minister|general|president)\b"),
    ("place", r"\bwhere\b|\b(?:what|which) (?:\w+ )?(?:country|city|place|capital|town|nation|continent)\b"),
)
_KINDS = [(kind, re.compile(pattern)) for kind, pattern in _RULES]
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?"
    r"|billions?|several|few|couple|half|twice|once)\b", re.IGNORECASE
)  # fmt: skip
_MONEY = re.compile(
    r"[$€£¥₽]|\b(?:dollars?|euros?|pounds?|pesos?|rubles?|roubles?|yen|yuan|francs?|crowns?|cents?|USD|EUR|GBP|millions?"
    r"|billions?|thousands?|free|nothing)\b", re.IGNORECASE
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


_REASON = re.compile(
    r"(?:to|because|due to|owing to|in order|for|since|so that|as|at the invitation|invited|aim(?:ed|s|ing)?|purpose"
    r"|reason|after|following|thanks to|with a view)\b",
    re.IGNORECASE,
)
_REASON_BEFORE = re.compile(
    r"\b(?:to|because(?: of)?|due to|owing to|in order to|for|aim(?:ed)? (?:of|at|to)|purpose (?:of|was)"
    r"|reasons? (?:is|was|for)|so that|in response to|thanks to)\W*$",
    re.IGNORECASE,
)


def fits(kind: Kind, span: str, before: str = "") -> float:
    """1.0 when a span can be an answer of that kind, 0.0 when it cannot, 0.5 when no rule tells.

    `before` is what the sentence says ahead of the span.
    """
    if kind == "number":
        return float(bool(_NUMBER.search(span)))
    if kind == "money":
        return float(bool(_MONEY.search(span)))
    if kind == "date":
        return float(bool(_TIME.search(span)))
    if kind in ("person", "place"):
        return float(any(character.isupper() for character in span) and not span.strip().isdigit())
    if kind == "reason":
        if _REASON.match(span.strip()) or _REASON_BEFORE.search(before):
            return 1.0
        return 0.5 if len(span.split()) >= 4 else 0.0
    return 0.5


_MONTHS = [month.lower() for month in calendar.month_name]
_DATED = re.compile(
    rf"(?:\b(?:in|on|of|during|from) )?(?:\d{{1,2}} )?(?:\b(?P<month>{'|'.join(_MONTHS[1:])}) (?:\d{{1,2}}, )?)?"
    r"\b(?P<year>(?:19|20)\d\d)\b,?",
    re.IGNORECASE,
)


def without_date(question: str, date: str | None) -> str:
    """The question without the one date it names, where that is the date of the article about to be read.

    "Why did he travel in June 2023?" is "Why did he travel?" to an article of 2023-06-30, which need not repeat its
    own date in every sentence. `date` is ISO 8601.
    """
    named = list(_DATED.finditer(question))
    if len(named) != 1 or not date or named[0]["year"] != date[:4]:
        return question
    month = (named[0]["month"] or "").lower()
    if month and date[5:7] and _MONTHS.index(month) != int(date[5:7]):
        return question
    left = f"{question[: named[0].start()]} {question[named[0].end() :]}"
    return re.sub(r" (?=[?.,!])", "", " ".join(left.split()))
