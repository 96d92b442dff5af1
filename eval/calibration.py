"""Questions asked of whole corpora -> the ranking of candidates and the confidence of the first one, fitted to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from eval import regression
from eval.datasets import Dataset, Question
from eval.evidence import covers
from eval.metrics import Booleans, Floats, auroc, calibration_error, contains, is_right, polar
from rag.answering.composing import short_answer
from rag.answering.confidence import (
    SIGNS,
    Calibration,
    Candidate,
    decision_signals,
    evidence_signals,
    is_polar,
    yes_no_signals,
)
from rag.config import Settings
from rag.pipeline import Chatbot

# Of one question of each corpus; "passages" are asked for yes or no.
WEIGHTS = {"fixed": 2.0, "news": 2.0, "yes-no": 1.0, "SQuAD": 1.0, "mixed": 1.0, "passages": 1.0}
YES_NO = 100  # questions for yes or no; fewer say nothing of their own
REFUSED = 0.92  # of the unanswerable, at which the answered share is printed beside that at one half


@dataclass(frozen=True)
class Asked:
    """A question with its candidates, whether each span is right, and whether each tells a person who reads it.

    Spans are ranked by the first; confidence is about the second, as an answer comes with its sentence.
    """

    corpus: str
    question: str
    candidates: tuple[Candidate, ...]
    right: tuple[bool, ...]
    tells: tuple[bool, ...]
    answerable: bool
    group: str


def ask(dataset: Dataset, bot: Chatbot, limit: int) -> list[Asked]:
    """What the reader says of a set's questions, but those that need earlier ones; `bot` is over its articles."""
    texts = {document.id: document.text for document in bot.documents()}
    asked = []
    alone = [question for question in dataset.questions if not question.history]
    for question in tqdm(alone[:limit], desc=dataset.name, disable=None):
        understood, candidates = bot.consider(question.question)
        shown = [
            any(
                covers((c.span.document_id, c.span.start, c.span.end, c.span.text), item, texts.get)
                for item in question.evidence
            )
            for c in candidates
        ]
        right = tuple(here and _answers(question, c) for here, c in zip(shown, candidates, strict=True))
        tells = tuple(
            fits or (here and not question.polar and contains(c.sentence, _accepted(question)))
            for fits, here, c in zip(right, shown, candidates, strict=True)
        )
        asked.append(Asked(dataset.name, understood, tuple(candidates), right, tells, question.answerable, question.id))
    return asked


def _accepted(question: Question) -> list[str]:
    return [text for part in question.parts for text in part] or list(question.answers)


def _answers(question: Question, candidate: Candidate) -> bool:
    """Whether the short answer is right; of a yes-no question a sentence that is shown without either word is, too."""
    said = short_answer(candidate)
    if question.polar:
        return polar(said) in (None, *map(polar, question.answers))
    return is_right(said, _accepted(question))


def fit(asked: Sequence[Asked]) -> Calibration:
    """The regressions: each question counts once among the candidates, by its corpus's weight.

    Questions for yes or no have one of their own where there are `YES_NO` of them at least.
    """
    rows, labels, weights = [], [], []
    for item in asked:
        for candidate, right in zip(item.candidates, item.right, strict=True):
            rows.append(evidence_signals(candidate))
            labels.append(right)
            weights.append(WEIGHTS[item.corpus] / math.sqrt(len(item.candidates)))
    ranker = Calibration(regression.fit(rows, labels, weights, SIGNS), {})
    found = [(item, ranker.rank(item.candidates)) for item in asked if item.candidates]
    yes_no = [pair for pair in found if is_polar(pair[1][0])]
    if len(yes_no) < YES_NO:
        return Calibration(ranker.evidence, _fit(found, decision_signals))
    rest = [pair for pair in found if not is_polar(pair[1][0])]
    apart = _fit(yes_no, lambda ranked: yes_no_signals(ranked[0]))
    return Calibration(ranker.evidence, _fit(rest, decision_signals), apart)


def _fit(
    found: Sequence[tuple[Asked, Sequence[Candidate]]], signals: Callable[[Sequence[Candidate]], dict[str, float]]
) -> dict[str, float]:
    labels = [_tells(item, ranked[0]) for item, ranked in found]
    weights = [WEIGHTS[item.corpus] for item, _ in found]
    return regression.fit([signals(ranked) for _, ranked in found], labels, weights, SIGNS)


def _tells(item: Asked, first: Candidate) -> bool:
    return next(tells for c, tells in zip(item.candidates, item.tells, strict=True) if c.span == first.span)


def report(name: str, asked: Sequence[Asked], calibration: Calibration) -> str:
    """One line of figures of a part."""
    rows = []
    for item in asked:
        if item.candidates:
            ranked = calibration.rank(item.candidates)
            rows.append((calibration.probability(ranked), _tells(item, ranked[0]), item.answerable))
    confidence, right, has = (np.array(column) for column in zip(*rows, strict=True))
    return f"{name}: {_figures(confidence, right.astype(bool), has.astype(bool))}"


def _figures(confidence: Floats, right: Booleans, has: Booleans) -> str:
    shown = confidence >= Settings().abstain_below
    figures = {"questions": float(len(right)), "right at rank 1": right[has].mean()}
    figures["right and shown"] = (right & shown)[has].mean()
    if (~has).any():
        figures["refused"] = (~shown)[~has].mean()
        strict = confidence > np.quantile(confidence[~has], REFUSED)
        figures[f"right at {REFUSED:.0%} refused"] = (right & strict)[has].mean()
        figures["AUROC of answerable"] = auroc(confidence, has) or 0.0
    figures["AUROC of right"] = auroc(confidence, right) or 0.0
    figures["calibration error"] = calibration_error(confidence, right.astype(float)) or 0.0
    return ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
