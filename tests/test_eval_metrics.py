"""Hand-worked figures for every measure that the evaluation computes itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval import bootstrap, metrics


@pytest.mark.parametrize(
    ("answer", "accepted", "em", "f1"),
    [
        # As SQuAD's evaluate-v2.0.py gives them, worked by hand through its normalize_answer.
        ("The Eiffel Tower!", ["eiffel tower"], 1, 1),
        ("An apple a day", ["apple day"], 1, 1),
        ("A-bomb", ["abomb"], 1, 1),  # punctuation goes before the articles
        ("U.S.", ["US"], 1, 1),
        ("in the northern France", ["France"], 0, 0.5),  # precision 1/3, recall 1
        ("to be or not to be", ["to be"], 0, 0.5),  # repeated words count once each: precision 2/6
        ("June 30, 2023", ["2023", "June 2023"], 0, 0.8),  # the best accepted answer: 2/3 and 1
        ("“army”", ["army"], 0, 0),  # typographic quotes stay
        ("Moscow", ["Minsk"], 0, 0),
        ("", [], 1, 1),
        ("Minsk", [], 0, 0),
        ("", ["Minsk"], 0, 0),
        ("the", [], 1, 1),  # nothing is left of it
        ("", ["the"], 1, 1),  # an accepted answer that vanishes does not count
    ],
)
def test_squad_figures(answer: str, accepted: list[str], em: float, f1: float) -> None:
    assert metrics.exact_match(answer, accepted) == em
    assert metrics.f1(answer, accepted) == pytest.approx(f1)


def test_squad_figures_agree_with_a_port_of_the_official_script() -> None:
    """600 predictions with odd articles, punctuation, Unicode and silence.

    The figures come from transformers 4.57.6 (`transformers.data.metrics.squad_metrics`, its port of
    evaluate-v2.0.py). `best_*` are those of the predictions that say something.
    """
    held = json.loads((Path(__file__).parent / "data" / "squad_figures.json").read_text(encoding="utf-8"))
    rows = held["predictions"]
    assert len(rows) == 600
    em = [metrics.exact_match(answer, accepted) for answer, accepted, *_ in rows]
    f1 = [metrics.f1(answer, accepted) for answer, accepted, *_ in rows]
    assert em == [row[3] for row in rows]
    assert f1 == pytest.approx([row[4] for row in rows], abs=1e-6)
    assert 100 * np.mean(em) == pytest.approx(held["exact"])
    assert 100 * np.mean(f1) == pytest.approx(held["f1"])
    said = np.array([bool(row[0]) for row in rows])
    margin = -np.array([row[2] for row in rows])[said]
    answerable = np.array([bool(row[1]) for row in rows])[said]
    for values, best in ((em, "best_exact"), (f1, "best_f1")):
        reached, _ = metrics.best_threshold(margin, np.array(values)[said], answerable)
        assert 100 * reached == pytest.approx(held[best])


@pytest.mark.parametrize(
    ("text", "accepted", "found"),
    [
        ("He met Víctor Jrenin – the minister.", "Victor Jrenin", True),
        ("the 80th-anniversary parade", "80th anniversary", True),
        ("military co-operation", "cooperation", True),
        ("the “Hero-Fortress” of Brest", "hero fortress", True),
        ("1,500 soldiers", "1500", True),
        ("in 2015", "5", False),
        ("1.5 million", "5", False),
        ("1.5 million", "15", False),
        ("Belarusian", "Belarus", False),
        ("anything", "", False),
        ("word " * 149 + "Minsk", "Minsk", True),
        ("word " * 150 + "Minsk", "Minsk", False),
    ],
)
def test_contains(text: str, accepted: str, found: bool) -> None:
    assert metrics.contains(text, [accepted]) is found


def test_right_needs_every_part() -> None:
    parts = [["Russia", "Russian Federation"], ["China"]]
    assert metrics.is_right("Russia and China.", ["x"], parts)
    assert not metrics.is_right("Russia and Iran.", ["Russia and Iran"], parts)
    assert metrics.parts_found(["Russia", "and China"], parts) == 1
    assert metrics.parts_found(["Russian Federation"], parts) == 0.5


def test_right_by_overlap() -> None:
    assert metrics.is_right("invitation of the department", ["invitation by the department"])  # 2 of 3 words
    assert not metrics.is_right("the department of defence there", ["an invitation by the department"])
    assert not metrics.is_right("anything", [])


def test_abstention() -> None:
    abstained, answerable = np.array([True, True, True, False]), np.array([False, True, False, False])
    assert metrics.abstention_f1(abstained, answerable) == pytest.approx(2 / 3)  # precision 2/3, recall 2/3
    assert metrics.abstention_f1(np.array([False]), np.array([True])) is None


def test_auroc_counts_ties_half() -> None:
    confidence = np.array([0.9, 0.6, 0.6, 0.2])
    assert metrics.auroc(confidence, np.array([True, True, False, False])) == pytest.approx(3.5 / 4)
    assert metrics.auroc(confidence, np.ones(4, bool)) is None


def test_risk_coverage_shares_out_ties() -> None:
    confidence, right = np.array([0.1, 0.8, 0.9, 0.8]), np.array([1.0, 0.0, 1.0, 1.0])
    coverage, risk = metrics.risk_coverage(confidence, right)
    assert coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert risk == pytest.approx([0, 0.25, 1 / 3, 0.25])
    assert metrics.aurc(confidence, right) == pytest.approx((0.25 + 1 / 3 + 0.25) / 4)


def test_calibration_error() -> None:
    confidence, right = np.array([0.95, 0.85, 0.82, 0.15]), np.array([1.0, 1.0, 0.0, 0.0])
    # Bins: 0.95 against 1; 0.835 against 0.5, twice; 0.15 against 0.
    assert metrics.calibration_error(confidence, right) == pytest.approx((0.05 + 2 * 0.335 + 0.15) / 4)
    assert metrics.calibration_error(np.array([1.0]), np.array([1.0])) == 0
    assert metrics.calibration_error(np.array([]), np.array([])) is None


def test_best_threshold() -> None:
    margin, value = np.array([3.0, 1.0, -1.0, -2.0]), np.array([1.0, 0.0, 1.0, 0.0])
    answerable = np.array([True, False, True, False])
    # Nothing answered: 2 of 4. The first: 3. Two: 2. Three: 3. All: 2.
    assert metrics.best_threshold(margin, value, answerable) == (0.75, 1.0)
    # No threshold can part equal margins.
    assert metrics.best_threshold(np.zeros(2), np.array([1.0, 0.0]), np.array([True, False]))[0] == 0.5


def test_interval_of_a_mean() -> None:
    values = [1.0] * 50 + [0.0] * 50 + [None] * 7
    estimate = bootstrap.mean(values)
    assert estimate is not None
    assert (estimate.value, estimate.count) == (0.5, 100)
    # The normal approximation's 1.96 * sqrt(0.25 / 100) = 0.098.
    assert estimate.low == pytest.approx(0.402, abs=0.02)
    assert estimate.high == pytest.approx(0.598, abs=0.02)
    assert estimate == bootstrap.mean(values)
    assert bootstrap.mean([None]) is None


def test_questions_of_one_cluster_are_one_witness() -> None:
    values = [1.0] * 50 + [0.0] * 50
    alone, together = bootstrap.mean(values), bootstrap.mean(values, [str(i // 10) for i in range(100)])
    assert alone is not None
    assert together is not None
    assert together.value == alone.value
    # Ten witnesses instead of a hundred: wider by about the square root of ten.
    assert alone.low is not None
    assert alone.high is not None
    assert together.low is not None
    assert together.high is not None
    assert (together.high - together.low) / (alone.high - alone.low) == pytest.approx(10**0.5, rel=0.2)


def test_where_no_resample_differs_no_width_is_told() -> None:
    for estimate in (bootstrap.mean([1.0, 0.0], ["g", "g"]), bootstrap.statistic(lambda i: 1.0, 20)):
        assert estimate is not None
        assert (estimate.low, estimate.high) == (None, None)
    assert str(bootstrap.mean([1.0, 0.0], ["g", "g"])) == "0.500"
    right = bootstrap.mean([1.0] * 8)
    assert right is not None
    assert right.low == pytest.approx(0.025 ** (1 / 8))  # exact: Clopper and Pearson
    assert right.high == 1


def test_fewer_than_six_clusters_are_no_more_than_chance() -> None:
    for count, fell in ((1, False), (5, False), (6, True)):
        before = {str(i): 1.0 for i in range(10 * count)}
        gain = bootstrap.paired(before, dict.fromkeys(before, 0.0), {id: str(int(id) // 10) for id in before})
        assert gain is not None
        assert (gain.value, gain.clusters, gain.fell, gain.rose) == (-1, count, fell, False)


def test_statistic_agrees_with_mean() -> None:
    values = np.array([1.0, 0.0, 1.0, 1.0] * 10)
    estimate = bootstrap.statistic(lambda i: float(values[i].mean()), len(values))
    plain = bootstrap.mean(list(values))
    assert estimate is not None
    assert plain is not None
    assert (estimate.value, estimate.count) == (plain.value, plain.count)
    assert estimate.low is not None
    assert estimate.low == pytest.approx(plain.low, abs=0.05)
    assert bootstrap.statistic(lambda i: None, 3) is None


def test_paired_comparison() -> None:
    before = {str(i): float(i % 2) for i in range(60)}
    same = bootstrap.paired(before, before)
    assert same is not None
    assert (same.value, same.low, same.high, same.fell) == (0, 0, 0, False)
    worse = bootstrap.paired(before, {id: 0.0 if int(id) < 30 else value for id, value in before.items()})
    assert worse is not None
    assert (worse.before, worse.after, worse.value) == (0.5, 0.25, -0.25)
    assert worse.fell
    # One question better and one worse is chance.
    noise = bootstrap.paired(before, before | {"0": 1.0, "1": 0.0})
    assert noise is not None
    assert not noise.fell
    assert noise.low < 0 < noise.high
    # Only questions that both have count.
    assert bootstrap.paired({"a": 1.0}, {"b": 1.0}) is None
    assert bootstrap.paired({"a": None}, {"a": 1.0}) is None
