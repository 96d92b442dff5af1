"""The decisions that `eval.regression` fits: weights by the names of signals, and what they make of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

CLIP = 12.0  # logits; what lies beyond tells no more


def clip(logit: float) -> float:
    """The logit within [-CLIP, CLIP]; what is no number says nothing for a span, and is -CLIP."""
    return min(CLIP, max(-CLIP, logit))  # in this order: `max` and `min` give their first argument beside NaN


def sigmoid(logit: float) -> float:
    """The probability of a logit, in (0, 1); next to 0 where it is no number."""
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, logit))))


def weigh(weights: Mapping[str, float], signals: Mapping[str, float]) -> float:
    """The logit of signals by their weights; a "bias" among the weights is added, a signal that is missing is 0."""
    return weights.get("bias", 0.0) + sum(weight * signals.get(name, 0.0) for name, weight in weights.items())
