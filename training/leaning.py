"""Claims that lean on what stands before them: a sentence of a draft on the one before, an answer on its question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from rag.language.sentences import sentences
from rag.models.phrasing import behind
from training.records import Claim, Question

DATASET = "leaning"
REPLY_SHARE = 0.2  # of the questions with short answers become a right claim and a wrong one
REPLY_WORDS = 8  # of an answer at most
SETS = ("news", "passages", "fields", "notices", "news-questions", "passage-questions")
"""Sets of questions that stand by themselves."""


def alone(text: str) -> str:
    """A claim without what it stands behind, if it does."""
    depth = 0
    for at, letter in enumerate(text if text.startswith("(") else ""):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return text[at + 2 :]
    return text


def following(claims: Sequence[Claim], asked: str = "") -> list[Claim]:
    """Each sentence of a draft behind the one before it; the first behind the question, where that is known."""
    before = (asked, *(claim.text for claim in claims))
    return [
        replace(claim, dataset=DATASET, text=behind(said, claim.text))
        for said, claim in zip(before, claims, strict=False)
        if said
    ]


def replies(questions: Iterable[Question], random: Random) -> list[Claim]:
    """Answers behind their question, and behind a question of the same text that they do not answer."""
    alike: dict[str, list[Question]] = defaultdict(list)
    for question in questions:
        short = question.answers and len(question.answers[0][1].split()) <= REPLY_WORDS
        if short and question.dataset in SETS and not question.polar and not question.many:
            alike[question.context].append(question)
    made = []
    for asked in alike.values():
        for question in asked:
            if random.random() >= REPLY_SHARE:
                continue
            made.append(_reply(question, question, "supported"))
            wrong = [other for other in asked if not _shared(question, other)]
            if wrong:
                made.append(_reply(question, random.choice(wrong), "unsupported"))
    return made


def _shared(left: Question, right: Question) -> bool:
    """Whether an answer of one is, or is a part of, an answer of the other."""
    pairs = ((a.lower(), b.lower()) for _, a in left.answers for _, b in right.answers)
    return any(a in b or b in a for a, b in pairs)


def _reply(question: Question, answered: Question, label: str) -> Claim:
    """The answer of one question behind another; a right one stands on the sentence that holds it."""
    start, answer = answered.answers[0]
    bounds = next((a, b) for a, b in sentences(question.context) if a <= start < b)
    evidence = question.context[slice(*bounds)].strip() if label == "supported" else ""
    whole = evidence if answer in evidence else ""
    text = behind(question.text, f"{answer[:1].upper()}{answer[1:].rstrip('.')}.")
    return Claim(DATASET, question.group, question.context, text, label, whole, question.title, question.date,
                 question.article)  # fmt: skip
