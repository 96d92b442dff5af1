"""Fit the ranking of candidates and the confidence of the first one, on questions asked of whole corpora.

`python -m training.calibrate --data DIR --work DIR` asks the tune half of the fixed set and the questions that training
left out (`training.corpora`) through retrieval and reader, keeps what came in `--work`, and fits the two logistic
regressions of `rag.answering.confidence` to it. A third of the paragraphs' questions that have an answer are asked
again with every passage taken away that holds it: then nothing is right. What the fit is worth is printed for each
corpus, by a fit that left it out.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from eval import datasets
from eval.evidence import covers
from eval.metrics import Booleans, Floats, auroc, calibration_error, contains, is_right
from eval.sets import QUESTIONS, SEEDS
from eval.systems import build_bot
from rag.answering.confidence import (
    DEFAULT_FILE,
    SIGNS,
    Calibration,
    Candidate,
    decision_signals,
    evidence_signals,
    says_no,
)
from rag.config import Settings
from rag.pipeline import Chatbot
from training import regression
from training.corpora import Corpus, Item, corpora

WEIGHTS = {"fixed": 2.0, "news": 2.0, "SQuAD": 1.0, "mixed": 1.0}  # of one question of each corpus
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with train/, as the model card describes it")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the reader said")
    parser.add_argument("--reader", default="default", help="the reader to fit, as in the settings")
    parser.add_argument("--questions", type=int, default=300, help="of each corpus, at most")
    parser.add_argument("--output", type=Path, default=DEFAULT_FILE)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    kept = arguments.work / "asked.pickle"
    if kept.exists():
        asked = pickle.loads(kept.read_bytes())
        print(f"read {len(asked)} questions from {kept}; remove it to ask them again")
    else:
        settings = Settings(reader=arguments.reader)
        asked = fixed_set(settings, arguments.questions)
        for corpus in corpora(arguments.data, arguments.questions):
            asked += ask(corpus, settings)
        kept.write_bytes(pickle.dumps(asked))
    for name in WEIGHTS:
        rest, part = ([item for item in asked if (item.corpus == name) is own] for own in (False, True))
        if rest and part:
            print(report(f"{name}, by a fit on the others", part, fit(rest)))
    calibration = fit(asked)
    print(report("all, by the fit on all", asked, calibration))
    arguments.output.write_text(json.dumps(calibration.to_dict(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {arguments.output}")


# --- asking


def fixed_set(settings: Settings, limit: int) -> list[Asked]:
    """The tune half of the fixed set without the questions that need earlier ones."""
    dataset = datasets.select(datasets.load(QUESTIONS, SEEDS), split="tune")
    bot = build_bot(dataset, settings)
    texts = {document.id: document.text for document in bot.documents()}
    asked = []
    alone = [question for question in dataset.questions if not question.history]
    for question in tqdm(alone[:limit], desc="fixed set", disable=None):
        understood, candidates = bot.consider(question.question)
        accepted = [text for part in question.parts for text in part] or list(question.answers)
        right, tells = [], []
        for candidate in candidates:
            place = (candidate.span.document_id, candidate.span.start, candidate.span.end, candidate.span.text)
            shown = any(covers(place, item, texts.get) for item in question.evidence)
            right.append(shown and is_right(candidate.span.text, accepted))
            tells.append(right[-1] or (shown and contains(candidate.sentence, accepted)))
        asked.append(
            Asked("fixed", understood, tuple(candidates), tuple(right), tuple(tells), question.answerable, question.id)
        )
    return asked


def ask(corpus: Corpus, settings: Settings) -> list[Asked]:
    """What the reader says of a corpus's questions."""
    bot = Chatbot.from_documents(corpus.documents, settings)
    asked = []
    for item in tqdm(corpus.questions, desc=corpus.name, disable=None):
        _, candidates = bot.consider(item.text)
        right = tuple(_is_right(item, c) for c in candidates)
        tells = tuple(r or _tells_in_sentence(item, c) for r, c in zip(right, candidates, strict=True))
        answerable = bool(item.answers or item.sentence)
        asked.append(Asked(corpus.name, item.text, tuple(candidates), right, tells, answerable, item.group))
        if item.answers and corpus.name != "news" and zlib.crc32(item.text.encode()) % 3 == 0:
            rest = tuple(
                c
                for c in candidates
                if c.span.document_id not in item.gold and not contains(c.passage.chunk.text, item.answers)
            )
            nothing = (False,) * len(rest)
            asked.append(Asked(corpus.name, item.text, rest, nothing, nothing, False, item.group))
    return asked


def _is_right(item: Item, candidate: Candidate) -> bool:
    """Whether the span is an answer; of a yes-no question, whether the deciding sentence is met and well understood."""
    if candidate.span.document_id not in item.gold:
        return False
    if item.denial is None:
        return is_right(candidate.span.text, item.answers)
    near = item.sentence in candidate.sentence or candidate.sentence in item.sentence
    return near and says_no(candidate) == item.denial


def _tells_in_sentence(item: Item, candidate: Candidate) -> bool:
    return candidate.span.document_id in item.gold and contains(candidate.sentence, item.answers)


# --- fitting


def fit(asked: Sequence[Asked]) -> Calibration:
    """Both regressions: each question counts once among the candidates, by its corpus's weight."""
    rows, labels, weights = [], [], []
    for item in asked:
        for candidate, right in zip(item.candidates, item.right, strict=True):
            rows.append(evidence_signals(candidate))
            labels.append(right)
            weights.append(WEIGHTS[item.corpus] / math.sqrt(len(item.candidates)))
    ranker = Calibration(regression.fit(rows, labels, weights, SIGNS), {})
    rows, labels, weights = [], [], []
    for item in asked:
        if item.candidates:
            ranked = ranker.rank(item.candidates)
            rows.append(decision_signals(ranked))
            labels.append(_tells(item, ranked[0]))
            weights.append(WEIGHTS[item.corpus])
    return Calibration(ranker.evidence, regression.fit(rows, labels, weights, SIGNS))


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


if __name__ == "__main__":
    main()
