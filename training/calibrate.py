"""Fit the ranking of candidates and the confidence of the first one, on questions asked of whole corpora.

`python -m training.calibrate --data DIR` asks the tune half of the fixed set and the held-out questions of the
training data (SQuAD articles that training left out) through retrieval and reader, and fits the two logistic
regressions of `rag.answering.confidence` to what came. A third of the held-out questions that have an answer are asked
again with every passage taken away that holds it: then nothing is right.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from tqdm import tqdm

from eval import datasets
from eval.evidence import covers
from eval.metrics import calibration_error, contains, is_right
from eval.sets import QUESTIONS, SEEDS
from eval.systems import build_bot
from rag.answering.confidence import DEFAULT_FILE, Calibration, Candidate, decision_signals, evidence_signals
from rag.config import Settings
from rag.language.questions import kind_of
from rag.pipeline import Chatbot
from rag.types import Document
from training.data import load_training

FIXED_WEIGHT = 2.0  # of a question of the fixed set against one of SQuAD
SEED = 7


@dataclass(frozen=True)
class Asked:
    """A question with its candidates, whether each span is right, and whether each tells a person who reads it.

    Spans are ranked by the first; confidence is about the second, as an answer comes with its sentence.
    """

    question: str
    candidates: tuple[Candidate, ...]
    right: tuple[bool, ...]
    tells: tuple[bool, ...]
    answerable: bool
    weight: float
    group: str

    @cached_property
    def signals(self) -> list[dict[str, float]]:
        """The signals of each candidate."""
        return [evidence_signals(self.question, candidate) for candidate in self.candidates]

    def ranked(self, calibration: Calibration) -> list[Candidate]:
        """The candidates, best first."""
        return calibration.order(self.candidates, self.signals)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/, as the model card describes it")
    parser.add_argument("--questions", type=int, default=900, help="held-out questions to ask")
    parser.add_argument("--output", type=Path, default=DEFAULT_FILE)
    arguments = parser.parse_args()

    asked = fixed_set() + held_out(arguments.data, arguments.questions)
    evidence = fit_evidence(asked)
    decision = fit_decision(asked, evidence)
    arguments.output.write_text(json.dumps({"evidence": evidence, "decision": decision}, indent=1) + "\n")
    print(f"wrote {arguments.output}")
    for name, part in (("fixed set, tune half", asked_of(asked, True)), ("held-out SQuAD", asked_of(asked, False))):
        cross_validate(name, asked, part)


def asked_of(asked: Sequence[Asked], fixed: bool) -> list[Asked]:
    """The questions of the fixed set, or the others."""
    return [item for item in asked if (item.weight == FIXED_WEIGHT) == fixed]


def fixed_set() -> list[Asked]:
    """The tune half of the fixed set without the questions that need earlier ones."""
    dataset = datasets.select(datasets.load(QUESTIONS, SEEDS), split="tune")
    bot = build_bot(dataset, Settings())
    texts = {document.id: document.text for document in bot.documents()}
    asked = []
    for question in tqdm([q for q in dataset.questions if not q.history], desc="fixed set", disable=None):
        understood, candidates = bot.consider(question.question)
        right, tells = [], []
        for candidate in candidates:
            place = (candidate.span.document_id, candidate.span.start, candidate.span.end, candidate.span.text)
            shown = any(covers(place, item, texts.get) for item in question.evidence)
            right.append(shown and is_right_candidate(understood, candidate, question.answers, question.parts))
            tells.append(right[-1] or (shown and not question.parts and contains(candidate.sentence, question.answers)))
        asked.append(
            Asked(
                understood,
                tuple(candidates),
                tuple(right),
                tuple(tells),
                question.answerable,
                FIXED_WEIGHT,
                question.cluster,
            )
        )
    return asked


def is_right_candidate(
    question: str, candidate: Candidate, answers: Sequence[str], parts: Sequence[Sequence[str]]
) -> bool:
    """Whether a candidate is right: its span, or for what takes a sentence its sentence; of a list, an item."""
    if parts:
        return any(contains(candidate.span.text, part) for part in parts)
    if is_right(candidate.span.text, answers):
        return True
    return kind_of(question) in ("reason", "other", "list") and contains(candidate.sentence, answers)


def held_out(data: Path, limit: int) -> list[Asked]:
    """Questions of the SQuAD articles that training left out, asked of all SQuAD articles at hand."""
    train, held = load_training(data)
    contexts = list(dict.fromkeys((q.title, q.context) for q in [*train, *held] if q.dataset == "squad"))
    ids = {context: f"{number:05d}" for number, (_, context) in enumerate(contexts)}
    documents = [Document(ids[text], title.replace("_", " "), text, ids[text]) for title, text in contexts]
    bot = Chatbot.from_documents(documents, Settings())
    questions = [question for question in held if question.dataset == "squad"]
    random.Random(SEED).shuffle(questions)
    asked = []
    for question in tqdm(questions[:limit], desc="held-out SQuAD", disable=None):
        answers = [text for _, text in question.answers]
        _, candidates = bot.consider(question.text)
        gold = ids[question.context]
        right = tuple(c.span.document_id == gold and is_right(c.span.text, answers) for c in candidates)
        tells = tuple(
            r or (c.span.document_id == gold and contains(c.sentence, answers))
            for r, c in zip(right, candidates, strict=True)
        )
        asked.append(Asked(question.text, tuple(candidates), right, tells, bool(answers), 1.0, question.title))
        if answers and zlib.crc32(question.text.encode()) % 3 == 0:
            rest = [c for c in candidates if c.span.document_id != gold and not contains(_passage(c), answers)]
            nothing = (False,) * len(rest)
            asked.append(Asked(question.text, tuple(rest), nothing, nothing, False, 1.0, question.title))
    return asked


def _passage(candidate: Candidate) -> str:
    return candidate.passage.chunk.text


def fit_evidence(asked: Sequence[Asked]) -> dict[str, float]:
    """Weights of the signals of one candidate: logistic regression, each question counting once."""
    rows, labels, weights = [], [], []
    for item in asked:
        for signals, right in zip(item.signals, item.right, strict=True):
            rows.append(signals)
            labels.append(right)
            weights.append(item.weight / math.sqrt(len(item.candidates)))
    return _fit(rows, labels, weights, strength=0.3)


def fit_decision(asked: Sequence[Asked], evidence: dict[str, float]) -> dict[str, float]:
    """Weights of the signals of the ranked candidates together."""
    ranker = Calibration(evidence, {})
    rows, labels, weights = [], [], []
    for item in asked:
        if item.candidates:
            ranked = item.ranked(ranker)
            rows.append(decision_signals(item.question, ranked))
            labels.append(_tells(item, ranked[0]))
            weights.append(item.weight)
    return _fit(rows, labels, weights, strength=10.0)


def _tells(item: Asked, first: Candidate) -> bool:
    return next(tells for c, tells in zip(item.candidates, item.tells, strict=True) if c.span == first.span)


def _fit(rows: list[dict[str, float]], labels: list[bool], weights: list[float], strength: float) -> dict[str, float]:
    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    scale = table.std(axis=0)
    scale[scale == 0] = 1.0
    model = LogisticRegression(C=strength, max_iter=2000).fit(table / scale, labels, sample_weight=weights)
    found: dict[str, float] = {n: round(float(w), 4) for n, w in zip(names, model.coef_[0] / scale, strict=True)}
    return found | {"bias": round(float(model.intercept_[0]), 4)}


def cross_validate(name: str, asked: Sequence[Asked], part: Sequence[Asked]) -> None:
    """Print what the fit is worth on questions of facts or articles that it has not seen, five folds."""
    chosen = set(map(id, part))
    groups = [item.group for item in asked]
    confidence, right, answerable = [], [], []
    folds = GroupKFold(min(5, len(set(groups)))).split(groups, groups=groups)
    for fitted, judged in folds:
        seen = [asked[i] for i in fitted]
        evidence = fit_evidence(seen)
        calibration = Calibration(evidence, fit_decision(seen, evidence))
        for item in (asked[i] for i in judged if id(asked[i]) in chosen and asked[i].candidates):
            ranked = item.ranked(calibration)
            confidence.append(calibration.probability(item.question, ranked))
            right.append(_tells(item, ranked[0]))
            answerable.append(item.answerable)
    shown = np.array(confidence) >= Settings().abstain_below
    labels, has = np.array(right), np.array(answerable)
    figures: dict[str, Any] = {
        "questions": len(labels),
        "right and shown, of the answerable": (labels & shown)[has].mean(),
        "right at rank 1, of the answerable": labels[has].mean(),
        "refused, of the unanswerable": (~shown)[~has].mean(),
        "AUROC of answerable": roc_auc_score(has, confidence),
        "AUROC of right": roc_auc_score(labels, confidence),
        "calibration error": calibration_error(np.array(confidence), labels.astype(float)),
    }
    print(name + ": " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
