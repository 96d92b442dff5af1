"""A run's figures: per kind of question and in all, with intervals. Plain dicts, ready for report.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from eval import bootstrap, metrics, retrieval
from eval.bootstrap import Difference, Estimate
from eval.datasets import Dataset, Question
from eval.evidence import TextOf
from eval.run import Prediction
from eval.scoring import GUARDED, GUARDED_LOW, MEASURES, Scores, failure, is_refusal, score

ALL = "all"
Indices = npt.NDArray[np.intp]
FIGURES = {
    "abstention_precision": "Of the refused questions, the share that has no answer.",
    "abstention_f1": "Harmonic mean of abstention_precision and refused.",
    "auroc": "Chance that an answerable question has a higher confidence than an unanswerable one; 0.5 is blind.",
    "aurc": "Area under the risk-coverage curve (El-Yaniv and Wiener, 2010): mean share of wrong answers when only the "
    "most confident are given. A refusal is no right answer here. Lower is better.",
    "ece": "Expected calibration error of the confidence (Guo et al., 2017), over the questions that got an answer; "
    "ten bins. Lower is better.",
    "best_em": "Gold passage given: EM at the threshold that suits this very set best, an upper bound (SQuAD 2.0).",
    "best_f1": "Gold passage given: F1 at the threshold that suits this very set best, an upper bound (SQuAD 2.0).",
}


def score_all(dataset: Dataset, predictions: Mapping[str, Prediction], text_of: TextOf) -> dict[str, Scores]:
    """Question id -> its figures, retrieval included."""
    empty: Scores = dict.fromkeys(MEASURES)
    scores = {
        question.id: score(question, predictions[question.id].answer, text_of) if dataset.answers else dict(empty)
        for question in dataset.questions
    }
    said = {question.id: predictions[question.id].answer for question in dataset.questions}
    # A system that shows passages and fails at a question has found nothing; one that shows none is not judged.
    shows = any(answer.get("passages") is not None for answer in said.values())
    rankings = {
        question.id: retrieval.judged(question, passages or (), text_of)
        for question in dataset.questions
        if (passages := said[question.id].get("passages")) is not None or (shows and "error" in said[question.id])
    }
    for id, values in retrieval.score(rankings).items():
        # An answer shows a few passages, a ranking a hundred.
        scores[id].update({n: value for n, value in values.items() if not dataset.answers or n != "Recall@100"})
    return scores


def summarise(
    dataset: Dataset, predictions: Mapping[str, Prediction], scores: Mapping[str, Scores], text_of: TextOf
) -> dict[str, Any]:
    """Everything that a report says in figures.

    Returns
    -------
    dict
        "figures": group -> measure -> value, low, high, count; "seconds": group -> stage -> median,
        p95; "failures": group -> stage -> count; "curves": what the plots draw; "questions": each
        question's figures, by which two runs are compared.
    """
    groups = group(dataset.questions)
    figures: dict[str, dict[str, Any]] = {}
    for name, questions in groups.items():
        clusters = [q.cluster for q in questions]
        estimates = {m: bootstrap.mean([scores[q.id][m] for q in questions], clusters) for m in MEASURES}
        figures[name] = {m: asdict(estimate) for m, estimate in estimates.items() if estimate is not None}
    curves: dict[str, Any] = {}
    if dataset.answers:
        whole, curves = _whole(dataset.questions, predictions, scores)
        figures[ALL].update({m: asdict(estimate) for m, estimate in whole.items() if estimate is not None})
    failures = {
        q.id: failure(q, predictions[q.id].answer, scores[q.id], text_of) if dataset.answers else None
        for q in dataset.questions
    }
    return {
        "figures": figures,
        "seconds": {name: _seconds([predictions[q.id] for q in questions]) for name, questions in groups.items()},
        "failures": {
            name: dict(Counter(stage for q in questions if (stage := failures[q.id])).most_common())
            for name, questions in groups.items()
        },
        "errors": sum("error" in predictions[q.id].answer for q in dataset.questions),
        "curves": curves,
        "questions": {
            "id": [q.id for q in dataset.questions],
            "kind": [q.kind for q in dataset.questions],
            "cluster": [q.cluster for q in dataset.questions],
            "failure": [failures[q.id] for q in dataset.questions],
            **{
                m: [_short(scores[q.id][m]) for q in dataset.questions]
                for m in MEASURES
                if any(scores[q.id][m] is not None for q in dataset.questions)
            },
        },
    }


def group(questions: Sequence[Question]) -> dict[str, list[Question]]:
    """ "all" and each kind, with its questions; kinds in the order of their first question."""
    groups: dict[str, list[Question]] = {ALL: list(questions)}
    for question in questions:
        groups.setdefault(question.kind, []).append(question)
    return groups


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _whole(
    questions: Sequence[Question], predictions: Mapping[str, Prediction], scores: Mapping[str, Scores]
) -> tuple[dict[str, Estimate | None], dict[str, Any]]:
    """Figures that belong to the set and not to a question, and the curves behind them."""
    said = [predictions[q.id].answer for q in questions]
    answerable = np.array([q.answerable for q in questions])
    abstained = np.array([is_refusal(answer) for answer in said])
    failed = np.array(["error" in answer for answer in said], dtype=bool)  # neither sure nor unsure of anything
    count = len(questions)
    clusters = [q.cluster for q in questions]
    figures: dict[str, Estimate | None] = {}
    empty = [None if answer else float(not has) for answer, has in zip(~abstained, answerable, strict=True)]
    figures["abstention_precision"] = bootstrap.mean(empty, clusters)
    figures["abstention_f1"] = bootstrap.statistic(
        lambda i: metrics.abstention_f1(abstained[i], answerable[i]), count, clusters
    )
    curves: dict[str, Any] = {}
    if all(answer.get("confidence") is not None or "error" in answer for answer in said):
        confidence = np.array([float(answer.get("confidence", 0.0)) for answer in said])
        right = np.array([float(scores[q.id]["right"] or 0.0) for q in questions])
        heard = np.flatnonzero(~failed)
        figures["auroc"] = bootstrap.statistic(
            lambda i: metrics.auroc(confidence[heard[i]], answerable[heard[i]]),
            len(heard),
            [clusters[i] for i in heard],
        )
        figures["aurc"] = bootstrap.statistic(lambda i: metrics.aurc(confidence[i], right[i]), count, clusters)
        answered = np.flatnonzero(~abstained & ~failed)
        figures["ece"] = bootstrap.statistic(
            lambda i: metrics.calibration_error(confidence[answered[i]], right[answered[i]]),
            len(answered),
            [clusters[i] for i in answered],
        )
        coverage, risk = metrics.risk_coverage(confidence, right)
        ideal = metrics.risk_coverage(right, right)[1]
        keep = np.unique(np.linspace(0, count - 1, min(count, 400)).astype(int))
        curves = {
            "coverage": [round(float(c), 4) for c in coverage[keep]],
            "risk": [round(float(r), 4) for r in risk[keep]],
            "best_risk": [round(float(r), 4) for r in ideal[keep]],
            "answered": float(np.mean(~abstained & ~failed)),
            "reliability": [asdict(b) for b in metrics.reliability(confidence[answered], right[answered])],
        }
    if all("margin" in answer for answer in said):
        margin = np.array([float(answer["margin"]) for answer in said])
        for name in ("em", "f1"):
            value = np.array([float(scores[q.id][f"{name}_always"] or 0.0) for q in questions])

            def best(i: Indices, value: metrics.Floats = value) -> float:
                return metrics.best_threshold(margin[i], value[i], answerable[i])[0]

            figures[f"best_{name}"] = bootstrap.statistic(best, count, clusters)
    return figures, curves


def _seconds(predictions: Sequence[Prediction]) -> dict[str, dict[str, float]]:
    """Stage -> median and 95th percentile, of the stages that the system reports and of the whole call."""
    stages: dict[str, list[float]] = {}
    for prediction in predictions:
        for stage, seconds in prediction.answer.get("seconds", {}).items():
            stages.setdefault(stage, []).append(float(seconds))
        stages.setdefault("call", []).append(prediction.seconds)
    return {
        stage: {"median": float(np.median(values)), "p95": float(np.percentile(values, 95)), "count": len(values)}
        for stage, values in stages.items()
    }


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Difference]:
    """Measure -> gain of one report's figures over another's, on the questions that both have."""

    def values(report: Mapping[str, Any], measure: str) -> dict[str, float | None]:
        return dict(zip(report["questions"]["id"], report["questions"][measure], strict=True))

    shared = [m for m in MEASURES if m in before["questions"] and m in after["questions"]]
    clusters = dict(zip(after["questions"]["id"], after["questions"]["cluster"], strict=True))
    gains = {m: bootstrap.paired(values(before, m), values(after, m), clusters) for m in shared}
    return {m: gain for m, gain in gains.items() if gain is not None}


def falls(differences: Mapping[str, Difference]) -> list[str]:
    """The guarded measures that fell, or of which less is better and which rose, by more than chance explains."""
    fell = [m for m in GUARDED if m in differences and differences[m].fell]
    return fell + [m for m in GUARDED_LOW if m in differences and differences[m].rose]


def unmeasured(before: Mapping[str, Any], differences: Mapping[str, Difference]) -> list[str]:
    """The guarded measures of the earlier run that cannot be compared: what is not measured has not passed."""
    return [m for m in (*GUARDED, *GUARDED_LOW) if m in before["questions"] and m not in differences]
