"""Example questions that come from the corpus at hand, and that it answers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from rag.errors import RagError
from rag.language.english import ASKS, OF_OFFICES, ROLE
from rag.language.sentences import sentences
from rag.language.text import WORD
from rag.types import Answer, Document

_NAME = re.compile(r"\b[A-Z][\w’'-]+(?: (?:de |von |van |al-)?[A-Z][\w’'-]+)+")
MAX_ASKED = 10
"""Candidates that are tried out; each costs the time of one question."""


def example_questions(documents: Sequence[Document], ask: Callable[[str], Answer], count: int = 4) -> list[str]:
    """Up to `count` questions about the articles that `ask` answers, each with another answer."""
    found: dict[str, tuple[float, str]] = {}
    for tried, question in enumerate(_candidates(documents)):
        if len(found) >= count or tried >= MAX_ASKED:
            break
        try:
            answer = ask(question)
        except RagError:
            continue
        if not answer.abstained and answer.citations and answer.short_answer not in {s for _, s in found.values()}:
            found[question] = (answer.confidence, answer.short_answer)
    return list(found)


def _candidates(documents: Sequence[Document]) -> Iterator[str]:
    """Questions to try: those of titles, who-is questions about people with a role, those that articles ask."""
    titles = [d.title for d in documents if _fits(d.title)]
    people = [f"Who is {name}?" for name in _people(documents)]
    asked = [q for d in documents for q in _asked(d)]
    seen: set[str] = set()
    for group in zip(*(_padded(part, 6) for part in (asked, people, titles)), strict=True):
        for question in group:
            if question and question.casefold() not in seen:
                seen.add(question.casefold())
                yield question


def _padded(questions: Sequence[str], size: int) -> list[str]:
    return [*questions[:size], *[""] * (size - len(questions[:size]))]


def _fits(text: str) -> bool:
    """Whether a question of an article can be asked by whoever has not read it: short, and it names something."""
    first, *others = text.split() or [""]
    named = any(len(word) > 1 and word[0].isupper() for word in others)
    return (
        bool(ASKS.match(first)) and named and text.endswith("?") and len(others) in range(3, 16) and text.isprintable()
    )


def _asked(document: Document) -> list[str]:
    lines = (" ".join(document.text[a:b].split()) for a, b in sentences(document.text))
    return sorted({line for line in lines if _fits(line)}, key=len)


def _people(documents: Sequence[Document]) -> list[str]:
    """Names that stand near a role, the most frequent first; what is also written small ("The Russian") is none."""
    small = {word for document in documents for word in WORD.findall(document.text) if word.islower()}
    names: Counter[str] = Counter()
    for document in documents:
        for match in _NAME.finditer(document.text):
            near = document.text[max(0, match.start() - 40) : match.end() + 40]
            before = document.text[max(0, match.start() - 20) : match.start()].rsplit(None, 1)[-1:]
            if before and before[0].casefold() in OF_OFFICES:
                continue  # an office or a place, not a person
            if any(word.lower() in small for word in WORD.findall(match.group())):
                continue
            if ROLE.search(near) and not ROLE.search(match.group()):
                names[match.group()] += 1
    return [name for name, _ in names.most_common(6)]
