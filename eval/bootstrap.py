"""Intervals by resampling questions, and the paired comparison of two runs.

Seeded: the same run gives the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eval.metrics import Floats

RESAMPLES = 1000
SEED = 20231
LEVEL = 0.95
# That all of n clusters fall or rise alike is chance in 2 of 2**n cases (sign test): of five still in 6 %.
LEAST = 6


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval, and the number of questions it rests on.

    `low` and `high` are None where no resample differs, as of one cluster or of a perfect ranking: that tells no width.
    """

    value: float
    low: float | None
    high: float | None
    count: int

    def __str__(self) -> str:
        return f"{self.value:.3f}" + ("" if self.low is None else f" ({self.low:.3f}–{self.high:.3f})")


@dataclass(frozen=True, slots=True)
class Difference:
    """What a figure gained over another run's, on the questions that both have.

    `low` and `high` bound the gain with 95 %; `value` is `after - before`; `clusters` is how many were drawn from.
    """

    before: float
    after: float
    value: float
    low: float
    high: float
    count: int
    clusters: int

    @property
    def fell(self) -> bool:
        """Whether it fell by more than chance explains: the whole interval of enough clusters lies below zero."""
        return self.high < 0 and self.clusters >= LEAST

    @property
    def rose(self) -> bool:
        """The same of a rise."""
        return self.low > 0 and self.clusters >= LEAST


def _interval(samples: Floats) -> tuple[float, float]:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def _width(samples: Floats) -> tuple[float, float] | tuple[None, None]:
    return _interval(samples) if np.ptp(samples) > 1e-12 else (None, None)


def _codes(clusters: Sequence[str] | None, count: int) -> npt.NDArray[np.intp]:
    """Number of each question's cluster; without clusters, each question is its own."""
    return np.arange(count) if clusters is None else np.unique(np.array(clusters), return_inverse=True)[1]


def _resampled_means(values: Floats, codes: npt.NDArray[np.intp], resamples: int) -> Floats:
    """Means of resamples, `(resamples,)`, drawn in slices so that large sets fit in memory."""
    sums, sizes = np.bincount(codes, values), np.bincount(codes).astype(float)
    held = sizes > 0
    sums, sizes = sums[held], sizes[held]
    generator = np.random.default_rng(SEED)
    step = max(1, 2_000_000 // len(sums))
    slices = [min(step, resamples - i) for i in range(0, resamples, step)]
    draws = (generator.integers(0, len(sums), size=(size, len(sums))) for size in slices)
    return np.concatenate([sums[draw].sum(axis=1) / sizes[draw].sum(axis=1) for draw in draws])


def mean(
    values: Sequence[float | None], clusters: Sequence[str] | None = None, resamples: int = RESAMPLES
) -> Estimate | None:
    """Mean of the values that are not None with its percentile interval (Efron, 1979); None when all are None.

    Questions of one cluster (the same fact asked in other words, the same paragraph) are drawn
    together: they are no independent evidence, and intervals that take them so are too narrow. Where all values are 0,
    or all 1, it is the exact interval of as many clusters.
    """
    held = np.array([value is not None for value in values], dtype=bool)
    if not held.any():
        return None
    kept = np.array([value for value in values if value is not None], dtype=float)
    codes = _codes(clusters, len(values))[held]
    low, high = _width(_resampled_means(kept, codes, resamples))
    # Where none of n differs no resample does; exact by Clopper and Pearson, 1934.
    unseen = 1 - ((1 - LEVEL) / 2) ** (1 / len(set(codes)))
    if not kept.any():
        low, high = 0.0, unseen
    elif (kept == 1).all():
        low, high = 1 - unseen, 1.0
    return Estimate(float(kept.mean()), low, high, len(kept))


def statistic(
    function: Callable[[npt.NDArray[np.intp]], float | None],
    count: int,
    clusters: Sequence[str] | None = None,
    resamples: int = 300,
) -> Estimate | None:
    """A figure that is no mean over questions, with its interval; None where it is undefined.

    `function` takes the indices of a resample; resamples for which it returns None are left out.
    """
    value = function(np.arange(count)) if count else None
    if value is None:
        return None
    codes = _codes(clusters, count)
    members = [np.flatnonzero(codes == code) for code in range(codes.max() + 1)]
    generator = np.random.default_rng(SEED)
    draws = (generator.integers(0, len(members), size=len(members)) for _ in range(resamples))
    drawn = (function(np.concatenate([members[i] for i in draw])) for draw in draws)
    low, high = _width(np.array([sample for sample in drawn if sample is not None]))
    return Estimate(value, low, high, count)


def paired(
    before: Mapping[str, float | None],
    after: Mapping[str, float | None],
    clusters: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
) -> Difference | None:
    """The gain of `after` over `before`, question by question; None when no question has both.

    Paired bootstrap: differences are resampled, so what makes a question hard for both cancels out
    (Koehn, 2004).
    """
    pairs = {id: (a, b) for id, b in after.items() if b is not None and (a := before.get(id)) is not None}
    if not pairs:
        return None
    first, second = np.array(list(pairs.values()), dtype=float).T
    codes = _codes(None if clusters is None else [clusters[id] for id in pairs], len(pairs))
    low, high = _interval(_resampled_means(second - first, codes, resamples))
    gain = float((second - first).mean())
    return Difference(float(first.mean()), float(second.mean()), gain, low, high, len(pairs), len(set(codes)))
