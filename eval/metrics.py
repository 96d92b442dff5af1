"""Each measure that is computed here, defined once, with its source. Pure functions of numbers and text.

Retrieval's measures come from a library: see retrieval.py.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

WORDS_SEARCHED = 150  # of a text; an answer is to be found, not to be searched for
RIGHT_F1 = 0.5
POLAR = ("yes", "no")

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
_BETWEEN_ITEMS = re.compile(r"[;,\n]|\band\b", re.IGNORECASE)
_PUNCTUATION = frozenset(string.punctuation)


def normalise(text: str) -> str:
    """Lower case without ASCII punctuation, English articles and extra white space.

    Source: `normalize_answer` of SQuAD's official script (Rajpurkar et al., 2016 and 2018).
    """
    kept = "".join(character for character in text.lower() if character not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", kept).split())


def _accepted(answers: Sequence[str]) -> list[str]:
    """As SQuAD 2.0's script: answers that vanish when normalised do not count; none left means "no answer"."""
    return [answer for answer in answers if normalise(answer)] or [""]


def exact_match(answer: str, answers: Sequence[str]) -> float:
    """1.0 when `answer` equals an accepted one, both normalised. EM of SQuAD; no accepted answer: "" is right."""
    return float(any(normalise(answer) == normalise(gold) for gold in _accepted(answers)))


def f1(answer: str, answers: Sequence[str]) -> float:
    """F1 of the words shared with the accepted answer that suits best, in [0, 1]. F1 of SQuAD 2.0."""
    return max(_f1(normalise(answer).split(), normalise(gold).split()) for gold in _accepted(answers))


def _f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    if not answer or not gold:
        return float(answer == gold)
    shared = sum((Counter(answer) & Counter(gold)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(answer), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


def contains(text: str, answers: Sequence[str]) -> bool:
    """Whether the first 150 words of `text` hold an accepted answer, word for word.

    The project's own measure. Diacritics and typographic punctuation do not count; "5" is neither in
    "2015" nor in "1.5". A hyphen may stand for a space or for nothing ("80th-anniversary", "co-operation").
    """
    start = " ".join(text.split()[:WORDS_SEARCHED])
    return any(
        f" {form(answer)} " in f" {form(start)} " for form in (_joined, _spaced) for answer in answers if form(answer)
    )


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    kept = (" " if c.isspace() else c for c in decomposed if not unicodedata.combining(c))
    numbers = _THOUSANDS.sub("", "".join(kept))  # 1,500 is 1500
    return _DECIMAL.sub("point", numbers)  # 1.5 stays one word, and is not 15


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _joined(text: str) -> str:
    return normalise("".join(c for c in _plain(text) if not _is_punctuation(c)))


def _spaced(text: str) -> str:
    return normalise("".join(" " if _is_punctuation(c) else c for c in _plain(text)))


def parts_found(texts: Sequence[str], parts: Sequence[Sequence[str]]) -> float:
    """Share of the parts of which one of the texts holds an alternative, in [0, 1]."""
    return sum(any(contains(text, part) for text in texts) for part in parts) / len(parts)


def polar(text: str) -> str | None:
    """The word that an answer to a yes-no question begins with, "yes" or "no"; None where it begins otherwise."""
    first = normalise(text).split()[:1]
    return first[0] if first and first[0] in POLAR else None


def items(text: str, parts: Sequence[Sequence[str]]) -> tuple[float, float]:
    """Precision and F1 of the items that a short answer lists, against the wanted parts, both in [0, 1].

    The project's own measure. An item is what stands between semicolons, commas, line ends and "and"; it is wanted
    when it holds an accepted form of a part or is a piece of one. Recall is the share of the parts that one of the
    items holds. Nothing listed: 0 and 0.
    """
    listed = [item for item in _BETWEEN_ITEMS.split(_THOUSANDS.sub("", text)) if _joined(item)]
    if not listed:
        return 0.0, 0.0
    forms = [form for part in parts for form in part]
    wanted = sum(contains(item, forms) or any(contains(form, [item]) for form in forms) for item in listed)
    precision, recall = wanted / len(listed), parts_found([text], parts)
    return precision, 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def is_right(text: str, answers: Sequence[str], parts: Sequence[Sequence[str]] = ()) -> bool:
    """Whether `text` answers: it holds every part; or, without parts, an accepted answer, or shares F1 >= 0.5 with one.

    The project's own measure. Lenient on purpose towards longer and differently cut answers; EM and
    F1 stand beside it.
    """
    if parts:
        return parts_found([text], parts) == 1.0
    return bool(answers) and (contains(text, answers) or f1(text, answers) >= RIGHT_F1)


def abstention_f1(abstained: Booleans, answerable: Booleans) -> float | None:
    """F1 of abstaining, "unanswerable" being the class to find; None where no question is of it."""
    hits = int(np.sum(abstained & ~answerable))
    refusals, wanted = int(np.sum(abstained)), int(np.sum(~answerable))
    return 2 * hits / (refusals + wanted) if wanted else None


def auroc(confidence: Floats, positive: Booleans) -> float | None:
    """Chance that a positive question has the higher confidence; 0.5 is blind. None when one class is missing.

    Source: the Mann-Whitney statistic, ties counting half; computed by scikit-learn.
    """
    from sklearn.metrics import roc_auc_score

    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, confidence))


def kept_at(scores: Floats, positive: Booleans, let_through: float = 0.05) -> float | None:
    """Share of the positive ones above the lowest threshold that lets through at most this share of the others.

    The sensitivity at a false-positive rate, read off the ROC curve of these very items: the threshold is theirs,
    an upper bound for one that is fitted elsewhere. What ties with the first that must stay out stays out. None when
    a class is missing.
    """
    others = np.sort(scores[~positive])[::-1]
    if positive.all() or not positive.any():
        return None
    return float(np.mean(scores[positive] > others[int(let_through * len(others))]))


def risk_coverage(confidence: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Coverage and risk when the i questions of highest confidence are answered, i = 1..n.

    Risk is the share of wrong answers among them. Equal confidences are taken in an order that
    favours nobody: each of the tied questions counts as their mean.
    Source: El-Yaniv and Wiener, 2010; Geifman and El-Yaniv, 2017. Deviation: the ties.
    """
    order = np.argsort(-confidence, kind="stable")
    _, first, inverse = np.unique(-confidence[order], return_index=True, return_inverse=True)
    errors = 1.0 - right[order]
    sizes = np.diff(np.append(first, len(errors)))
    means = np.add.reduceat(errors, first) / sizes
    counts = np.arange(1, len(errors) + 1)
    return counts / len(errors), np.cumsum(means[inverse]) / counts


def aurc(confidence: Floats, right: Floats) -> float:
    """Area under the risk-coverage curve, the mean of its risks; lower is better."""
    return float(np.mean(risk_coverage(confidence, right)[1]))


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions of similar confidence: how many, their mean confidence, and the share of right answers."""

    count: int
    confidence: float
    accuracy: float


def reliability(confidence: Floats, right: Floats, bins: int = 10) -> list[Bin]:
    """The occupied ones of `bins` equal steps of confidence over [0, 1], lowest first."""
    place = np.clip((confidence * bins).astype(int), 0, bins - 1)
    return [
        Bin(int(np.sum(place == i)), float(np.mean(confidence[place == i])), float(np.mean(right[place == i])))
        for i in range(bins)
        if np.any(place == i)
    ]


def calibration_error(confidence: Floats, right: Floats, bins: int = 10) -> float | None:
    """Expected calibration error: mean gap between confidence and accuracy over the bins, weighted by count.

    Source: Naeini et al., 2015; Guo et al., 2017. None without questions.
    """
    if not len(confidence):
        return None
    return sum(b.count * abs(b.accuracy - b.confidence) for b in reliability(confidence, right, bins)) / len(confidence)


def best_threshold(margin: Floats, value: Floats, answerable: Booleans) -> tuple[float, float]:
    """The best mean that one threshold on the margin can reach, and that threshold.

    A question is answered where its margin is above the threshold, and is then worth `value` (EM or
    F1 of the answer, 0 where unanswerable); a refusal is worth 1 where unanswerable, else 0.
    Source: `find_best_thresh` of SQuAD 2.0's script. Fitted on the questions it is measured on: an
    upper bound, not a result.
    """
    order = np.argsort(-margin, kind="stable")
    gain = np.where(answerable, value, -1.0)[order]
    totals = np.concatenate(([0.0], np.cumsum(gain))) + np.sum(~answerable)
    sorted_margin = margin[order]
    # Only between different margins can a threshold lie.
    possible = np.concatenate(([True], np.append(sorted_margin[:-1] != sorted_margin[1:], True)))
    best = int(np.argmax(np.where(possible, totals, -np.inf)))
    threshold = float(sorted_margin[best]) if best < len(sorted_margin) else -np.inf
    return float(totals[best] / len(margin)), threshold
