"""How readers are asked: what stands around a question, a claim and a passage, in training as in reading."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rag.language.text import WORD, content_words, words
from rag.types import Chunk

MAX_CONTEXT = 240  # characters of what was asked before; together with a question they have to fit in 96 tokens


def lead_of(_: str, chunk: Chunk) -> str:
    """What the project's reader reads before a passage: of whom and when it tells, which it need not repeat itself."""
    return lead(chunk.title, chunk.date)


def lead(title: str, date: str | None) -> str:
    """Title and, where known, date of a passage, as they stand before it in training and in reading."""
    if not title:
        return ""
    return f"{title} ({date}): " if date else f"{title}: "


def with_stops(chunk: Chunk) -> str:
    """The text of a chunk, of the same length, with a full stop where a unit ends its line without any mark.

    The network sees no line ends: an item "Dahl resigns" before "2 March: Moe opens an inquiry" would be "Dahl resigns
    2 March". No span runs over such a stop.
    """
    text = list(chunk.text)
    for (_, end), (start, _) in pairwise(chunk.sentences):
        if "\n" in chunk.between(end, start) and chunk.between(end - 1, end).isalnum():
            text[end - chunk.start] = "."
    return "".join(text)


def as_question(claim: str) -> str:
    """A claim asked as the project's reader was trained to be asked: it then points at what decides, for or against."""
    return f"Is it true that {claim[:1].lower()}{claim[1:].rstrip('. ')}?"


def in_conversation(question: str, earlier: Sequence[tuple[str, str]]) -> str:
    """A question behind the ones before it, oldest first, each with its short answer, empty where none is known.

    As the project's reader is trained to be asked: "(Who runs the mill? Ilse Korn.) Since when?". The latest stay that
    `MAX_CONTEXT` characters hold.
    """
    context = ""
    for asked, answer in reversed(earlier):
        told = f"{asked.rstrip('? ')}?"
        if len(told) + len(context) >= MAX_CONTEXT:
            break
        if answer.strip() and len(told) + len(answer) + len(context) + 2 < MAX_CONTEXT:
            told += f" {answer.rstrip('. ')}."
        context = f"{told} {context}" if context else told
    return behind(context, question)


def behind(before: str, text: str) -> str:
    """A question or claim behind what it may lean on, as the project's reader is asked; alone where that is empty."""
    return f"({before}) {text}" if before else text


def told_before(asked: str, text: str) -> str:
    """What `behind` put a question or claim behind; empty where `asked` is not made so."""
    before = asked.removesuffix(text).rstrip()[1:-1]
    return before if asked == behind(before, text) else ""


def title_if_missing(question: str, chunk: Chunk) -> str:
    """The title, before a passage that lacks a name of the question which the title has; else nothing.

    For readers that were trained without titles. "In 1913 she married" answers "Whom did Castellane marry?" only to a
    reader who knows whom the article is about.
    """
    named = {word for match in WORD.finditer(question) if match.group()[0].isupper() for word in words(match.group())}
    missing = named.intersection(content_words(question)).difference(words(chunk.text))
    return f"{chunk.title}. " if missing.intersection(words(chunk.title)) else ""
