from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.intelligence.evaluation import binary


def test_auc_counts_ties_half() -> None:
    y = np.array([0.0, 0.0, 1.0, 1.0])
    assert binary.auc(y, np.array([0.1, 0.4, 0.35, 0.8])) == 0.75
    assert binary.auc(y, np.full(4, 0.5)) == 0.5


def test_auc_of_one_class_is_not_defined() -> None:
    assert np.isnan(binary.auc(np.ones(3), np.array([0.1, 0.2, 0.3])))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=60))
def test_auc_is_the_part_of_pairs_in_the_right_order(rows: list[tuple[bool, int]]) -> None:
    y = np.array([float(won) for won, _ in rows])
    p = np.array([place / 10 for _, place in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a in p[y == 1.0] for b in p[y == 0.0]]
    if pairs:
        assert binary.auc(y, p) == pytest.approx(np.mean(pairs))


def test_the_interval_of_auc_covers_the_truth_as_often_as_it_says() -> None:
    dice = np.random.default_rng(1)
    truth, covered = 0.7602, 0  # two normals one standard deviation apart: Φ(1/√2)
    for _ in range(300):
        y = (np.arange(120) < 50).astype(float)
        low, high = binary.auc_interval(y, dice.normal(y, 1.0))[1:]
        covered += low <= truth <= high
    assert 0.91 <= covered / 300 <= 0.98


def test_calibration_error_sees_a_level_that_is_off() -> None:
    y = np.tile([0.0, 0.0, 0.0, 1.0], 100)
    assert binary.ece(y, np.full(400, 0.25)) == pytest.approx(0.0)
    assert binary.ece(y, np.full(400, 0.45)) == pytest.approx(0.2)


def test_equal_forecasts_share_one_bin() -> None:
    bins = binary.reliability(np.tile([0.0, 1.0], 50), np.full(100, 0.5))
    assert [(b.rows, b.came_true) for b in bins] == [(100, 0.5)]


def test_the_best_tenth_of_a_perfect_order_holds_ten_times_the_wins() -> None:
    y = (np.arange(1000) < 100).astype(float)
    assert binary.lift(y, y) == pytest.approx(10.0)
    assert binary.lift(y, np.zeros(1000)) == pytest.approx(1.0)


def test_the_better_forecast_wins_the_paired_test() -> None:
    dice = np.random.default_rng(2)
    p = dice.uniform(0.05, 0.95, 2000)
    y = (dice.random(2000) < p).astype(float)
    found = binary.compare(y, p, np.full(2000, y.mean()))
    assert found.low > 0.0
    assert found.p_value < 0.001
    assert binary.compare(y, p, p).p_value == 0.5


def test_the_adverse_impact_ratio_is_of_the_most_favoured_group() -> None:
    y = np.array([1.0, 0.0, 1.0, 0.0])
    p = np.array([0.9, 0.8, 0.9, 0.1])
    found = {group.group: group for group in binary.adverse_impact(y, p, ["a", "a", "b", "b"], 0.5)}
    assert (found["a"].ratio, found["b"].ratio) == (1.0, 0.5)
    assert found["b"].won == 0.5


def test_wilsons_interval_stays_inside_its_bounds() -> None:
    assert binary.wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert binary.wilson(0, 0) == (0.0, 1.0)
