"""How likely an answer is to be right: a small logistic decision over signals that one margin does not hold."""

from __future__ import annotations

import calendar
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.language.facts import facts
from rag.language.questions import fits, kind_of
from rag.language.text import STOPWORDS, WORD, content_words, same_name, words
from rag.models.hardware import read_text
from rag.types import ScoredChunk, Span

Vectors = npt.NDArray[np.float32]

DEFAULT_FILE = Path(__file__).parents[1] / "models" / "weights" / "confidence.json"
CLIP = 10.0  # logits
AROUND = 60  # characters


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span in a passage, with what surrounds it.

    Attributes
    ----------
    passage : ScoredChunk
    span : Span
    sentence : str
        The whole sentence or sentences around the span.
    before : str
        What the sentence says ahead of the span.
    heading : str
        The sentence before, where it is a question of the article's own; else empty.
    date : str or None
        Of the document, ISO 8601.
    sentence_cosine : float
        Of the question and the sentence, in [-1, 1].
    vector : Vectors or None
        Of the sentence, (dim,) float32, unit norm.
    evidence : float
        Logit that this span answers the question rightly; candidates are ranked by it.
    """

    passage: ScoredChunk
    span: Span
    sentence: str
    before: str = ""
    heading: str = ""
    date: str | None = None
    sentence_cosine: float = 0.0
    vector: Vectors | None = field(default=None, compare=False, repr=False)
    evidence: float = 0.0


def agree(left: str, right: str) -> bool:
    """Whether two spans tell the same: one holds the other's words, or they share most (names by sound).

    Figures, days and denials that differ tell apart what is otherwise alike ("780 million", "640 million").
    """
    if contradict(left, right):
        return False
    a, b = content_words(left), content_words(right)
    if not a or not b:
        return words(left) == words(right)
    if len(a) > len(b):
        a, b = b, a
    shared = sum(any(same_word(word, other) for other in b) for word in a)
    return shared >= 0.99 * len(a) or 2 * shared / (len(a) + len(b)) >= 0.6


def contradict(left: str, right: str) -> bool:
    """Whether both give figures or days of which neither holds the other's, or one denies what the other says."""
    a, b = facts(left), facts(right)
    if a.numbers and b.numbers and not (a.numbers <= b.numbers or b.numbers <= a.numbers):
        return True
    if a.dates and b.dates and not any(x.startswith(y) or y.startswith(x) for x in a.dates for y in b.dates):
        return True  # "03" is a month, "03-12" a day in it
    return bool((a.negated - b.negated) & _word_set(right) or (b.negated - a.negated) & _word_set(left))


@lru_cache(maxsize=1 << 16)  # the same words meet in every passage of a question
def same_word(left: str, right: str) -> bool:
    """Equal, another spelling, or another ending of a word of five letters or more."""
    if left == right:
        return True
    stem = min(len(left), len(right), 5)
    return (stem == 5 and left[:5] == right[:5] and abs(len(left) - len(right)) <= 4) or same_name(left, right)


@lru_cache(maxsize=256)
def _word_set(text: str) -> frozenset[str]:
    return frozenset(words(text))


def covered(wanted: Sequence[str], text: str) -> float:
    """Share of the wanted folded words that a text has, by spelling or stem; 1.0 when none is wanted."""
    if not wanted:
        return 1.0
    present = _word_set(text)
    return sum(word in present or any(same_word(word, other) for other in present) for word in wanted) / len(wanted)


def names(question: str) -> list[str]:
    """Folded words of the question with a capital; the first word's capital says nothing."""
    return [
        word
        for match in list(WORD.finditer(question))[1:]
        if match.group()[0].isupper()
        for word in words(match.group())
        if word not in STOPWORDS
    ]


def _spelled(date: str | None) -> str:
    """An ISO date in words, as a question would name it ("2023-06-30" -> "30 June 2023")."""
    year, month, day = [*(date or "").split("-"), "", ""][:3]
    return f"{day.lstrip('0')} {calendar.month_name[int(month)] if month else ''} {year}"


def evidence_signals(question: str, candidate: Candidate) -> dict[str, float]:
    """What speaks for and against one candidate, seen by itself.

    Parameters
    ----------
    question : str
        As understood.
    candidate : Candidate
    """
    wanted = content_words(question)
    context = _context(candidate)
    margin = _clip(candidate.span.score)
    kind = kind_of(question)
    return {
        "margin": margin,
        "margin_below_zero": min(margin, 0.0),
        "sentence_cosine": candidate.sentence_cosine,
        "covered_passage": covered(wanted, context),
        "covered_sentence": covered(wanted, f"{candidate.heading} {candidate.sentence}"),
        "covered_around": covered(wanted, _around(candidate)),
        "names_missing": 1.0 - covered(names(question), context),
        "numbers_missing": 1.0 - covered([word for word in wanted if word.isdigit()], context),
        "fits": fits(kind, candidate.span.text, candidate.before),
        "log_rank": math.log(candidate.passage.rank),
        "span_words": math.log1p(len(candidate.span.text.split())),
        "reason": float(kind == "reason"),
        "list": float(kind == "list"),
        "other": float(kind == "other"),
    }


def decision_signals(question: str, candidates: Sequence[Candidate]) -> dict[str, float]:
    """What the ranked candidates say together of the first one; best first, at least one."""
    best = candidates[0]
    rivals = [c.evidence for c in candidates[1:] if not agree(c.span.text, best.span.text)]
    documents = {c.span.document_id for c in candidates[1:] if agree(c.span.text, best.span.text) and c.span.score > 0}
    return {
        "evidence": _clip(best.evidence),
        "gap": best.evidence - max([-CLIP, *rivals]) if rivals else 0.0,
        "support": float(bool(documents - {best.span.document_id})),
        "covered_passage": covered(content_words(question), _context(best)),
    }


def _context(candidate: Candidate) -> str:
    return f"{_spelled(candidate.date)} {candidate.passage.chunk.title}\n{candidate.passage.chunk.text}"


def _around(candidate: Candidate) -> str:
    """The passage's characters within `AROUND` of the span, without the span."""
    chunk, span = candidate.passage.chunk, candidate.span
    start, end = span.start - chunk.start, span.end - chunk.start
    return f"{chunk.text[max(0, start - AROUND) : start]} {chunk.text[end : end + AROUND]}"


def _clip(logit: float) -> float:
    return max(-CLIP, min(CLIP, logit))


class Calibration:
    """Two logistic regressions: one ranks candidates by their evidence, one says how sure the first is."""

    def __init__(self, evidence: Mapping[str, float], decision: Mapping[str, float]) -> None:
        """Weights by the names of the signals, with a "bias" each."""
        self._evidence = dict(evidence)
        self._decision = dict(decision)

    @classmethod
    def load(cls, path: Path = DEFAULT_FILE) -> Calibration:
        """Read the weights that `python -m training.calibrate` wrote."""
        data = json.loads(read_text(path))
        return cls(data["evidence"], data["decision"])

    @classmethod
    def of_margin(cls) -> Calibration:
        """The reader's margin alone, its logit taken at its word: for readers that nobody calibrated."""
        return cls({"margin": 1.0}, {"evidence": 1.0})

    def rank(self, question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates with their evidence, best first; ties by place."""
        return self.order(candidates, [evidence_signals(question, candidate) for candidate in candidates])

    def order(self, candidates: Sequence[Candidate], signals: Sequence[Mapping[str, float]]) -> list[Candidate]:
        """The same with signals at hand, those of each candidate."""
        pairs = zip(candidates, signals, strict=True)
        scored = [replace(candidate, evidence=_weigh(self._evidence, values)) for candidate, values in pairs]
        return sorted(scored, key=lambda c: (-c.evidence, c.span.document_id, c.span.start))

    def probability(self, question: str, candidates: Sequence[Candidate]) -> float:
        """That the first of the ranked candidates is a right answer, in (0, 1)."""
        logit = _weigh(self._decision, decision_signals(question, candidates))
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def _weigh(weights: Mapping[str, float], values: Mapping[str, float]) -> float:
    return weights.get("bias", 0.0) + sum(weight * values.get(name, 0.0) for name, weight in weights.items())
