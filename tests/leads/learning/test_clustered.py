"""Intervals that do not count one lead's luck twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.leads.learning.clustered import levelled, measures, overdispersion, wilson


def made(rng: np.random.Generator, leads: int, each: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calibrated forecasts of leads; each lead's rows share its outcome."""
    said = rng.beta(1, 8, leads)
    won = (rng.random(leads) < said).astype(float)
    return np.repeat(won, each), np.repeat(said, each), np.repeat(np.arange(leads), each)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_the_measures_are_those_of_the_textbook_also_with_ties(seed: int, digits: int) -> None:
    won, said, lead = made(np.random.default_rng(seed), 60)
    said = np.clip(said.round(digits), 0.01, 0.99)
    won[:2] = 0.0, 1.0
    found = measures(won, said, lead)
    winners, others = said[won > 0], said[won == 0]
    beaten = [np.sign(one - others).mean() for one in winners]
    assert found["auc"].value == pytest.approx((1 + np.mean(beaten)) / 2)
    assert found["log_loss"].value == pytest.approx(-np.log(np.where(won > 0, said, 1 - said)).mean())
    assert found["brier"].value == pytest.approx(np.square(won - said).mean())
    assert found["base_log_loss"].value == pytest.approx(-np.log(np.where(won > 0, won.mean(), 1 - won.mean())).mean())
    assert found["ratio"].value == pytest.approx(won.mean() / said.mean())


def test_the_top_tenth_is_the_share_of_the_wins_in_it() -> None:
    won, said = np.zeros(100), np.linspace(0.01, 0.99, 100)
    won[[95, 97, 40, 3]] = 1.0
    assert measures(won, said, np.arange(100))["top"].value == pytest.approx(0.5)


def test_repeated_rows_of_a_lead_do_not_narrow_the_interval() -> None:
    once = measures(*made(np.random.default_rng(1), 500))["auc"]
    often = measures(*made(np.random.default_rng(1), 500, each=8))["auc"]
    assert often.value == pytest.approx(once.value)
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.15)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(60):
        found = measures(*made(np.random.default_rng(seed), 400, each=2))["ratio"]
        held += found.low <= 1.0 <= found.high
    assert 50 <= held <= 60


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 3))
def test_levelled_forecasts_say_in_sum_what_happened_and_keep_their_order(seed: int, factor: float) -> None:
    won, said, _ = made(np.random.default_rng(seed), 200)
    won[:2] = 0.0, 1.0
    level = levelled(won, np.clip(said * factor, 0, 0.9))
    assert level.sum() == pytest.approx(won.sum())
    assert (np.diff(level[np.argsort(said)]) >= -1e-12).all()


def test_overdispersion_counts_how_often_a_lead_repeats() -> None:
    won, said, lead = made(np.random.default_rng(3), 4_000, each=5)
    assert overdispersion(won, said, lead) == pytest.approx(5, rel=0.15)
    assert overdispersion(*made(np.random.default_rng(3), 4_000)) == pytest.approx(1, rel=0.15)


def test_wilson_is_the_published_interval() -> None:
    # 15 of 20 with z = 1.96: (0.75 + 0.096 ± 0.2126) / 1.192
    assert wilson(0.75, 20) == pytest.approx((0.531299, 0.888138), abs=1e-5)
    assert wilson(0.0, 50)[0] == 0.0
