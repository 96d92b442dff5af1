"""Fit the verifier's logistic decision on sentences made from the tune half: `python -m training.verification`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from eval.verify import claims_of
from rag.config import Settings
from rag.pipeline import load_models
from rag.verification import DEFAULT_FILE, Verifier

WRONG_KEPT = 0.02
"""Share of wrong sentences among those that pass, at most, on the half that was fitted on."""


def main() -> None:
    """Write the weights and print what they are."""
    parser = argparse.ArgumentParser(description="Fit the verifier")
    parser.add_argument("--output", type=Path, default=DEFAULT_FILE)
    given = parser.parse_args()
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    embedder, reader, _ = load_models(Settings())
    verifier = Verifier(embedder, reader, {}, 0.5)
    claims = claims_of("tune", embedder)
    found = [(claim, verifier.signals(claim.text, claim.passage, claim.date)) for claim in claims]
    pairs = [(claim, signals[2]) for claim, signals in found if signals]
    names = sorted(pairs[0][1])
    rows = np.array([[values[name] for name in names] for _, values in pairs])
    true = np.array([claim.true for claim, _ in pairs])
    scale = rows.std(axis=0) + 1e-6
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=5000)
    groups = np.array([claim.question_id for claim, _ in pairs])
    held_out = cross_val_predict(model, rows / scale, true, groups=groups, cv=GroupKFold(5), method="predict_proba")
    threshold = _threshold(held_out[:, 1], true)
    model.fit(rows / scale, true)
    weights = {name: round(float(w), 4) for name, w in zip(names, model.coef_[0] / scale, strict=True)}
    weights["bias"] = round(float(model.intercept_[0]), 4)
    made = {"weights": weights, "threshold": round(threshold, 3)}
    given.output.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(made | {"sentences": len(pairs), "true": int(true.sum())}, indent=2))


def _threshold(scores: np.ndarray, true: np.ndarray) -> float:
    """The least probability from which on at most `WRONG_KEPT` of what passes is wrong; at least one half."""
    for threshold in np.arange(0.5, 0.99, 0.01):
        kept = scores >= threshold
        if kept.any() and (~true)[kept].mean() <= WRONG_KEPT:
            return float(threshold)
    return 0.99


if __name__ == "__main__":
    main()
