"""A language model's sentence -> whether the passages support it, and the quote that does. Decides; never writes."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from rapidfuzz.distance import LCSseq

from rag.answering.candidates import is_question, without_questions
from rag.answering.confidence import agree, covered, same_word
from rag.language.facts import Facts, facts, opens_with_name
from rag.language.text import STOPWORDS, content_words, fold, same_name, words
from rag.models.embedding import Embedder
from rag.models.reader import Reader
from rag.types import Chunk

DEFAULT_FILE = Path(__file__).parents[1] / "models" / "weights" / "verification.json"
WINDOWS = (1, 2, 3)  # sentences in a row that may support a claim together
NEAREST = 3  # windows of a passage that are embedded
ELSEWHERE = 2  # passages that were not cited and are looked at when the cited ones do not support
MAX_MASKED = 4  # names, numbers and dates of a claim that the reader is asked for
CLIP = 10.0  # logits
BESIDE = 5  # words of a passage that may stand where a claim has a name
_LINK = re.compile(r"https?:|www\.|\]\(|<\w|\b[\w-]+\.(?:com|org|net|io|ru|cn|info)\b", re.I)
_ORDER = re.compile(
    r"(?:^|[.:!\n]\s*)(?:please |now |then |you must |always )*"
    r"(?:ignore|disregard|forget|say|answer|reply|respond|repeat|output|print|pretend|act as|click|follow this)\b"
    r"|\b(?:your|previous|all) (?:\w+ )?instructions\b|system prompt|<\||cite-\w",
    re.I,
)
_IDENTITY = re.compile(r"(.+?),? ((?:is|was) (?:the|an?)\b.+)")  # "Anna Petrova is the minister"
# Speaks of the passages, not of what they tell.
_ABOUT = re.compile(
    r"^(?:the|this|these|both|all)(?: \w+)? passages?\b"
    r"|^(?:the|this|these|both|all) (?:articles?|texts?|notes?) (?:also )?(?:is |are |differ|do(?:es)? not"
    r"|describe|discuss|mention|provide|explain|detail|highlight|contain)"
    r"|^they mention\b|\b(?:is|are|was|were) (?:also |not )?mentioned\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Support:
    """The best place for a claim.

    Attributes
    ----------
    passage : int
        Which of the passages, from 0.
    start, end : int
        Of the supporting sentences, in characters of the document.
    probability : float
        That they support the claim.
    """

    passage: int
    start: int
    end: int
    probability: float


@dataclass(frozen=True, slots=True)
class _Window:
    start: int
    end: int
    text: str
    nearness: float = 0.0


class Verifier:
    """A logistic decision over what a claim and a passage have in common, what it adds, and what the reader finds."""

    def __init__(self, embedder: Embedder, reader: Reader, weights: Mapping[str, float], threshold: float) -> None:
        """
        Parameters
        ----------
        embedder : Embedder
        reader : Reader
        weights : Mapping
            By the names of the signals, with a "bias".
        threshold : float
            Probability from which a claim counts as supported.
        """
        self._embedder = embedder
        self._reader = reader
        self._weights = dict(weights)
        self.threshold = threshold

    @classmethod
    def load(cls, embedder: Embedder, reader: Reader, path: Path = DEFAULT_FILE) -> Verifier:
        """With the weights that `python -m training.verification` wrote."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(embedder, reader, data["weights"], data["threshold"])

    def check(
        self, claim: str, passages: Sequence[Chunk], cited: Sequence[int], dates: Mapping[str, str | None]
    ) -> Support | None:
        """The best support of a claim, among the cited passages first, then among the others.

        Parameters
        ----------
        claim : str
            One sentence without markers.
        passages : sequence of Chunk
        cited : sequence of int
            Places in `passages`, from 0.
        dates : Mapping
            Date of each document by its id, ISO 8601.

        Returns
        -------
        Support or None
            Its probability says whether it is enough; None when there is nothing to compare with.
        """
        wanted = content_words(claim)
        states = sum(word.isalpha() for word in wanted) > 1
        if not states or _LINK.search(claim) or _ABOUT.search(claim) or is_question(claim):
            return None
        if self._is_another(claim, passages):
            return None
        best: Support | None = None
        others = [i for i in range(len(passages)) if i not in cited]
        others.sort(key=lambda i: (-covered(wanted, passages[i].text), i))
        for group in (list(cited), others[:ELSEWHERE]):
            for i in group:
                support = self._in(claim, passages[i], i, dates.get(passages[i].document_id))
                if support and (best is None or support.probability > best.probability):
                    best = support
            if best and best.probability >= self.threshold:
                break
        return best

    def _is_another(self, claim: str, passages: Sequence[Chunk]) -> bool:
        """Whether a claim of who somebody is names another than the passages do, asked as a question of all of them.

        The passage that a model misreads may not tell who else it is.
        """
        identity = _IDENTITY.match(claim)
        if not identity or not passages or not any(" " in name for name in facts(identity[1]).names):
            return False
        spans = self._reader.read(f"Who {identity[2].rstrip('. ')}?", [without_questions(p) for p in passages])
        best = max(spans, key=lambda span: span.score)
        return best.score > 0 and not agree(best.text, identity[1])

    def _in(self, claim: str, passage: Chunk, number: int, date: str | None) -> Support | None:
        found = self.signals(claim, passage, date)
        if found is None:
            return None
        start, end, values = found
        logit = self._weights.get("bias", 0.0) + sum(w * values.get(n, 0.0) for n, w in self._weights.items())
        return Support(number, start, end, 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit)))))

    def signals(self, claim: str, passage: Chunk, date: str | None) -> tuple[int, int, dict[str, float]] | None:
        """The nearest window of a passage, [start, end) in the document, and what speaks for and against it."""
        window = self._window(claim, passage)
        if window is None:
            return None
        pieces = (passage.between(a, b) for a, b in passage.sentences)
        context = "\n".join([passage.title, *filter(is_evidence, pieces)])
        stated, around = facts(claim), facts(context)
        told = facts(window.text)
        return (
            window.start,
            window.end,
            {
                "covered": covered(_unnamed(claim, stated), window.text),
                **_followed(claim, window.text),
                "contradicted": self._contradicted(claim, stated, passage),
                "names_missing": float(min(2, len(_missing_names(claim, stated, window.text, passage)))),
                "names_missing_passage": float(min(2, len(_missing_names(claim, stated, context, passage)))),
                "numbers_missing_passage": float(min(2, len(stated.numbers - around.numbers - _years(date)))),
                "dates_missing_passage": float(min(2, len(_missing_dates(stated, around, date)))),
                "negation": float(_negation_differs(claim, stated, window.text, told)),
            },
        )

    def _window(self, claim: str, passage: Chunk) -> _Window | None:
        """Sentences in a row of the passage that come nearest to the claim; fewer at a tie."""
        wanted = content_words(claim)
        stated = facts(claim)
        windows: list[_Window] = []
        for size in WINDOWS:
            for i in range(len(passage.sentences) - size + 1):
                start, end = passage.sentences[i][0], passage.sentences[i + size - 1][1]
                text = passage.between(start, end)
                if not is_evidence(text):
                    continue
                told = facts(text)
                missing = len(stated.numbers - told.numbers) + len(_missing_dates(stated, told))
                near = covered(wanted, text) - 0.2 * missing - 0.05 * (size - 1)
                windows.append(_Window(start, end, text, nearness=near))
        nearest = sorted(windows, key=lambda w: (-w.nearness, w.start))[:NEAREST]
        if not nearest:
            return None
        vectors = self._embedder.embed_texts([claim, *(w.text for w in nearest)])
        placed = [
            replace(w, nearness=w.nearness + float(vector @ vectors[0]))
            for w, vector in zip(nearest, vectors[1:], strict=True)
        ]
        return max(placed, key=lambda w: (w.nearness, -w.start))

    def _contradicted(self, claim: str, stated: Facts, passage: Chunk) -> float:
        """The reader's best score, in [0, CLIP], for something else in the place of one of the claim's facts."""
        chunk = without_questions(passage)
        worst = 0.0
        for question, fact in _masked(claim, stated)[:MAX_MASKED]:
            span = self._reader.read(question, [chunk])[0]
            if not agree(span.text, fact) and not facts(fact).numbers & facts(span.text).numbers:
                worst = max(worst, span.score)
        return min(CLIP, worst)


def is_evidence(text: str) -> bool:
    """Whether a text of an article states something: questions, orders to the reader and imitated prompts do not."""
    return not is_question(text) and not _ORDER.search(text)


def _masked(claim: str, stated: Facts) -> list[tuple[str, str]]:
    """Questions that a claim answers: each name and figure in turn replaced by a question word."""
    asked: list[tuple[str, str]] = []
    places = [(claim.find(name), name, "who" if " " in name else "which") for name in stated.names]
    places += [(m.start(), m.group(), "how many") for m in re.finditer(r"(?<!\w)\d[\d,.]*\d|(?<!\w)\d", claim)]
    for at, fact, word in sorted(places):
        if at < 0 or (len(stated.names) > 1 and fact == stated.names[0] and opens_with_name(claim)):
            continue
        if word == "how many" and re.fullmatch(r"(?:1[89]|20)\d\d", fact):
            word = "what year"
        question = f"{claim[:at]}{word}{claim[at + len(fact) :]}".rstrip(". ") + "?"
        asked.append((question[:1].upper() + question[1:], fact))
    return asked


def _years(date: str | None) -> frozenset[str]:
    return frozenset({date[:4]}) if date else frozenset()


def _followed(claim: str, text: str) -> dict[str, float]:
    """How closely a claim follows a text, their content words laid side by side.

    "out_of_order": words of the claim that the text does not have in the claim's order. "skipped": log(1 + n), n being
    the most words of the text between two that follow each other in the claim; a model that invents takes its words
    from all over a passage ("he is" … "the head of the department"). "exchanged": places where the one has a name and
    the other another, between words that both have.
    """
    said, told = ([word for word in words(each) if word not in STOPWORDS] for each in (claim, text))
    found = {word: next((other for other in told if same_word(word, other)), word) for word in set(said)}
    aligned = LCSseq.opcodes([found[word] for word in said], told)
    same = [block for block in aligned if block.tag == "equal"]
    mine, theirs = ({word for name in facts(each).names for word in words(name)} for each in (claim, text))
    skipped = exchanged = 0
    for left, right in pairwise(same):
        own, other = said[left.src_end : right.src_start], told[left.dest_end : right.dest_start]
        skipped = max(skipped, len(other) - len(own))
        exchanged += len(other) <= BESIDE and not mine.isdisjoint(own) and not theirs.isdisjoint(other)
    followed = sum(block.src_end - block.src_start for block in same)
    return {
        "out_of_order": float(min(6, len(said) - followed)),
        "skipped": math.log1p(skipped),
        "exchanged": float(min(2, exchanged)),
    }


def _missing_dates(stated: Facts, told: Facts, date: str | None = None) -> set[str]:
    known = set(told.dates) | ({date[5:], date[5:7]} if date else set())
    return {day for day in stated.dates if not any(other == day or other.startswith(f"{day}-") for other in known)}


def _missing_names(claim: str, stated: Facts, text: str, passage: Chunk) -> list[str]:
    """Words of the claim's names that the text does not have in any spelling."""
    present = set(words(text))
    low = set(re.findall(r"\b[a-z]\w+", passage.text))
    missing = []
    for i, name in enumerate(stated.names):
        if i == 0 and opens_with_name(claim) and (fold(name) in low or fold(name).endswith("ly")):
            continue
        missing += [
            word
            for word in words(name)
            if word not in STOPWORDS and word not in present and not any(same_name(word, other) for other in present)
        ]
    return missing


def _negation_differs(claim: str, stated: Facts, text: str, told: Facts) -> bool:
    """Whether what both speak of is denied by one of them alone."""
    claimed, given = set(content_words(claim)), set(content_words(text))
    return any(
        not any(word == other or word[:5] == other[:5] for other in denied)
        for mine, denied, spoken in ((stated.negated, told.negated, given), (told.negated, stated.negated, claimed))
        for word in mine
        if any(word == other or (len(word) > 4 and word[:5] == other[:5]) for other in spoken)
    )


def _unnamed(claim: str, stated: Facts) -> list[str]:
    """The claim's content words that are no part of a name: what it says, apart from of whom."""
    named = {word for name in stated.names for word in words(name)}
    return [word for word in content_words(claim) if word not in named]
