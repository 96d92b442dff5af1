"""One pass of training examples: which questions, with which passage, how noisy."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from training.data import Question, holds_answer, sentences
from training.negatives import corpus_of, exchange_name, names, without_answer_sentence
from training.noise import _FUNCTION_WORDS, noisy

NOISE_SHARE = 0.15


@dataclass(frozen=True)
class Example:
    """A question on a passage; `start` and `end` are characters of the passage, both -1 when it does not answer."""

    question: str
    passage: str
    start: int
    end: int
    kind: str


def content_words(text: str) -> set[str]:
    """Lower-case words that are not function words."""
    return {
        word for word in "".join(c if c.isalnum() else " " for c in text.lower()).split() if word not in _FUNCTION_WORDS
    }


def is_specific(question: Question) -> bool:
    """Whether a question can stand beside passages other than its own.

    QAMR asks about one sentence ("What kind?"), so there two content words must be the sentence's own.
    """
    if question.dataset != "qamr":
        return True
    words = content_words(question.text)
    return len(words & content_words(question.context)) >= 2 and len(question.text.split()) >= 5


# Mean copies of a question in one pass. The users ask about encyclopaedia and news text, so those weigh most.
ANSWERED_COPIES = {
    "squad": 1.5,
    "squadshifts": 0.75,
    "disfl_qa": 1.0,
    "qamr": 0.5,
    "policyqa": 0.25,
    "covid_qa_win": 1.0,
}
UNANSWERED_COPIES = {"squad": 1.4, "disfl_qa": 0.7, "covid_qa_win": 0.6}
EXPLAINING_FACTOR = 1.6  # for why, how, and long answers
RETRIEVED_SHARE = {"squad": 0.9, "disfl_qa": 0.8, "squadshifts": 0.5, "qamr": 0.6, "policyqa": 0.8}
CUT_SHARE = {"squad": 0.2, "squadshifts": 0.1, "disfl_qa": 0.1, "qamr": 0.08, "covid_qa_win": 0.2}
EXCHANGE_SHARE = {"squad": 0.25, "squadshifts": 0.04, "disfl_qa": 0.1, "qamr": 0.15}
CROP_SHARE = 0.45
_COUNTED = ("many", "much", "long", "old", "often", "far", "large", "big", "tall", "high")


def asks_to_explain(question: Question) -> bool:
    """Whether a question asks for a reason or a manner, or its answers are long (eight words or more on average)."""
    words = question.text.lower().split()
    if "why" in words or any(w == "how" and after not in _COUNTED for w, after in pairwise(words)):
        return True
    lengths = [len(text.split()) for _, text in question.answers]
    return bool(lengths) and sum(lengths) / len(lengths) >= 8


def crop(passage: str, start: int, end: int, random: Random) -> tuple[str, int, int]:
    """A run of whole sentences of 150 to 600 characters or more, with [start, end) inside it and moved with it.

    With `start` and `end` -1 any run is taken, and they stay -1.
    """
    bounds = sentences(passage)
    wanted = random.randint(150, 600)
    if start < 0:
        first = last = random.randrange(len(bounds))
    else:
        first = max(index for index, (left, _) in enumerate(bounds) if left <= start)
        last = min(index for index, (_, right) in enumerate(bounds) if right >= end)
    while bounds[last][1] - bounds[first][0] < wanted and (first > 0 or last + 1 < len(bounds)):
        if first > 0 and (last + 1 == len(bounds) or random.random() < 0.5):
            first -= 1
        else:
            last += 1
    left = bounds[first][0]
    text = passage[left : bounds[last][1]].rstrip()
    return (text, -1, -1) if start < 0 else (text, start - left, end - left)


def neighbours(questions: list[Question]) -> dict[str, list[str]]:
    """The sentences of each QAMR document by title, in the document's order (which its ids tell)."""
    places: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for question in questions:
        if question.dataset == "qamr":
            paragraph, sentence = question.id.split("-")[1].split(":")[-2:]
            places[question.title][question.context] = (int(paragraph), int(sentence))
    return {title: sorted(found, key=found.__getitem__) for title, found in places.items()}


def joined(context: str, document: list[str], random: Random) -> tuple[str, int]:
    """Up to five sentences around one sentence of a document, and the place of that sentence in their text."""
    place = document.index(context)
    first = max(0, place - random.randint(0, 2))
    parts = document[first : place + 1 + random.randint(0, 2)]
    offset = sum(len(part) + 1 for part in document[first:place])
    return " ".join(parts), offset


def build(questions: list[Question], retrieved: dict[str, list[str]], seed: int) -> list[Example]:
    """One pass of examples in random order, the same for the same seed."""
    random = Random(seed)
    documents = neighbours(questions)
    named: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        named[question.title if question.dataset != "squadshifts" else corpus_of(question)].extend(names(question.text))
    examples: list[Example] = []

    def add(question: str, passage: str, start: int, end: int, kind: str) -> None:
        if random.random() < CROP_SHARE and len(passage) > 450:
            passage, start, end = crop(passage, start, end, random)
        if random.random() < NOISE_SHARE:
            question = noisy(question, passage, random)
        examples.append(Example(question, passage, start, end, kind))

    for question in questions:
        copies = (ANSWERED_COPIES if question.answers else UNANSWERED_COPIES)[question.dataset]
        if question.dataset != "policyqa" and asks_to_explain(question):
            copies *= EXPLAINING_FACTOR
        specific = is_specific(question)
        if not specific:
            copies *= 0.3
        for _ in range(int(copies) + (random.random() < copies % 1)):
            if not question.answers:
                add(question.text, question.context, -1, -1, f"{question.dataset}/unanswerable")
                continue
            start, text = random.choice(question.answers)
            passage = question.context
            if question.dataset == "qamr" and specific and random.random() < 0.6:
                passage, offset = joined(passage, documents[question.title], random)
                start += offset
            add(question.text, passage, start, start + len(text), f"{question.dataset}/answered")
        if not question.answers:
            continue
        if retrieved.get(question.id) and random.random() < RETRIEVED_SHARE.get(question.dataset, 0):
            passage = random.choice(retrieved[question.id])
            add(question.text, passage, -1, -1, f"{question.dataset}/retrieved")
        if specific and random.random() < CUT_SHARE.get(question.dataset, 0):
            if question.dataset == "qamr":
                rest = [part for part in documents[question.title] if part != question.context]
                cut = " ".join(random.sample(rest, min(3, len(rest)))) if rest else None
                if cut is not None and holds_answer(cut, question.answers):
                    cut = None
            else:
                cut = without_answer_sentence(question)
            if cut:
                add(question.text, cut, -1, -1, f"{question.dataset}/cut")
        if random.random() < EXCHANGE_SHARE.get(question.dataset, 0):
            title = question.title if question.dataset != "squadshifts" else corpus_of(question)
            exchanged = exchange_name(question, named[title], random)
            if exchanged:
                add(exchanged, question.context, -1, -1, f"{question.dataset}/exchanged")
    random.shuffle(examples)
    return examples
