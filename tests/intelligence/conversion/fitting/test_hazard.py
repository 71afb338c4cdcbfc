from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from porchlight.intelligence.conversion.fitting.hazard import (
    Floats,
    Hazard,
    Histories,
    cumulative,
    fit,
    level_gain,
    losses,
    tempered,
    time_of,
)
from porchlight.intelligence.evaluation.survival import kaplan_meier, open_at

AS_OF = 400.0


def world(
    rows: int, seed: int = 1, effect: float = 0.0, jump: float = 1.0, ever: float = 0.4
) -> tuple[Histories, Floats]:
    """Rows that start over 400 days; some win after a month or so, sooner and more often where the one column is 1.

    Wins dated before day 300 are kept with the chance 1 / `jump` only.
    """
    dice = np.random.default_rng(seed)
    start, x = dice.uniform(0, AS_OF, rows), dice.integers(0, 2, rows).astype(float)
    total = -np.log(1 - ever) * np.exp(effect * x)
    reached = dice.exponential(1.0, rows)
    times = np.where(reached < total, -30 * np.log1p(-np.minimum(reached / total, 1 - 1e-12)), np.inf)
    times[(start + times < 300) & (dice.random(rows) > 1 / jump)] = np.inf
    days = np.minimum(times, AS_OF - start)
    return Histories(start, np.maximum(days, 1 / 24), times < AS_OF - start), x[:, None]


def won_by(found: Hazard, days: Floats | float, ratio: float = 0.0) -> Floats:
    return np.asarray(1 - np.exp(-cumulative(found, days) * np.exp(ratio)))


def test_without_columns_the_curve_is_nearly_kaplan_meiers() -> None:
    histories, _ = world(4_000)
    found = fit(histories, np.zeros((4_000, 0)), [], as_of=AS_OF, moving=False)
    at = np.array([5.0, 15, 30, 60, 120, 300])
    assert won_by(found, at) == pytest.approx(1 - open_at(kaplan_meier(histories.days, histories.won), at), abs=0.01)


def test_the_fit_is_the_maximum_that_a_general_optimiser_finds() -> None:
    histories, x = world(300, effect=0.8)
    found = fit(histories, x, [slice(0, 1)], as_of=AS_OF, moving=False, precision=2.0)

    def objective(at: Floats) -> float:
        trial = Hazard(found.ages, at[1:], at[:1], found.periods, found.levels, found.freedom)
        return float(losses(trial, histories, x[:, 0] * at[0]).sum()) + float(at[0]) ** 2

    walked = found.log_hazard - found.log_hazard.mean()
    best = optimize.minimize_scalar(lambda b: objective(np.array([b, *(walked + found.log_hazard.mean())])))
    assert found.coefficients[0] == pytest.approx(best.x, abs=1e-3)


def test_an_effect_is_found_and_noise_is_shrunk() -> None:
    histories, x = world(4_000, effect=0.7)
    noise = np.random.default_rng(2).integers(0, 30, 4_000)
    design = np.hstack([x - x.mean(), (noise[:, None] == np.arange(30)).astype(float)])
    found = fit(histories, design, [slice(0, 1), slice(1, 31)], as_of=AS_OF, moving=False)
    assert found.coefficients[0] == pytest.approx(0.7, abs=0.15)
    assert np.abs(found.coefficients[1:]).max() < 0.3
    assert found.freedom[0] > 0.9
    assert found.freedom[1] < 25


def test_a_level_that_rose_is_followed_where_it_may_move() -> None:
    histories, _ = world(8_000, jump=4.0)
    none = np.zeros((8_000, 0))
    moving, still = (fit(histories, none, [], as_of=AS_OF, moving=moving) for moving in (True, False))
    assert won_by(moving, 200.0) == pytest.approx(0.4, abs=0.06)
    assert won_by(still, 200.0) < 0.3
    assert len(still.levels) == 1


def test_a_level_that_stayed_is_left_where_it_is() -> None:
    histories, _ = world(8_000)
    found = fit(histories, np.zeros((8_000, 0)), [], as_of=AS_OF, moving=True)
    assert np.ptp(found.levels) < 0.2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.floats(-3, 3))
def test_the_curve_rises_and_levels_off(seed: int, moving: bool, ratio: float) -> None:
    histories, x = world(60, seed, ever=0.6)
    found = fit(histories, x, [slice(0, 1)], as_of=AS_OF, moving=moving)
    curve = won_by(found, np.linspace(0, 1_000, 201), ratio)
    assert curve[0] == 0.0
    assert (np.diff(curve) >= 0).all()
    assert curve[-1] < 1.0
    assert won_by(found, float(histories.days.max()), ratio) == won_by(found, 10_000.0, ratio)


def test_the_time_of_a_total_is_the_inverse_of_the_curve() -> None:
    histories, x = world(500)
    found = fit(histories, x, [slice(0, 1)], as_of=AS_OF, moving=False)
    at = np.array([1.0, 10.0, 33.0, 90.0])
    assert time_of(found, cumulative(found, at)) == pytest.approx(at)
    assert time_of(found, cumulative(found, 1e6) + 0.1) == np.inf


def test_a_loss_by_hand() -> None:
    flat = Hazard(np.array([0.0, 10.0]), np.log([0.1]), np.zeros(0), np.array([0.0, 1.0]), np.zeros(1), ())
    histories = Histories(np.zeros(2), np.array([5.0, 5.0]), np.array([True, False]))
    assert losses(flat, histories, np.zeros(2)) == pytest.approx([0.5 - np.log(0.1), 0.5])
    assert losses(flat, histories, np.full(2, np.log(2))) == pytest.approx([1 - np.log(0.2), 1.0])


def test_the_gain_of_the_level_is_that_of_the_best_factor() -> None:
    histories, x = world(400, effect=0.5)
    found = fit(histories, x, [slice(0, 1)], as_of=AS_OF, moving=False)
    wrong = 0.9 * x[:, 0] - 1.0
    gained = losses(found, histories, wrong).sum() - level_gain(found, histories, wrong)
    best = optimize.minimize_scalar(lambda shift: float(losses(found, histories, wrong + shift).sum()))
    assert gained == pytest.approx(best.fun)


def test_tempering_keeps_the_number_of_wins() -> None:
    histories, x = world(2_000, effect=1.0)
    found = fit(histories, x, [slice(0, 1)], as_of=AS_OF, moving=False)
    ratio = x[:, 0] * found.coefficients[0]
    calmer = tempered(found, histories, ratio, 0.5)
    before = cumulative(found, histories.days) @ np.exp(ratio)
    assert cumulative(calmer, histories.days) @ np.exp(0.5 * ratio) == pytest.approx(before)
    assert calmer.coefficients == pytest.approx(found.coefficients / 2)
