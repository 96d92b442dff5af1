"""How likely an answer is to be right: a small logistic decision over signals that one margin does not hold."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.errors import ModelError
from rag.language.facts import contradict, facts
from rag.language.text import WORD, content_words, same_sound, stem, words
from rag.logistic import clip, sigmoid, weigh
from rag.models.hardware import read_text
from rag.types import Judgement, ScoredChunk, Span

Vectors = npt.NDArray[np.float32]

FILE_NAME = "confidence.json"  # beside the weights of each reader that ships
_HYPHEN = re.compile("[-‐‑]")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Logits from which what a reader says at a window's first token is believed, fitted beside its confidence.

    Attributes
    ----------
    polar, many : float
        That yes or no is asked for, and that a list is, in the mean of a question's passages.
    denied : float
        That a passage denies what is asked, where that is neither yes or no nor a list.
    decided : float
        Either way, that yes or no is said.
    """

    polar: float = 0.0
    many: float = 0.0
    denied: float = 0.0
    decided: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span in a passage, with what surrounds it.

    Attributes
    ----------
    passage : ScoredChunk
    span : Span
    sentence : str
        The whole sentence or sentences around the span.
    heading : str
        The sentence before, where it is a question of the article's own; else empty.
    vector : Vectors or None
        Of the sentence, (dim,) float32, unit norm.
    judgement : Judgement or None
        What the reader says of the whole passage and of the question.
    second : bool
        Whether the passage has a better span.
    logit : float
        That this span answers the question rightly; candidates are ranked by it.
    bounds : Bounds
        From which the judgement is believed.
    """

    passage: ScoredChunk
    span: Span
    sentence: str
    heading: str = ""
    vector: Vectors | None = field(default=None, compare=False, repr=False)
    judgement: Judgement | None = None
    second: bool = False
    logit: float = 0.0
    bounds: Bounds = Bounds()


def agree(left: str, right: str) -> bool:
    """Whether two spans tell the same: one holds the other's words, or they share most (names by sound).

    Figures and days that differ tell apart what is otherwise alike ("780 million", "640 million"). Figures and
    days that are the same may be written otherwise ("twelve people", "12"), names without their hyphen ("Meilin").
    """
    if contradict(left, right):
        return False
    if not content_words(left) or not content_words(right):
        return words(left) == words(right)
    if words(_HYPHEN.sub("", left)) == words(_HYPHEN.sub("", right)):
        return True
    a, b = facts(left), facts(right)
    of_one_fact = a.days == b.days and bool(a.days or (a.numbers and a.numbers == b.numbers))
    return _alike(content_words(left), content_words(right)) or (of_one_fact and _alike(_told(left), _told(right)))


def _alike(left: Sequence[str], right: Sequence[str]) -> bool:
    # Not by `same_name`: "Ireland" for "Iceland" is a typing error in a question, and another country in an article.
    fewer, more = sorted((left, right), key=len)
    shared = sum(any(stem(word) == stem(other) or same_sound(word, other) for other in more) for word in fewer)
    return shared >= 0.99 * len(fewer) or 2 * shared / (len(fewer) + len(more)) >= 0.6


def _told(text: str) -> list[str]:
    """The content words of a text, but its figures and days (with two dashes in front, as no figure has) as facts."""
    given, written = facts(text), (match.group() for match in WORD.finditer(text))
    plain = [word for word in written if not (facts(word).numbers or facts(word).dates)]
    return [*content_words(" ".join(plain)), *given.numbers, *(f"--{day}" for day in given.dates)]


SIGNS = {
    "margin": 1, "log_rank": -1, "second": -1,
    "evidence": 1, "gap": 1, "sure": 1,
}  # fmt: skip
"""Which way each signal may count: more support never lowers the confidence."""


def evidence_signals(candidate: Candidate) -> dict[str, float]:
    """What speaks for and against one candidate, seen by itself."""
    return {
        "margin": clip(candidate.span.score),
        "log_rank": math.log(candidate.passage.rank),
        "second": float(candidate.second),
    }


def decision_signals(candidates: Sequence[Candidate]) -> dict[str, float]:
    """What the ranked candidates say together of the first one; best first, at least one."""
    best = candidates[0]
    rivals = [c.logit for c in candidates[1:] if not says_the_same(best, c)]
    return {
        "evidence": clip(best.logit),
        # Without a rival it is even odds that there is none: no question that this is fitted to has none.
        "gap": best.logit - max(rivals) if rivals else max(0.0, best.logit),
    }


def yes_no_signals(best: Candidate) -> dict[str, float]:
    """What speaks for the best candidate where yes or no is asked for.

    A sentence that leaves it open ("She would like to open on Sundays") is as near to the question, by its words and
    among the others, as one that decides.
    """
    return {
        "margin": clip(best.span.score),
        "sure": clip(abs(best.judgement.denial)) if best.judgement else 0.0,
    }


def is_polar(candidate: Candidate) -> bool:
    """Whether the question asks for yes or no, as the reader takes it."""
    return candidate.judgement is not None and candidate.judgement.polar > candidate.bounds.polar


def is_list(candidate: Candidate) -> bool:
    """Whether the question asks for a list, as the reader takes it."""
    return candidate.judgement is not None and candidate.judgement.many > candidate.bounds.many


def says_no(candidate: Candidate) -> bool | None:
    """Whether the passage denies what a yes-no question asks; None for another question, or where that is not sure."""
    judged = candidate.judgement
    sure = judged is not None and is_polar(candidate) and abs(judged.denial) > candidate.bounds.decided
    return judged.denial > 0 if judged and sure else None


def is_denied(candidate: Candidate) -> bool:
    """Whether the passage seems to deny what is asked, if neither yes or no nor a list: "He did not approve it"."""
    judged = candidate.judgement
    asks_otherwise = is_polar(candidate) or is_list(candidate)
    return judged is not None and not asks_otherwise and judged.denial > candidate.bounds.denied


def says_the_same(left: Candidate, right: Candidate) -> bool:
    """Whether two candidates answer alike: both yes or both no where that is asked, else spans that agree."""
    words = says_no(left), says_no(right)
    if None not in words:
        return words[0] == words[1]
    return agree(left.span.text, right.span.text)


def best_of_passages(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The first candidate of each passage, in their order."""
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        best.setdefault(candidate.passage.chunk.id, candidate)
    return list(best.values())


class Calibration:
    """Logistic regressions: one gives each candidate its logit, one says how sure the first is, one how sure where yes
    or no is asked for."""

    def __init__(
        self,
        evidence: Mapping[str, float],
        decision: Mapping[str, float],
        yes_no: Mapping[str, float] | None = None,
        bounds: Mapping[str, float] | None = None,
    ) -> None:
        """Weights by the names of the signals, with a "bias" each; without `yes_no`, `decision` is for all.

        `evidence`, as the files call it, gives the logits.
        """
        self.evidence = dict(evidence)
        self.decision = dict(decision)
        self.yes_no = dict(yes_no or {})
        self.bounds = Bounds(**(bounds or {}))

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """Read the weights that `python -m training.calibrate` wrote; ModelError where they weigh other signals."""
        data = json.loads(read_text(path))
        weighed = {name for part in ("evidence", "decision", "yes_no") for name in data.get(part, ())}
        if other := ", ".join(sorted(weighed - SIGNS.keys() - {"bias"})):
            raise ModelError(f"{path} was fitted to signals that are gone ({other}); fit it anew (rag evaluate-reader)")
        return cls(**data)

    @classmethod
    def of_margin(cls) -> Calibration:
        """The reader's margin alone, its logit taken at its word: for readers that nobody calibrated."""
        return cls({"margin": 1.0}, {"evidence": 1.0})

    def to_dict(self) -> dict[str, dict[str, float]]:
        """What `load` reads."""
        made = {"evidence": self.evidence, "decision": self.decision, "bounds": asdict(self.bounds)}
        return made | {"yes_no": self.yes_no} if self.yes_no else made

    def rank(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Candidates with their logits and bounds, best first; ties by place."""
        scored = [replace(c, logit=weigh(self.evidence, evidence_signals(c)), bounds=self.bounds) for c in candidates]
        return sorted(scored, key=lambda c: (-c.logit, c.span.document_id, c.span.start))

    def probability(self, candidates: Sequence[Candidate]) -> float:
        """That the first of the ranked candidates is a right answer, in (0, 1)."""
        if self.yes_no and is_polar(candidates[0]):
            return sigmoid(weigh(self.yes_no, yes_no_signals(candidates[0])))
        return sigmoid(weigh(self.decision, decision_signals(candidates)))
