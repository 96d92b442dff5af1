"""One pass of training examples: which questions and claims, with which passage, how noisy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TypedDict, Unpack

from rag.grounding.joining import telling, with_context
from rag.language.sentences import sentences as sentences_of
from rag.models.phrasing import as_question, lead
from training.data import holds_answer, sentences
from training.negatives import corpus_of, exchange_name, interviewed, names, without_answer_sentence
from training.noise import FUNCTION_WORDS, noisy
from training.records import Article, Claim, Example, Question
from training.sets import CLAIM_COPIES, WEIGHTS

NOISE_SHARE = 0.12
LEAD_SHARE = 0.75  # of the passages that have a title are read behind it
JOINED_SHARE = 0.25  # of the claims with marked evidence are read on sentences brought together from their premise
HALVED_SHARE = 0.15  # of the supported ones that need several places lack one of them
ASKED_SHARE = 0.35  # of the other claims with marked evidence are asked as questions
EXPLAINING_FACTOR = 1.5  # for why, how, and long answers
OPEN_FACTOR = 2.0  # for yes-no questions that an article leaves open, a third as many as the decided ones
CROP_SHARE = 0.45
FOREIGN_SHARE = 0.06  # of the windows are made again with a passage of another set
_COUNTED = ("many", "much", "long", "old", "often", "far", "large", "big", "tall", "high")


def content_words(text: str) -> set[str]:
    """Lower-case words that are not function words."""
    return {
        word for word in "".join(c if c.isalnum() else " " for c in text.lower()).split() if word not in FUNCTION_WORDS
    }


def is_specific(question: Question) -> bool:
    """Whether a question can stand beside passages other than its own.

    QAMR asks about one sentence ("What kind?"), so there two content words must be the sentence's own.
    """
    if question.dataset != "qamr":
        return True
    words = content_words(question.text)
    return len(words & content_words(question.context)) >= 2 and len(question.text.split()) >= 5


def asks_to_explain(question: Question) -> bool:
    """Whether a question asks for a reason or a manner, or its answers are long (eight words or more on average)."""
    words = question.text.lower().split()
    if "why" in words or any(w == "how" and after not in _COUNTED for w, after in pairwise(words)):
        return True
    lengths = [len(text.split()) for _, text in question.answers]
    return bool(lengths) and sum(lengths) / len(lengths) >= 8


def crop(
    passage: str, start: int, end: int, random: Random, shortest: int = 150, longest: int = 600
) -> tuple[str, int, int]:
    """A run of whole sentences of `shortest` to `longest` characters or more, with [start, end) in it, moved with it.

    With `start` and `end` -1 any run is taken, and they stay -1.
    """
    bounds = sentences(passage)
    wanted = random.randint(shortest, longest)
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


def neighbours(questions: Sequence[Question]) -> dict[str, list[str]]:
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


def copies(mean: float, random: Random) -> int:
    """A whole number whose mean over many draws is `mean`."""
    return int(mean) + (random.random() < mean % 1)


class Pass:
    """Collects the examples of one pass."""

    def __init__(self, articles: Mapping[str, Article], retrieved: Mapping[str, list[str]], random: Random) -> None:
        self.examples: list[Example] = []
        self._articles = articles
        self._retrieved = retrieved
        self._random = random
        self._groups: dict[str, list[Article]] = defaultdict(list)
        for article in articles.values():
            self._groups[article.group].append(article)

    def _add(
        self,
        text: str,
        passage: str,
        place: tuple[int, int],
        kind: str,
        before: str = "",
        **known: Unpack[_Known],
    ) -> None:
        if before and self._random.random() < LEAD_SHARE:
            passage = before + passage
            place = (place[0] + len(before), place[1] + len(before)) if place[0] >= 0 else place
        self.examples.append(Example(text, passage, *place, kind, **known))

    # --- questions on paragraphs

    def question(self, question: Question, document: list[str], others: list[str]) -> None:
        """The question on its own passage, and on passages that do not answer it."""
        random, weight, name = self._random, WEIGHTS[question.dataset], question.dataset
        mean = weight.answered if question.answers else weight.unanswered
        mean *= EXPLAINING_FACTOR if name != "policyqa" and asks_to_explain(question) else 1.0
        specific = is_specific(question)
        before = lead(question.title, question.date) if name not in ("squadshifts", "qamr", "qadiscourse") else ""
        mean *= OPEN_FACTOR if question.polar and not question.answers else 1.0
        for _ in range(copies(mean if specific else mean * 0.3, random)):
            if question.near:
                self._asked(question, question.text, question.context, (-1, -1), "undecided", before, question.near)
                continue
            if not question.answers:
                self._asked(question, question.text, question.context, (-1, -1), "unanswerable", before)
                continue
            start, text = random.choice(question.answers)
            passage = question.context
            if name == "qamr" and specific and random.random() < 0.6:
                passage, offset = joined(passage, document, random)
                start += offset
            self._asked(question, question.text, passage, (start, start + len(text)), "answered", before)
        if not question.answers or not specific:
            return
        for _ in range(copies(weight.retrieved, random)):
            if found := self._retrieved.get(question.id):
                self._asked(question, question.text, random.choice(found), (-1, -1), "retrieved", "")
        for _ in range(copies(weight.cut, random)):
            if name == "qamr":
                rest = [part for part in document if part != question.context]
                cut = " ".join(random.sample(rest, min(3, len(rest)))) or None
                cut = None if cut and holds_answer(cut, question.answers) else cut
            else:
                cut = without_answer_sentence(question)
            if cut:
                self._asked(question, question.text, cut, (-1, -1), "cut", before)
        for _ in range(copies(weight.exchanged, random)):
            if exchanged := exchange_name(question, others, random):
                text, detail = exchanged
                near = (question.context.lower().find(detail.lower()), detail)
                self._asked(question, text, question.context, (-1, -1), "exchanged", before, near)

    def _asked(
        self,
        question: Question,
        text: str,
        passage: str,
        place: tuple[int, int],
        kind: str,
        before: str,
        near: tuple[int, str] | None = None,
    ) -> None:
        """The question on the passage or a part of it that holds the answer, or else what is `near`."""
        answered = place[0] >= 0
        if self._random.random() < CROP_SHARE and len(passage) > 450:
            held = (near[0], near[0] + len(near[1])) if near else place
            passage, *cropped = crop(passage, *held, self._random)
            place = (cropped[0], cropped[1]) if answered else (-1, -1)
        if self._random.random() < NOISE_SHARE:
            text = noisy(text, passage, self._random)
        kind = f"{question.dataset}/{kind}"
        denial: bool | None = answered and bool(question.denial)  # what is not there denies nothing
        if kind.endswith("/undecided") and not question.polar:
            denial = question.denial  # what tempts may deny what is asked, where no row tells
        self._add(text, passage, place, kind, before, **_known(question, denial=denial, answers=question.answers))

    # --- questions on news articles

    def news(self, question: Question, others: list[str]) -> None:
        """The question on windows of its own article, with and without the answer, and of its sister articles."""
        random, weight, name = self._random, WEIGHTS[question.dataset], question.dataset
        own = self._articles[question.article]
        text = question.text if random.random() >= NOISE_SHARE else noisy(question.text, question.context, random)
        if not question.answers:
            for _ in range(copies(weight.unanswered * (OPEN_FACTOR if question.polar else 1.0), random)):
                if question.near:
                    start, answer = question.near
                    passage, _, _ = crop(own.text, start, start + len(answer), random, 250, 1000)
                    kind = f"{name}/undecided" if question.polar else f"{name}/twin"
                    before = lead(own.title, own.date)
                    # What tempts may deny what a twin asks ("The council did not approve it"), where no row tells.
                    denial = False if question.polar else question.denial
                    self._add(text, passage, (-1, -1), kind, before, **_known(question, denial=denial))
                    continue
                # Its details stand in its own article most of all, but nothing in the group answers it.
                article = own if random.random() < 0.7 else random.choice(self._groups[own.group])
                self._window(question, text, article, f"{name}/unanswerable")
            return
        factor = EXPLAINING_FACTOR if asks_to_explain(question) else 1.0
        for _ in range(copies(weight.answered * factor, random)):
            start, answer = random.choice(question.answers)
            passage, *place = crop(own.text, start, start + len(answer), random, 250, 1000)
            kind = f"{name}/yes-no" if question.polar else f"{name}/answered"
            before, denial = lead(own.title, own.date), bool(question.denial)
            known = _known(question, denial=denial, answers=question.answers)
            self._add(text, passage, (place[0], place[1]), kind, before, **known)
        for _ in range(copies(weight.cut, random)):
            self._window(question, text, own, f"{name}/cut", question.answers)
        for _ in range(copies(weight.retrieved, random)):
            # A sister of the same event may tell it in other words, so the like event is taken more often, and always
            # where any sentence of the same sense would decide.
            sisters = [article for article in self._groups[own.group] if article is not own]
            like = question.polar or random.random() < 0.6
            if not sisters:  # it is a group by itself: any other article
                article = random.choice([article for article in self._articles.values() if article is not own])
            else:
                article = max(sisters, key=lambda a: a.id) if like else random.choice(sisters)
            self._window(question, text, article, f"{name}/sister", question.answers)
        for _ in range(copies(weight.exchanged, random)):
            if exchanged := exchange_name(question, others, random):
                self._window(question, exchanged[0], own, f"{name}/exchanged", held=exchanged[1])

    def _window(
        self,
        question: Question | None,
        text: str,
        article: Article,
        kind: str,
        answers: tuple[tuple[int, str], ...] = (),
        held: str = "",
    ) -> None:
        """A run of an article that holds none of the answers, touches no place of theirs, and holds what is `held`."""
        # Retrieval brings what shares the question's words, so of some runs mostly the one that shares most.
        drawn = [crop(article.text, -1, -1, self._random, 250, 1000)[0] for _ in range(self._random.choice((1, 3, 3)))]
        wanted = content_words(text)
        passage = max(drawn, key=lambda run: len(wanted & content_words(run)))
        left = article.text.find(passage)
        places = [(start, start + len(text)) for start, text in answers if kind.endswith("/cut")]
        touched = any(left < end and start < left + len(passage) for start, end in places)
        if not touched and not holds_answer(passage, answers) and held.lower() in passage.lower():
            before = lead(article.title, article.date)
            self._add(text, passage, (-1, -1), kind, before, **_known(question, denial=False))

    # --- claims

    def claim(self, claim: Claim) -> None:
        """The claim on its premise; news claims on windows of their article, with and without the evidence."""
        random = self._random
        denial = {"contradicted": True, "not_stated": False, "supported": False}.get(claim.label)
        before = lead(claim.title, claim.date)
        supported = claim.label == "supported"
        start = claim.premise.find(claim.evidence) if claim.evidence else -1
        for _ in range(copies(CLAIM_COPIES[claim.dataset], random)):
            kind = f"claim-{claim.dataset}/{claim.label}"
            if claim.runs or (claim.evidence and random.random() < JOINED_SHARE):
                self._brought_together(claim, claim.runs or (claim.evidence,), kind, before, denial)
                continue
            if start < 0:
                # True and false alike: were only the false ones cut to fit, a long text would tell the label.
                known: _Known = {"somewhere": supported, "whole": True, "denial": denial}
                self._add(claim.text, claim.premise, (-1, -1), kind, before, **known)
                continue
            passage, *place = crop(claim.premise, start, start + len(claim.evidence), random, 250, 1000)
            asked = random.random() < ASKED_SHARE
            text = as_question(claim.text) if asked else claim.text
            points = (place[0], place[1]) if supported or (asked and claim.label == "contradicted") else (-1, -1)
            self._add(text, passage, points, kind, before, denial=denial, polar=True if asked else None)
            if claim.article and supported and random.random() < 0.3:
                self._window(
                    None,
                    claim.text,
                    self._articles[claim.article],
                    f"claim-{claim.dataset}/cut",
                    ((start, claim.evidence),),
                )

    def _brought_together(self, claim: Claim, runs: Sequence[str], kind: str, before: str, denial: bool | None) -> None:
        """The claim on sentences from several places of its premise; on some, one of those that it needs is left out.

        Besides the evidence stand sentences that the product brings together for it, each behind the one before it.
        """
        random, text = self._random, claim.premise
        bounds = sentences_of(text)
        spans = [(text.index(run), text.index(run) + len(run)) for run in runs]
        needed = [{n for n, (a, b) in enumerate(bounds) if a < end and start < b} for start, end in spans]
        others = telling(claim.text, [text[a:b] for a, b in bounds])
        shown = set().union(*needed, random.sample(others, random.randint(0, len(others))))
        supported, halved = claim.label == "supported", False
        if len(needed) > 1 and supported and random.random() < HALVED_SHARE:
            dropped = random.choice(needed)
            kept = " ".join([before, *(text[slice(*bounds[n])] for n in shown - dropped)])
            alone = content_words(claim.text) & content_words(" ".join(text[slice(*bounds[n])] for n in dropped))
            halved = bool(alone - content_words(kept))  # else what is left may tell it as well
        if halved:
            kind, numbers = f"claim-{claim.dataset}/halved", sorted(shown - dropped)
        else:
            numbers = with_context(sorted(shown))
        passage = "\n".join(text[slice(*bounds[n])] for n in numbers)
        known: _Known = {"somewhere": supported and not halved, "whole": True, "denial": denial}
        self._add(claim.text, passage, (-1, -1), kind, before, **known)


class _Known(TypedDict, total=False):
    """What an `Example` may say besides."""

    somewhere: bool
    whole: bool
    answers: tuple[tuple[int, str], ...]
    denial: bool | None
    polar: bool | None
    many: bool | None


def _known(question: Question | None, **known: Unpack[_Known]) -> _Known:
    """What is known besides what kind of answer a question wants; nothing is known of a claim."""
    return known if question is None else {"polar": question.polar, "many": question.many, **known}


def build(
    questions: Sequence[Question],
    retrieved: Mapping[str, list[str]],
    seed: int,
    claims: Sequence[Claim] = (),
    articles: Mapping[str, Article] | None = None,
) -> list[Example]:
    """One pass of examples in random order, the same for the same seed."""
    random = Random(seed)
    questions = interviewed(questions, random)
    documents = neighbours(questions)
    named: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        named[_named_with(question)].extend(names(question.text))
    made = Pass(articles or {}, retrieved, random)
    for question in questions:
        if question.article:
            made.news(question, named[_named_with(question)])
        else:
            made.question(question, documents.get(question.title, []), named[_named_with(question)])
    for claim in claims:
        made.claim(claim)
    made.examples += foreign(made.examples, random)
    random.shuffle(made.examples)
    return made.examples


def foreign(examples: Sequence[Example], random: Random) -> list[Example]:
    """Questions of which it is known what they ask for, each beside a passage of another set, which answers nothing.

    Nearly all questions for yes or no are asked of one kind of text. Without these a network takes the text for what
    tells them.
    """
    known = [example for example in examples if example.polar is not None]
    made = []
    for example in random.sample(known, round(FOREIGN_SHARE * len(known))):
        other = random.choice(known)
        if example.kind.split("/")[0] != other.kind.split("/")[0]:
            made.append(replace(example, passage=other.passage, start=-1, end=-1, kind="foreign", denial=False))
    return made


def _named_with(question: Question) -> str:
    """What a question's names are exchanged with: those of questions on the same thing."""
    return corpus_of(question) if question.dataset in ("squadshifts", "squad_train_part") else question.group
