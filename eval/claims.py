"""Sentences made from the fixed set for the verifier: true ones, false in one fact, and beside the subject."""

from __future__ import annotations

import calendar
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eval.datasets import Question
from rag.answering.confidence import covered
from rag.language.clauses import FORMS_OF_BE, parse
from rag.language.facts import facts
from rag.language.sentences import sentences
from rag.language.text import content_words
from rag.types import Chunk

_MONTHS = list(calendar.month_name)[1:]
_WEEKDAYS = list(calendar.day_name)
_DAY = re.compile(rf"\b(?:(\d{{1,2}}) ({'|'.join(_MONTHS)})|({'|'.join(_MONTHS)}) (\d{{1,2}}))\b")
_FIGURE = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?=\b|st\b|nd\b|rd\b|th\b)")
_SPELLED = {"2": "two", "3": "three", "4": "four", "5": "five", "10": "ten", "80": "eighty", "5,000": "five thousand"}
_AUXILIARY = re.compile(r"\b(is|was|are|were|has|have|had|will|would|can|could|may|might|must)\b(?! not)")
_PAST = re.compile(r"(?<!the )(?<!a )\b([a-z]{3,}ed)\b(?= (?:a|an|the|that|to|in|with|his|its|and|[A-Z]))")
_VERB = re.compile(r"(?<=[\w)”]) (?:is|was|are|were|has|have|had|will|met|said|gave|took|made|came|[a-z]{3,}ed) ")
_NEGATION = re.compile(r"\b(?:did|does|do) not (\w+)|\b(not|never) ")


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence with the passage that it is checked against; `made` says how it came to be."""

    text: str
    passage: Chunk
    date: str | None
    true: bool
    made: str
    question_id: str


def made_claims(
    questions: Sequence[Question], chunks: Sequence[Chunk], dates: dict[str, str | None], seed: int = 7
) -> list[Claim]:
    """True sentences about the questions' evidence, and false ones that differ from a true one in a single fact.

    Parameters
    ----------
    questions : sequence of Question
        Of one half; those without an answer give nothing.
    chunks : sequence of Chunk
        Of the whole corpus.
    dates : dict
        Date of each document by its id.
    seed : int
        Of the choice of wrong names and figures.
    """
    rng = random.Random(seed)
    names = sorted({name for chunk in chunks for name in facts(chunk.text).names if len(name) > 3})
    claims: dict[tuple[str, str], Claim] = {}
    for question in questions:
        for evidence in question.evidence[:2]:
            own = (c for c in chunks if c.document_id == evidence.document_id and evidence.quote in c.text)
            chunk = next(own, None)
            if chunk is None or not question.answerable:
                continue
            true = dict(_true(question, evidence.quote))
            for text, made in true.items():
                claims[text, chunk.id] = Claim(text, chunk, dates[chunk.document_id], True, made, question.id)
                wrong = [w for w in _false(text, chunk, names, rng) if w[0] not in true and w[0] not in chunk.text]
                if wrong:
                    changed, how = rng.choice(wrong)
                    claims[changed, chunk.id] = Claim(changed, chunk, dates[chunk.document_id], False, how, question.id)
                if extended := _extended(text, chunks, rng):
                    claims[extended, chunk.id] = Claim(
                        extended, chunk, dates[chunk.document_id], False, "clause added", question.id
                    )
                others = [c for c in chunks if c.document_id != chunk.document_id and not _shares(text, c.text)]
                if others:
                    other = rng.choice(others)
                    claims[text, other.id] = Claim(
                        text, other, dates[other.document_id], False, "another passage", question.id
                    )
                    invented = _renamed(text, other, rng)
                    if invented and not _shares(invented, other.text):
                        claims[invented, other.id] = Claim(
                            invented, other, dates[other.document_id], False, "invented of its names", question.id
                        )
    return list(claims.values())


def _shares(claim: str, text: str) -> bool:
    """Whether a text may say the same: it has most of the claim's content words."""
    return covered(content_words(claim), text) > 0.5


def _true(question: Question, quote: str) -> Iterator[tuple[str, str]]:
    start, end = max(sentences(quote), key=lambda place: place[1] - place[0])
    sentence = quote[start:end]
    yield sentence, "quoted"
    pieces = re.split(r"(?<=\w), (?=\w)", sentence)
    if len(pieces) > 1 and len(pieces[0].split()) >= 7:
        yield pieces[0].rstrip(".") + ".", "shortened"
    rewritten = _other_form(sentence)
    if rewritten != sentence:
        yield rewritten, "other form"
    for answer in question.answers[:2]:
        if not question.history and (stated := _stated(question.question, answer)):
            yield stated, "stated"


def _other_form(text: str) -> str:
    """Dates and figures written in another way."""
    text = _DAY.sub(lambda m: f"{m[2]} {m[1]}" if m[1] else f"{m[4]} {m[3]}", text)
    text = text.replace("80th", "eightieth")
    return re.sub(r"(?<![\w.,])\d[\d,]*(?![\w.,])", lambda m: _SPELLED.get(m.group(), m.group()), text)


def _stated(question: str, answer: str) -> str:
    """Question and answer as one statement; empty where no rule can tell."""
    clause = parse(question)
    answer = answer.strip().rstrip(".")
    if len(answer.split()) > 10 or len(question.split()) > 14 or re.search(r",|\bor\b", question + answer):
        return ""
    if clause.gap == "subject":
        text = f"{answer} {clause.auxiliary} {clause.rest}"
    elif clause.gap == "identity" and clause.auxiliary in FORMS_OF_BE and clause.wh in ("who", "what"):
        text = f"{clause.subject} {clause.auxiliary} {answer}"
    elif clause.wh == "where" and clause.rest:
        text = f"{clause.stated()} {answer if answer.split()[0] in ('in', 'at', 'on') else 'in ' + answer}"
    elif clause.wh == "when" and clause.rest:
        first = answer.split()[0].lower()
        if first not in ("in", "on", "a", "last", "at"):
            answer = f"{'on' if first[0].isdigit() and len(first) < 4 else 'in'} {answer}"
        text = f"{clause.stated()} {answer}"
    else:
        return ""
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:]}."


def _renamed(text: str, chunk: Chunk, rng: random.Random) -> str:
    """A text with every name exchanged for one of the passage, so that only the names fit; empty where it has none."""
    names = sorted(facts(text).names, key=len, reverse=True)
    pool = [name for name in facts(chunk.text).names if name not in text]
    if not names or len(pool) < len(names):
        return ""
    for old, new in zip(names, rng.sample(pool, len(names)), strict=True):
        text = text.replace(old, new)
    return text


def _extended(text: str, chunks: Sequence[Chunk], rng: random.Random) -> str:
    """A text with a clause made of another sentence's predicate, as models add them; empty where it has no names."""
    if not facts(text).names:
        return ""
    named = {word for name in facts(text).names for word in content_words(name)}
    predicates = []
    for chunk in chunks:
        for start, end in chunk.sentences:
            sentence = chunk.between(start, end)
            verb = _VERB.search(sentence)
            about = facts(sentence[: verb.start()]).names if verb else ()
            if verb and about and len(sentence) < 300 and named.isdisjoint(content_words(" ".join(about))):
                predicates.append(sentence[verb.start() + 1 :].rstrip(" ."))
    return f"{text.rstrip(' .')}, which {rng.choice(predicates)}." if predicates else ""


def _false(text: str, chunk: Chunk, names: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    inside = [name for name in facts(text).names if text.find(name) > 0 or " " in name]
    if inside:
        old = rng.choice(inside)
        near = [n for n in facts(chunk.text).names if n not in text and old not in n]
        far = [n for n in names if n not in chunk.text and len(n.split()) <= 3]
        for pool, how in ((near, "name of the passage"), (far, "name from elsewhere")):
            if pool:
                yield text.replace(old, rng.choice(pool), 1), how
    if day := _DAY.search(text):
        number, month = int(day[1] or day[4]), day[2] or day[3]
        other = rng.choice([n for n in range(1, 29) if n != number])
        yield text[: day.start()] + f"{month} {other}" + text[day.end() :], "date"
        other_month = rng.choice([m for m in _MONTHS if m != month])
        yield text[: day.start()] + f"{other_month} {number}" + text[day.end() :], "date"
    for weekday in _WEEKDAYS:
        if weekday in text:
            yield text.replace(weekday, rng.choice([d for d in _WEEKDAYS if d != weekday]), 1), "date"
            break
    days = [match.span() for match in _DAY.finditer(text)]
    figures = [m for m in _FIGURE.finditer(text) if not any(a <= m.start() < b for a, b in days)]
    if figures:
        figure = rng.choice(figures)
        value = int(float(figure.group().replace(",", "")))
        change = rng.choice([1, 2, 3, -1, 10]) if value < 2100 else value // 2
        yield text[: figure.start()] + f"{value + change}" + text[figure.end() :], "number"
    yield from _denied(text)


def _denied(text: str) -> Iterator[tuple[str, str]]:
    if negation := _NEGATION.search(text):
        kept = f"{negation[1]} " if negation[1] else ""
        yield text[: negation.start()] + kept.lstrip() + text[negation.end() :].lstrip(), "negation"
    elif auxiliary := _AUXILIARY.search(text):
        yield f"{text[: auxiliary.end()]} not{text[auxiliary.end() :]}", "negation"
    elif past := _PAST.search(text):
        yield f"{text[: past.start()]}did not {_base(past[1])}{text[past.end() :]}", "negation"


def _base(past: str) -> str:
    stem = past[:-2]
    if stem.endswith("i"):
        return stem[:-1] + "y"
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "ls":
        return stem[:-1]
    return past[:-1] if re.search(r"(?:[aiou][stvzc]|[^aeiou][ivuacg])$", stem) else stem
