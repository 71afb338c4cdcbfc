from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.intelligence.evaluation.survival import (
    Bools,
    Floats,
    brier_at,
    c_index,
    calibration_error_at,
    kaplan_meier,
    known_weights,
    open_at,
    reliability_at,
    won_by,
)

# Six rows by hand: wins on days 1, 3 and 3, censored on days 2, 4 and 5.
DAYS = np.array([1.0, 2.0, 3.0, 3.0, 4.0, 5.0])
WON = np.array([True, False, True, True, False, False])

histories = st.lists(
    st.tuples(st.integers(1, 12).map(float), st.booleans(), st.integers(0, 4).map(float)), min_size=2, max_size=40
)


def arrays(rows: list[tuple[float, bool, float]]) -> tuple[Floats, Bools, Floats]:
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), np.array([r[2] for r in rows])


def test_kaplan_meier_is_the_product_worked_out_by_hand() -> None:
    curve = kaplan_meier(DAYS, WON)
    assert curve.times.tolist() == [1.0, 3.0]
    assert curve.open.tolist() == pytest.approx([5 / 6, 5 / 6 * 2 / 4])
    assert curve.greenwood.tolist() == pytest.approx([1 / (6 * 5), 1 / 30 + 2 / (4 * 2)])
    assert open_at(curve, [0.5, 1.0, 2.9, 3.0, 99.0]).tolist() == pytest.approx([1, 5 / 6, 5 / 6, 5 / 12, 5 / 12])


def test_the_interval_is_the_log_minus_log_one_by_hand() -> None:
    share, reach = 5 / 12, 1.959963984540054 * sqrt(1 / 30 + 1 / 4) / abs(log(5 / 12))
    found = won_by(kaplan_meier(DAYS, WON), 3.0)
    assert found == pytest.approx((1 - share, 1 - share ** exp(-reach), 1 - share ** exp(reach)))


def test_before_the_first_win_nobody_has_won() -> None:
    assert won_by(kaplan_meier(DAYS, WON), 0.5).value == 0.0


@given(histories)
def test_without_censoring_the_curve_is_the_share_that_is_left(rows: list[tuple[float, bool, float]]) -> None:
    days, _, _ = arrays(rows)
    curve = kaplan_meier(days, np.ones(len(days), bool))
    for at in range(13):
        assert open_at(curve, at) == pytest.approx((days > at).mean())


@given(histories)
def test_c_counts_the_pairs_one_by_one(rows: list[tuple[float, bool, float]]) -> None:
    days, won, risk = arrays(rows)
    agree = pairs = 0.0
    for i in range(len(days)):
        for j in range(len(days)):
            if won[i] and (days[j] > days[i] or (days[j] == days[i] and not won[j])):
                pairs += 1
                agree += 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
    found = c_index(days, won, risk)
    assert found.value == pytest.approx(agree / pairs if pairs else float("nan"), nan_ok=True)


def test_the_interval_of_c_is_as_wide_as_the_spread_of_repeated_samples() -> None:
    def sample(seed: int) -> tuple[Floats, Bools, Floats]:
        dice = np.random.default_rng(seed)
        risk = dice.normal(size=300)
        times, end = dice.exponential(np.exp(-risk)), dice.exponential(2.0, 300)
        return np.minimum(times, end), times < end, risk

    found = [c_index(*sample(seed)) for seed in range(60)]
    spread = np.std([c.value for c in found])
    assert np.mean([(c.high - c.low) / 2 / 1.96 for c in found]) == pytest.approx(spread, rel=0.25)


@given(histories, st.integers(1, 12))
def test_without_censoring_the_brier_score_is_the_plain_one(rows: list[tuple[float, bool, float]], at: int) -> None:
    days, _, risk = arrays(rows)
    p = risk / 4
    found = brier_at(days, np.ones(len(days), bool), p, at).value
    if days.max() >= at:
        assert found == pytest.approx(np.mean(((days <= at) - p) ** 2))
    else:
        assert np.isnan(found)


def test_the_weights_by_hand() -> None:
    # Censored on day 2 (of 5 left), 4 (of 2 left), 5: still known 1, then 4/5, then 2/5.
    assert known_weights(DAYS, WON, 3.5).tolist() == pytest.approx([1, 0, 1.25, 1.25, 1.25, 1.25])


def test_the_weighted_brier_score_finds_what_censoring_hides() -> None:
    dice = np.random.default_rng(3)
    times = np.where(dice.random(40_000) < 0.3, dice.exponential(30, 40_000), np.inf)
    p = np.clip(dice.normal(0.2, 0.05, 40_000), 0, 1)
    end = dice.uniform(20, 200, 40_000)
    truth = np.mean(((times <= 60) - p) ** 2)
    found = brier_at(np.minimum(times, end), times < end, p, 60)
    assert found.low < truth < found.high
    assert found.value == pytest.approx(truth, abs=0.006)


def test_a_reliable_forecast_lies_on_the_diagonal_in_spite_of_censoring() -> None:
    dice = np.random.default_rng(4)
    ever = dice.uniform(0.05, 0.6, 30_000)
    times = np.where(dice.random(30_000) < ever, dice.exponential(30, 30_000), np.inf)
    end = dice.uniform(20, 200, 30_000)
    p = ever * (1 - np.exp(-60 / 30))
    days, won = np.minimum(times, end), times < end
    for group in reliability_at(days, won, p, 60):
        assert group.came_true == pytest.approx(group.forecast, abs=0.03)
        assert group.low <= group.came_true <= group.high
    assert calibration_error_at(days, won, p, 60) < 0.015 < calibration_error_at(days, won, p / 2, 60)
