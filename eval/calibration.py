"""Questions asked of whole corpora -> the ranking of candidates and the confidence of the first one, fitted to them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from tqdm import tqdm

from eval import regression
from eval.datasets import Dataset, Question, select
from eval.evidence import covers
from eval.metrics import Booleans, Floats, auroc, calibration_error, contains, is_right, polar
from rag.answering.composing import short_answer
from rag.answering.confidence import (
    SIGNS,
    Bounds,
    Calibration,
    Candidate,
    decision_signals,
    evidence_signals,
    is_polar,
    yes_no_signals,
)
from rag.config import Settings
from rag.logistic import CLIP
from rag.pipeline import Chatbot

# Of all questions of a corpus together, however many; those of "passages" ask for yes or no.
WEIGHTS = {
    "fixed": 2.0, "news": 2.0, "talks": 1.0, "yes-no": 1.0, "fields": 2.0, "notices": 1.0, "tables": 1.0, "asking": 1.0,
    "plain": 2.0,
    "strangers": 2.0, "SQuAD": 1.0, "mixed": 1.0, "passages": 1.0,
}  # fmt: skip
YES_NO = 100  # questions for yes or no; fewer say nothing of their own
# Of what the bounds of a reader's judgement are fitted to, the share that may lie on their wrong side.
TAKEN_FOR_A_LIST = 0.015  # of the questions that ask for one answer
TAKEN_FOR_DENIED = 0.01  # of the right answers
WRONG_WORD = 0.06  # of the sentences that decide a yes-no question and are met
REFUSED = 0.92  # of the unanswerable, at which the answered share is printed beside that at one half


@dataclass(frozen=True)
class Asked:
    """A question with its candidates, whether each span is right, and whether each tells a person who reads it.

    Spans are ranked by the first; confidence is about the second, as an answer comes with its sentence.
    `polar` and `many`: whether yes or no is asked for, or a list; `mistaken`: whether a span's sentence decides what is
    asked, and the reader says yes for no.
    """

    corpus: str
    question: str
    candidates: tuple[Candidate, ...]
    right: tuple[bool, ...]
    tells: tuple[bool, ...]
    answerable: bool
    polar: bool = False
    many: bool = False
    mistaken: tuple[bool, ...] = ()


def ask(dataset: Dataset, bot: Chatbot, limit: int) -> list[Asked]:
    """What the reader says of a set's questions, but those that need earlier ones; `bot` is over its articles."""
    texts = {document.id: document.text for document in bot.documents()}
    asked = []
    alone = replace(dataset, questions=tuple(question for question in dataset.questions if not question.history))
    for question in tqdm(select(alone, limit=limit).questions, desc=dataset.name, disable=None):
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
        asked.append(
            Asked(
                dataset.name,
                understood,
                tuple(candidates),
                right,
                tells,
                question.answerable,
                question.polar,
                many=bool(question.parts),
                mistaken=tuple(here and not fits for here, fits in zip(shown, right, strict=True)),
            )
        )
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
    """The regressions: each question of a corpus counts the same, and all of them together the corpus's weight.

    Questions for yes or no have one of their own where there are `YES_NO` of them at least.
    """
    rows, labels, weights = [], [], []
    worth = _worth(asked)
    for item in asked:
        for candidate, right in zip(item.candidates, item.right, strict=True):
            rows.append(evidence_signals(candidate))
            labels.append(right)
            weights.append(worth[item.corpus] / math.sqrt(len(item.candidates)))
    evidence = regression.fit(rows, labels, weights, SIGNS)
    bounds = asdict(_bounds(asked, Calibration(evidence, {})))
    ranker = Calibration(evidence, {}, bounds=bounds)
    found = [(item, ranker.rank(item.candidates)) for item in asked if item.candidates]
    yes_no = [pair for pair in found if is_polar(pair[1][0])]
    if len(yes_no) < YES_NO:
        return Calibration(evidence, _fit(found, decision_signals), bounds=bounds)
    rest = [pair for pair in found if not is_polar(pair[1][0])]
    apart = _fit(yes_no, lambda ranked: yes_no_signals(ranked[0]))
    return Calibration(evidence, _fit(rest, decision_signals), apart, bounds)


def _bounds(asked: Sequence[Asked], ranker: Calibration) -> Bounds:
    """Where what the reader says at the first token is believed; of every question it is known what it asks for."""
    ranked = [(item, ranker.rank(item.candidates)[0]) for item in asked if item.candidates]
    first = [(item, best, best.judgement) for item, best in ranked if best.judgement]
    polar = [judged.polar for item, _, judged in first if item.polar]
    others = [judged.polar for item, _, judged in first if not item.polar]
    single = [(item, best, judged) for item, best, judged in first if not item.polar and not item.many]
    denials = [judged.denial for item, best, judged in single if _of(item.right, item, best)]
    if len(polar) < YES_NO or not denials:
        return Bounds()
    polar_from = (np.quantile(polar, 0.01) + np.quantile(others, 0.99)) / 2
    many = np.quantile([judged.many for _, _, judged in single], 1 - TAKEN_FOR_A_LIST)
    denied = np.quantile(denials, 1 - TAKEN_FOR_DENIED)
    met = [
        (abs(judged.denial), mistaken)
        for item, best, judged in first
        if item.polar and ((mistaken := _of(item.mistaken, item, best)) or _of(item.right, item, best))
    ]
    bounds = (polar_from, many, denied, _decided_from(met))
    return Bounds(*(round(float(bound), 2) for bound in bounds))


def _decided_from(words: Sequence[tuple[float, bool]]) -> float:
    """The least |denial| from which on at most `WRONG_WORD` are wrong; each word by its |denial|, and whether it is."""
    sure = sorted(words, reverse=True)
    wrong = np.cumsum([mistaken for _, mistaken in sure]) / np.arange(1, len(sure) + 1)
    allowed = np.flatnonzero(wrong <= WRONG_WORD)
    return sure[int(allowed[-1])][0] if len(allowed) else CLIP


def _fit(
    found: Sequence[tuple[Asked, Sequence[Candidate]]], signals: Callable[[Sequence[Candidate]], dict[str, float]]
) -> dict[str, float]:
    labels = [_tells(item, ranked[0]) for item, ranked in found]
    worth = _worth(item for item, _ in found)
    weights = [worth[item.corpus] for item, _ in found]
    return regression.fit([signals(ranked) for _, ranked in found], labels, weights, SIGNS)


def _worth(asked: Iterable[Asked]) -> dict[str, float]:
    """What one question of each corpus counts."""
    return {name: WEIGHTS[name] / count for name, count in Counter(item.corpus for item in asked).items()}


def _tells(item: Asked, first: Candidate) -> bool:
    return _of(item.tells, item, first)


def _of(values: Sequence[bool], item: Asked, candidate: Candidate) -> bool:
    """What is known of one of a question's candidates."""
    return next(value for c, value in zip(item.candidates, values, strict=True) if c.span == candidate.span)


def report(name: str, asked: Sequence[Asked], calibration: Calibration) -> str:
    """One line of figures of a part."""
    rows = []
    for item in asked:
        ranked = calibration.rank(item.candidates)
        found = (calibration.probability(ranked), _tells(item, ranked[0])) if ranked else (0.0, False)
        rows.append((*found, item.answerable))
    confidence, right, has = (np.array(column) for column in zip(*rows, strict=True))
    return f"{name}: {_figures(confidence, right.astype(bool), has.astype(bool))}"


def _figures(confidence: Floats, right: Booleans, has: Booleans) -> str:
    shown = confidence >= Settings().abstain_below
    figures: dict[str, float | None] = {"questions": float(len(right)), "right at rank 1": right[has].mean()}
    figures["right and shown"] = (right & shown)[has].mean()
    if (~has).any():
        figures["refused"] = (~shown)[~has].mean()
        strict = confidence > np.quantile(confidence[~has], REFUSED)
        figures[f"right at {REFUSED:.0%} refused"] = (right & strict)[has].mean()
        figures["AUROC of answerable"] = auroc(confidence, has)
    figures["AUROC of right"] = auroc(confidence, right)
    figures["calibration error"] = calibration_error(confidence, right.astype(float))
    return ", ".join(f"{key} –" if value is None else f"{key} {value:.3f}" for key, value in figures.items())
