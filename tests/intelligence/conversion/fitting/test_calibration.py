from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from porchlight.intelligence.conversion.fitting import calibration
from porchlight.intelligence.evaluation.binary import log_loss


def _rows(slope: float, level: float, rows: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(4)
    z = dice.normal(0.0, 1.5, rows)
    return z, (dice.random(rows) < expit(level + slope * z)).astype(float)


def test_log_odds_that_come_true_are_left_alone() -> None:
    z, y = _rows(1.0, 0.0)
    assert calibration.fit(z, y).method == "none"


def test_log_odds_that_are_too_sharp_are_flattened() -> None:
    z, y = _rows(0.5, 0.3)
    found = calibration.fit(z, y)
    assert found.method == "platt"
    assert 0.4 < found.a < 0.6
    assert log_loss(y, calibration.probabilities(found, z)) < log_loss(y, np.asarray(expit(z)))


def test_a_level_that_holds_from_one_period_to_the_next_is_taken() -> None:
    z, y = _rows(1.0, 0.6)
    found = calibration.fit(z, y, groups=np.arange(len(z)) // 1500)
    assert found.method == "level"
    assert 0.4 < found.level < 0.8


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 3.0), st.floats(-2.0, 2.0), st.integers(0, 1000))
def test_a_calibration_never_changes_the_order(slope: float, level: float, seed: int) -> None:
    dice = np.random.default_rng(seed)
    z = np.sort(dice.normal(size=80))
    y = (dice.random(80) < expit(level + slope * z)).astype(float)
    for method in (calibration.level, calibration.platt, calibration.beta):
        assert np.all(np.diff(method(z, y, np.ones(80)).of(z)) >= 0.0)
