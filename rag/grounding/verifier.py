"""A sentence and passages -> whether they support it, and the quote that does. Decides; never writes.

A reader of claims decides: a network that was trained to point at what supports a claim, or at nothing. By rule it is
only told what is no claim, what is no evidence (questions, orders to a model), and that a claim's links must stand in
the passage. (Figures, days and names that a passage lacks were signals beside the network's; the fit gave them none.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import regex

from rag.answering.citations import sentences_around
from rag.grounding.joining import Place, in_lines, joined, places_of, telling, text_of, with_context
from rag.language.english import ORDERS
from rag.language.sentences import is_question, quotes_question
from rag.language.text import content_words, words
from rag.logistic import clip, sigmoid, weigh
from rag.models.phrasing import as_question, behind
from rag.models.reader import SHIPPED, Limited, Reader
from rag.types import Chunk, Span

FILE_NAME = "verification.json"
DEFAULT_FILE = SHIPPED["default"] / FILE_NAME
SIGNS = {"support": 1, "denial": -1}
"""Which way each signal may count: more support never lowers the probability, a denial never raises it."""
_PIECE = re.compile(r"[^\s\"'‘’“”«»„]+")
# Of a piece: an address, a tag, a dot within a word ("mail.ru", but neither "U.S." nor "came.She").
_LINK = regex.compile(r"(?i:https?:|www\.|\]\(|</?[a-z])|\w@\w|[\w-]\.\p{Ll}{2}")
_INNER = re.compile(r"\w(?:.*\w)?", re.S)
_UNSPACED = regex.compile(r"[\p{lb=ID}\p{lb=SA}]")  # letters between which a line may break: Chinese, Thai


@dataclass(frozen=True, slots=True)
class Support:
    """What a passage says of a claim, or sentences of one document together.

    Attributes
    ----------
    places : tuple of Place
        The sentences that the reader points at; of several places those without which they do not support the claim.
    probability : float
        That they support the claim.
    """

    places: tuple[Place, ...]
    probability: float


class Verifier:
    """A logistic decision over what the reader's network says of a claim and a passage."""

    def __init__(
        self,
        reader: Reader,
        weights: Mapping[str, float],
        threshold: float,
        denial_threshold: float = 0.5,
        question_reader: Reader | None = None,
        reads_before: bool = False,
    ) -> None:
        """
        Parameters
        ----------
        reader : Reader
            Of claims: one whose spans carry a judgement.
        weights : Mapping
            By the names of the signals, with a "bias".
        threshold : float
            Probability from which a claim counts as supported.
        denial_threshold : float
            Probability from which a sentence counts as denying a claim.
        question_reader : Reader, optional
            What reads the question in `answers`; default: `reader`.
        reads_before : bool
            Whether the reader was trained on claims behind what they lean on (`rag.models.phrasing.behind`).
        """
        self._reader = reader
        self._question_reader = question_reader or reader
        self._weights = dict(weights)
        self.threshold = threshold
        self.denial_threshold = denial_threshold
        self._reads_before = reads_before

    @classmethod
    def load(cls, reader: Reader, path: Path = DEFAULT_FILE, question_reader: Reader | None = None) -> Verifier:
        """With the weights that `python -m training.verification` wrote."""
        data = json.loads(path.read_text(encoding="utf-8"))
        fitted = data["weights"], data["threshold"], data["denial_threshold"]
        return cls(reader, *fitted, question_reader, data.get("reads_before", False))

    def check(self, claim: str, passages: Sequence[Chunk], before: str = "") -> list[Support]:
        """What each passage says of a claim, the best support first; none where it states nothing or is too long.

        Where no passage does, the sentences of the nearest document that tell most of it are read together, too.

        Parameters
        ----------
        claim : str
            One sentence without markers.
        passages : sequence of Chunk
        before : str
            The sentence or question that it may lean on ("He", "there"); only the claim itself is judged.
        """
        if not passages or not states_something(claim) or self.too_long(claim):
            return []
        before = before if self._reads_before and not self.too_long(behind(before, claim)) else ""
        found = self._judged(claim, passages, before)
        found.sort(key=lambda support: (-support.probability, support.places[0].passage))
        if found[0].probability < self.threshold and (support := self._together(claim, passages, before, found[0])):
            return [support, *found]
        return found

    def too_long(self, claim: str) -> bool:
        """Whether the reader does not read a claim, asked as a question, to its end: what it ends in may be false."""
        return isinstance(self._reader, Limited) and not self._reader.fits(as_question(claim))

    def support(self, claim: str, passages: Sequence[Chunk]) -> float:
        """Probability that the passage which supports a claim most does; 0 where the claim is not checked."""
        found = self.check(claim, passages)
        return found[0].probability if found else 0.0

    def answers(self, question: str, told: Sequence[str]) -> bool:
        """Whether the reader, given sentences for a passage, sees an answer to a question rather than none in them."""
        text, places = in_lines(told)
        (span,) = self._question_reader.read(question, [Chunk("", "", 0, len(text), text, "", places)])
        return signals(span)["support"] > 0

    def denials(self, claim: str, passages: Sequence[Chunk]) -> list[Support]:
        """The sentences that deny a claim, the most decisive first; `probability` is that they do.

        The reader points at nothing for a claim that it does not find supported, so it is asked whether it is true:
        such a question it answers with the sentence that decides, and says whether that denies it. The sentence of the
        highest score decides: where it does not deny, none does.
        """
        spans = self._reader.read(as_question(claim), passages)
        found: list[Support] = []
        for number, (passage, span) in sorted(
            enumerate(zip(passages, spans, strict=True)), key=lambda n: -n[1][1].score
        ):
            start, end = sentences_around(passage, span.start, span.end)
            if span.judgement is None or span.score <= 0 or not is_evidence(passage.between(start, end)):
                continue
            sure = sigmoid(span.judgement.denial)
            if not found and sure < self.denial_threshold:
                return []
            if sure >= self.denial_threshold:
                found.append(Support((Place(number, start, end),), sure))
        return found

    def _judged(self, claim: str, passages: Sequence[Chunk], before: str) -> list[Support]:
        supports = []
        # What leans on nothing the network judges better alone, what does behind that: the mean of both.
        ways = [self._reader.read(way, passages) for way in dict.fromkeys((behind(before, claim), claim))]
        for number, (passage, *spans) in enumerate(zip(passages, *ways, strict=True)):
            start, end = sentences_around(passage, spans[0].start, spans[0].end)
            sure = sigmoid(fmean(weigh(self._weights, signals(span)) for span in spans))
            if not is_evidence(passage.between(start, end)) or not _holds_links(passage, claim):
                sure = 0.0
            supports.append(Support((Place(number, start, end),), sure))
        return supports

    def _together(self, claim: str, passages: Sequence[Chunk], before: str, nearest: Support) -> Support | None:
        """What the sentences of a document say together, where that supports the claim; only those that it takes."""
        places = places_telling(claim, passages, nearest.places[0].passage)
        if len(places) < 2:
            return None
        (best,) = self._judged(claim, [joined(passages, places)], before)
        if best.probability < self.threshold:
            return None
        while len(places) > 2:  # one that supported it alone would have done so in its passage
            fewer = [[place for place in places if place is not left_out] for left_out in places]
            judged = self._judged(claim, [joined(passages, each) for each in fewer], before)
            shorter = max(judged, key=lambda support: support.probability)
            if shorter.probability < self.threshold:
                break
            best, places = shorter, fewer[judged.index(shorter)]
        return Support(tuple(places), best.probability)


def places_telling(claim: str, passages: Sequence[Chunk], number: int) -> list[Place]:
    """The places to read together for a claim, in the document of the passage of that number; none where it is one."""
    places = places_of(passages, passages[number].document_id)
    places = [place for place in places if is_evidence(text_of(passages, place))]
    chosen = telling(claim, [text_of(passages, place) for place in places])
    return [places[n] for n in with_context(chosen)] if len(chosen) > 1 else []


def states_something(claim: str) -> bool:
    """Whether a sentence can be checked: two words of content besides links, or a figure beside a word; no question.

    Where a script writes no spaces, a letter counts as a word.
    """
    text = _UNSPACED.sub(r" \g<0> ", _PIECE.sub(lambda piece: "" if _LINK.search(piece[0]) else piece[0], claim))
    figure = len(words(text)) > 1 and any(map(str.isdigit, text))
    return (figure or len(content_words(text)) > 1) and not _asks(claim)


def _asks(text: str) -> bool:
    return is_question(text) and not quotes_question(text)


def _links(text: str) -> Iterator[str]:
    """The pieces of a text that are links, without the marks around them."""
    for piece in _PIECE.findall(text):
        if _LINK.search(piece) and (inner := _INNER.search(piece)):
            yield inner[0]


def _holds_links(passage: Chunk, claim: str) -> bool:
    """Whether every link of a claim stands in a passage: one that a language model made up is never shown."""
    edged = (rf"(?<![\w-]){re.escape(link)}(?!\w|\.\w)" for link in _links(claim))  # "evil.com" is not in "notevil.com"
    return all(re.search(link, passage.text, re.I) for link in edged)


def is_evidence(text: str) -> bool:
    """Whether a text of an article states something: questions, orders to the reader and imitated prompts do not."""
    return not _asks(text) and not ORDERS.search(text)


def signals(span: Span) -> dict[str, float]:
    """What speaks for and against a claim's being supported by a passage, by what the reader found in it."""
    judged = span.judgement
    return {
        "support": clip(judged.support if judged else span.score),
        "denial": clip(judged.denial) if judged else 0.0,
    }
