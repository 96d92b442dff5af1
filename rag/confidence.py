"""How likely an answer is to be right: a small logistic decision over signals that one margin does not hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.questions import fits, kind_of
from rag.text import STOPWORDS, WORD, content_words, same_name, words
from rag.types import ScoredChunk, Span

DEFAULT_FILE = Path(__file__).parent / "models" / "confidence.json"
CLIP = 10.0  # logits


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with the reader's best span in it and the sentence around the span."""

    passage: ScoredChunk
    span: Span
    sentence: str
    sentence_cosine: float = 0.0


def agree(left: str, right: str) -> bool:
    """Whether two spans tell the same: one holds the other's words, or they share most (names by sound)."""
    a, b = content_words(left), content_words(right)
    if not a or not b:
        return words(left) == words(right)
    if len(a) > len(b):
        a, b = b, a
    shared = sum(any(_same_word(word, other) for other in b) for word in a)
    return shared >= 0.99 * len(a) or 2 * shared / (len(a) + len(b)) >= 0.6


def _same_word(left: str, right: str) -> bool:
    """Equal, another spelling, or another ending of a word of five letters or more."""
    if left == right:
        return True
    stem = min(len(left), len(right), 5)
    return (stem == 5 and left[:5] == right[:5] and abs(len(left) - len(right)) <= 4) or same_name(left, right)


def covered(wanted: Sequence[str], text: str) -> float:
    """Share of the wanted folded words that a text has, by spelling or stem; 1.0 when none is wanted."""
    present = set(words(text))
    if not wanted:
        return 1.0
    return sum(word in present or any(_same_word(word, other) for other in present) for word in wanted) / len(wanted)


def signals(question: str, candidates: Sequence[Candidate]) -> dict[str, float]:
    """What speaks for and against the first candidate.

    Parameters
    ----------
    question : str
        As understood.
    candidates : sequence of Candidate
        Best first; at least one.
    """
    best, others = candidates[0], candidates[1:]
    wanted = content_words(question)
    # The first word's capital says nothing; a question all in lower case names nobody.
    names = [
        word
        for match in list(WORD.finditer(question))[1:]
        if match.group()[0].isupper()
        for word in words(match.group())
        if word not in STOPWORDS
    ]
    numbers = [word for word in wanted if word.isdigit()]
    context = f"{best.passage.chunk.title}\n{best.passage.chunk.text}"
    rivals = [c.span.score for c in others if not agree(c.span.text, best.span.text)]
    supporters = [c for c in others if c.span.score > 0 and agree(c.span.text, best.span.text)]
    kind = kind_of(question)
    margin = max(-CLIP, min(CLIP, best.span.score))
    return {
        "margin": margin,
        "margin_squared": margin * abs(margin) / CLIP,
        "gap": max(-CLIP, min(CLIP, best.span.score - max(rivals, default=-CLIP))),
        "support": min(len(supporters), 3) / 3,
        "cosine": best.passage.scores.get("dense", 0.0),
        "sentence_cosine": best.sentence_cosine,
        "covered_passage": covered(wanted, context),
        "covered_sentence": covered(wanted, best.sentence),
        "names_missing": 1.0 - covered(names, context),
        "numbers_missing": 1.0 - covered(numbers, context),
        "fits": fits(kind, best.span.text),
        "reason": float(kind == "reason"),
        "list": float(kind == "list"),
        "rank": math.log(best.passage.rank),
        "span_words": math.log1p(len(best.span.text.split())),
    }


class Calibration:
    """A logistic regression over `signals`: probability that the first candidate answers the question rightly."""

    def __init__(self, weights: Mapping[str, float], bias: float) -> None:
        self._weights = dict(weights)
        self._bias = bias

    @classmethod
    def load(cls, path: Path = DEFAULT_FILE) -> Calibration:
        """Read the weights that `python -m training.calibrate` wrote."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(data["weights"], data["bias"])

    @classmethod
    def of_margin(cls) -> Calibration:
        """The reader's margin alone, its logit taken at its word: for readers that nobody calibrated."""
        return cls({"margin": 1.0}, 0.0)

    def probability(self, values: Mapping[str, float]) -> float:
        """In (0, 1)."""
        logit = self._bias + sum(weight * values.get(name, 0.0) for name, weight in self._weights.items())
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))
