from __future__ import annotations

import numpy as np
import pytest

from porchlight.intelligence.conversion.features import FEATURES
from porchlight.intelligence.conversion.history.drift import (
    SHIFTED,
    Shift,
    agreement,
    by_group,
    index_of,
    stability,
    trust,
)
from porchlight.intelligence.conversion.history.landmarks import Floats, Ints


def told(forecast: float, truth: float, leads: int, seed: int = 0) -> tuple[Floats, Floats, Ints]:
    dice = np.random.default_rng(seed)
    return (dice.random(leads) < truth).astype(np.float64), np.full(leads, forecast), np.arange(leads)


def test_samples_of_one_population_are_stable_whatever_their_size() -> None:
    dice = np.random.default_rng(0)
    found = [index_of(dice.beta(2, 5, 2_000), dice.beta(2, 5, 150)) for _ in range(200)]
    assert np.mean(found) < 0.05
    assert np.quantile(found, 0.95) < SHIFTED


def test_another_population_and_vanished_data_are_seen() -> None:
    dice = np.random.default_rng(0)
    before = dice.beta(2, 5, 2_000)
    assert index_of(before, dice.beta(5, 2, 500)) > SHIFTED
    assert index_of(before, np.where(dice.random(500) < 0.5, np.nan, dice.beta(2, 5, 500))) > SHIFTED


def test_the_feature_that_moved_comes_first_and_few_rows_say_nothing() -> None:
    dice = np.random.default_rng(0)
    before, after = dice.random((500, len(FEATURES))), dice.random((500, len(FEATURES)))
    after[:, 7] **= 4
    assert stability(before, after)[0].feature == FEATURES[7].name
    assert stability(before, after[:50]) == []


def test_agreement_counts_leads_and_has_an_interval() -> None:
    y, p, lead = told(0.1, 0.1, 3_000)
    found = agreement("all", y, p, lead)
    assert found.forecast == pytest.approx(300.0)
    assert found.ratio.low < 1.0 < found.ratio.high
    again = agreement("all", np.repeat(y, 4), np.repeat(p, 4), np.repeat(lead, 4))
    assert again.observed == pytest.approx(found.observed)
    assert again.ratio == pytest.approx(found.ratio)


def test_groups_come_with_the_largest_first_and_an_empty_one_does_no_harm() -> None:
    y, p, lead = told(0.1, 0.1, 100)
    groups = ["Portal"] * 60 + ["Referral"] * 40
    assert [(group.name, group.leads) for group in by_group(groups, y, p, lead)] == [("Portal", 60), ("Referral", 40)]
    assert by_group([], *(np.empty(0),) * 2, np.empty(0, dtype=np.int64)) == []


def test_the_verdict_is_yes_where_forecasts_come_true() -> None:
    said = trust(agreement("all", *told(0.1, 0.1, 3_000)))
    assert said.word == "yes"
    assert said.sentence.startswith("Yes, within limits")


def test_the_verdict_is_careful_where_they_do_not() -> None:
    overall = agreement("all", *told(0.1, 0.1, 3_000))
    of_late = agreement("October", *told(0.1, 0.25, 1_000))
    assert trust(agreement("all", *told(0.05, 0.2, 2_000))).word == "careful"
    assert "October" in trust(overall, [of_late]).sentence
    said = trust(overall, [overall], [Shift("reply_rate", 0.4), Shift("views", 0.01)])
    assert said.sentence == "Careful: leads are no longer like those it learned from (reply rate)."


def test_the_verdict_is_too_early_with_a_handful_of_outcomes() -> None:
    y = np.zeros(100)
    y[:7] = 1.0
    assert trust(agreement("all", y, np.full(100, 0.06), np.arange(100))).sentence == "Too early to say: 7 outcomes."
    assert (
        trust(agreement("all", np.ones(1), np.full(1, 0.06), np.arange(1))).sentence == "Too early to say: 1 outcome."
    )
