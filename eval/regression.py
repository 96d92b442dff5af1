"""Logistic regression whose weights may count one way only: what both fitted decisions are made by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

from eval.metrics import Floats

RIDGE = 0.02


def fit(
    rows: Sequence[Mapping[str, float]], labels: Iterable[bool], weights: Iterable[float], signs: Mapping[str, int]
) -> dict[str, float]:
    """Weights by the names of the signals, and a "bias".

    Parameters
    ----------
    rows : sequence of mappings
        The signals of each example, all of the same names.
    labels : iterable of bool
    weights : iterable of float
        What each example counts.
    signs : mapping
        1 where a weight may not be negative, -1 where it may not be positive, 0 where it is free.
    """
    names = list(rows[0])
    table = np.array([[row[name] for name in names] for row in rows])
    centre, scale = table.mean(axis=0), table.std(axis=0)
    scale[scale < 1e-6] = 1.0  # what is always the same tells nothing
    design = np.hstack([(table - centre) / scale, np.ones((len(table), 1))])
    sign = np.where(np.array(list(labels)), 1.0, -1.0)
    weight = np.array(list(weights), dtype=float)
    weight /= weight.sum()

    def loss(found: Floats) -> tuple[float, Floats]:
        margin = sign * (design @ found)
        slope = -sign * weight / (1.0 + np.exp(np.clip(margin, -30, 30)))
        ridge = RIDGE / len(table) ** 0.5 * np.append(found[:-1], 0.0)
        return float(weight @ np.logaddexp(0.0, -margin) + ridge @ found / 2), design.T @ slope + ridge

    allowed = {1: (0.0, None), -1: (None, 0.0), 0: (None, None)}
    bounds = [*(allowed[signs[name]] for name in names), (None, None)]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    slopes = found[:-1] / scale
    made = {name: round(float(w), 4) for name, w in zip(names, slopes, strict=True)}
    return made | {"bias": round(float(found[-1] - slopes @ centre), 4)}
