from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from porchlight.intelligence.conversion.history.landmarks import Rows
from porchlight.intelligence.conversion.history.model import PRIOR, Model
from porchlight.intelligence.conversion.history.promotion import calibration_of, compare, paired


def test_a_better_model_is_promoted_and_the_reason_says_on_how_many_leads(model: Model, later: Rows) -> None:
    verdict = compare(model, PRIOR, later)
    assert verdict.promote
    assert verdict.gain is not None
    assert verdict.gain.low > 0.0
    assert f"{verdict.leads} later leads" in verdict.reason


def test_a_worse_model_is_not_promoted(model: Model, later: Rows) -> None:
    verdict = compare(PRIOR, model, later)
    assert not verdict.promote
    assert verdict.reason.startswith("No better")


def test_a_model_does_not_replace_itself(model: Model, later: Rows) -> None:
    verdict = compare(model, model, later)
    assert not verdict.promote
    assert verdict.gain == (0.0, 0.0, 0.0)


def test_with_few_later_conversions_it_is_too_early(model: Model, later: Rows) -> None:
    verdict = compare(model, PRIOR, later.take(later.lead < 30))
    assert not verdict.promote
    assert verdict.reason.startswith("Too early to say")


def test_a_better_model_that_promises_too_much_is_not_promoted(model: Model, later: Rows) -> None:
    """The same ranking, but twice the odds on top, still better than the prior."""
    bold = replace(model, base_probability=min(0.5, 2.5 * model.base_probability))
    verdict = compare(bold, PRIOR, later)
    assert verdict.p_value is not None
    assert verdict.p_value < 0.05
    assert not verdict.promote
    assert "not calibrated" in verdict.reason


def test_rows_of_one_lead_do_not_make_a_gain_surer() -> None:
    dice = np.random.default_rng(0)
    gains = dice.normal(0.05, 1.0, 200)
    once, sure = paired(gains, np.arange(200), np.ones(200))
    ten_times, as_sure = paired(np.repeat(gains, 10), np.repeat(np.arange(200), 10), np.ones(2_000))
    assert ten_times == pytest.approx(once)
    assert as_sure == pytest.approx(sure)


def test_the_interval_of_a_gain_covers_the_truth_as_often_as_it_says() -> None:
    dice = np.random.default_rng(1)
    covered = 0
    for _ in range(300):
        of_leads = dice.normal(0.0, 1.0, 80)
        lead = np.repeat(np.arange(80), 5)
        gain, _ = paired(0.1 + of_leads[lead] + dice.normal(0.0, 0.3, 400), lead, np.ones(400))
        covered += gain.low <= 0.1 <= gain.high
    assert covered / 300 > 0.9


@pytest.mark.parametrize(("stretch", "shift", "holds"), [(1.0, 0.0, True), (2.5, 0.0, False), (1.0, 1.2, False)])
def test_calibration_holds_where_forecasts_come_true_and_only_there(stretch: float, shift: float, holds: bool) -> None:
    dice = np.random.default_rng(2)
    z = dice.normal(-1.5, 1.0, 6_000)
    y = (dice.random(6_000) < 1 / (1 + np.exp(-z))).astype(np.float64)
    p = 1 / (1 + np.exp(-(stretch * (z + 1.5) - 1.5 + shift)))
    found = calibration_of(y, p, np.arange(6_000), np.ones(6_000))
    assert found.holds is holds
    assert found.slope.low < 1.0 / stretch < found.slope.high
    assert found.ece.low <= found.ece.value <= found.ece.high
