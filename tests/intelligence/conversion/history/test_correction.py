from __future__ import annotations

from functools import reduce

import numpy as np
import pytest

from porchlight.intelligence.conversion import EMPTY, Fact, fold
from porchlight.intelligence.conversion.history.correction import learn
from porchlight.intelligence.conversion.history.landmarks import OPEN, Floats, Rows, converted_within
from porchlight.intelligence.conversion.history.model import PRIOR, Model, forecast_with, score_many
from porchlight.intelligence.conversion.history.terms import About
from porchlight.intelligence.evaluation.binary import log_loss


def probabilities(model: Model, rows: Rows) -> Floats:
    return score_many(model, rows.values, rows.marks, [About(one.owner, one.custom) for one in rows.about]).probability


def loss(model: Model, rows: Rows) -> float:
    y, weights = converted_within(rows, 90)
    return log_loss(y, probabilities(model, rows), weights)


def some(rows: Rows, leads: int) -> Rows:
    return rows.take(rows.lead % 1_000 < leads)


def test_without_an_outcome_it_is_the_prior(rows: Rows) -> None:
    assert learn(rows.take(np.zeros(len(rows), dtype=bool))) is PRIOR
    assert learn(rows.take(rows.event == OPEN)) is PRIOR


def test_more_history_forecasts_later_leads_better(rows: Rows, later: Rows, model: Model) -> None:
    losses = [loss(PRIOR, later), loss(learn(some(rows, 100)), later), loss(model, later)]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > losses[-1] + 0.05


def test_a_handful_of_outcomes_moves_the_weights_little(rows: Rows) -> None:
    few = learn(rows.take(rows.lead < 12))
    assert not few.trees
    assert np.abs(np.array(few.weights) - np.array(PRIOR.weights)).max() < 0.35
    assert 0.5 < few.base_probability / PRIOR.base_probability < 12


def test_it_learns_that_the_scorecard_is_wrong(model: Model) -> None:
    """In this world who searches converts and who saves homes does not; the scorecard thinks well of both."""

    def after(kind: str, judge: Model) -> float:
        facts = [Fact("lead.captured", 1_700_000_000.0, {}, "Portal")]
        facts += [Fact(kind, 1_700_000_000.0 + hour * 3_600, {}) for hour in range(1, 6)]
        return forecast_with(judge, reduce(fold, facts, EMPTY), 1_700_000_000.0 + 86_400).probability

    assert after("search.performed", PRIOR) < after("listing.saved", PRIOR)
    assert after("search.performed", model) > 3 * after("listing.saved", model)


def test_a_source_earns_its_influence(model: Model) -> None:
    (term,) = (term for term in model.terms if term.kind == "source")
    assert term.levels["Referral"] > term.levels["Portal"] + 0.3


def test_a_protected_class_never_enters_however_well_it_tells(model: Model) -> None:
    assert "Gender" not in {term.name for term in model.terms}


def test_the_forecasts_add_up_to_what_happened(rows: Rows, model: Model) -> None:
    y, weights = converted_within(rows, 90)
    assert weights @ probabilities(model, rows) == pytest.approx(weights @ y, rel=0.1)


def test_the_average_lead_scores_fifty(rows: Rows, model: Model) -> None:
    mean = float(probabilities(model, rows).mean())
    assert model.base_probability == pytest.approx(mean, rel=0.15)


def test_the_same_rows_give_the_same_model(rows: Rows) -> None:
    assert learn(some(rows, 60)).version == learn(some(rows, 60)).version
    assert learn(some(rows, 60)).version.startswith("own-")
