"""Fit the verifier's logistic decision on sentences made from the tune half: `python -m training.verification`."""

from __future__ import annotations

import argparse
import json
import zlib
from pathlib import Path

import numpy as np

from eval.metrics import Booleans, Floats
from eval.verify import claims_of
from rag.config import Settings
from rag.grounding.verifier import DEFAULT_FILE, Verifier
from rag.parts import Parts

FOLDS = 5
RIDGE = 1e-3
LEAST = {
    "covered": 3.0, "out_of_order": -0.5, "skipped": -0.5, "exchanged": -1.0, "contradicted": -0.0,
    "names_missing": -1.0, "names_missing_passage": -3.0, "numbers_missing_passage": -5.0,
    "dates_missing_passage": -5.0, "negation": -5.0,
}  # fmt: skip
"""What each signal counts at least, by its sign. Too few sentences are made with a wrong figure or denial to fit
those, and a model invents whole sentences about the right names, which no change of a single fact resembles."""
LET_THROUGH = 0.05
"""Share of the wrong sentences that may pass, on the tune half, by weights fitted without the question at hand."""


def main() -> None:
    """Write the weights and print what they are."""
    parser = argparse.ArgumentParser(description="Fit the verifier")
    parser.add_argument("--output", type=Path, default=DEFAULT_FILE)
    given = parser.parse_args()

    parts = Parts.load(Settings())
    embedder = parts.embedder
    verifier = Verifier(embedder, parts.reader, {}, 0.5)
    claims = claims_of("tune", embedder)
    found = [(claim, verifier.signals(claim.text, claim.passage, claim.date)) for claim in claims]
    pairs = [(claim, signals[2]) for claim, signals in found if signals]
    names = sorted(pairs[0][1])
    rows = np.array([[values[name] for name in names] for _, values in pairs])
    true = np.array([claim.true for claim, _ in pairs])
    groups = np.array([claim.question_id for claim, _ in pairs])
    held_out = np.zeros(len(pairs))
    for fold in range(FOLDS):
        out = np.array([zlib.crc32(group.encode()) % FOLDS == fold for group in groups])
        held_out[out] = _probabilities(rows[out], fit(rows[~out], true[~out], names))
    threshold = _threshold(held_out, true)
    fitted = fit(rows, true, names)
    weights = {name: round(float(w), 4) for name, w in zip([*names, "bias"], fitted, strict=True)}
    made = {"weights": weights, "threshold": round(threshold, 3)}
    given.output.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(made | {"sentences": len(pairs), "true": int(true.sum())}, indent=2))


def fit(rows: Floats, true: Booleans, names: list[str]) -> Floats:
    """Weights, the bias last. None may speak against reason: what is missing never counts in favour, nor the reverse.

    Few sentences and signals that go together would give weights of the wrong sign, which fail on other articles.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    sign = np.where(true, 1.0, -1.0)
    balance = np.where(true, 0.5 / true.sum(), 0.5 / (~true).sum())
    design = np.hstack([rows, np.ones((len(rows), 1))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ weights)
        slope = -sign * balance / (1.0 + np.exp(np.clip(margin, -30, 30)))
        ridge = RIDGE * np.append(weights[:-1], 0.0)
        return float(balance @ np.logaddexp(0.0, -margin) + ridge @ weights / 2), design.T @ slope + ridge

    least = [LEAST[name] for name in names]
    bounds = [(None, limit) if np.signbit(limit) else (limit, None) for limit in least]
    start = np.array([*least, 0.0])
    return np.array(minimize(loss, start, jac=True, bounds=[*bounds, (None, None)], method="L-BFGS-B").x, np.float64)


def _probabilities(rows: Floats, weights: Floats) -> Floats:
    odds: Floats = np.exp(rows @ weights[:-1] + weights[-1])
    return odds / (1.0 + odds)


def _threshold(scores: Floats, true: Booleans) -> float:
    """The least probability that lets at most `LET_THROUGH` of the wrong sentences pass; at least one half."""
    for threshold in np.arange(0.5, 0.99, 0.01):
        if (scores[~true] >= threshold).mean() <= LET_THROUGH:
            return float(threshold)
    return 0.99


if __name__ == "__main__":
    main()
