from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import (
    EMPTY,
    FACTORS,
    FEATURES,
    Context,
    Fact,
    explain,
    fold,
    forecast,
    forecast_from,
    score_from,
)
from porchlight.intelligence.conversion.history.landmarks import Rows, as_matrix
from porchlight.intelligence.conversion.history.levers import levers
from porchlight.intelligence.conversion.history.model import (
    PRIOR,
    Model,
    ModelFormatError,
    forecast_values,
    forecast_with,
    from_json,
    score_many,
    to_json,
)
from porchlight.intelligence.conversion.history.terms import About, mark_of

DAY = 86_400.0
values_of_features = st.tuples(*(st.one_of(st.none(), st.floats(feature.low, feature.high)) for feature in FEATURES))
abouts = st.builds(
    About,
    st.sampled_from([None, "agent 0", "agent 1", "somebody new"]),
    st.fixed_dictionaries({}, optional={"campaign": st.sampled_from(["spring", "autumn", "never seen"])}),
)
marks = st.lists(st.sampled_from([mark_of("Portal"), mark_of("Referral"), 7]), max_size=3, unique=True).map(tuple)
histories = st.lists(st.from_type(Fact), max_size=15)


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 200 * DAY))
def test_the_prior_as_a_model_is_the_scorecard_to_the_bit(facts: list[Fact], later: float) -> None:
    state = reduce(fold, facts, EMPTY)
    at = max((fact.occurred_at for fact in facts), default=1_700_000_000.0) + later
    context = Context(season=1.1)
    expected, found = forecast(state, at, context), forecast_with(PRIOR, state, at, context)
    assert (found.probability, found.score, found.grade) == (expected.probability, expected.score, expected.grade)
    assert found.factors == expected.factors
    assert found.model_version == expected.model_version
    assert explain(state, found, at, 35) == explain(state, expected, at, 35)


@settings(max_examples=100, deadline=None)
@given(values=values_of_features, marks=marks, about=abouts)
def test_the_eight_factors_add_up_to_the_score_to_the_bit(
    model: Model, values: tuple[float | None, ...], marks: tuple[int, ...], about: About
) -> None:
    found = forecast_values(model, values, marks, about)
    assert found.score == score_from(found.factors)
    totals = dict.fromkeys(FACTORS, 0.0)
    of_others = {other.text: other.factor for other in found.others}
    of_features = {feature.name: feature.factor for feature in FEATURES}
    for name, _, log_odds in found.contributions:
        totals[of_others.get(name) or of_features[name]] += log_odds
    assert tuple(totals.values()) == found.factors
    odds, base = found.probability / (1 - found.probability), model.base_probability / (1 - model.base_probability)
    assert found.score == pytest.approx(100 * odds / (odds + base), rel=1e-9)
    assert found.model_version == model.version


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values_of_features, marks, abouts), min_size=1, max_size=8))
def test_many_leads_are_scored_as_one_is(
    model: Model, leads: list[tuple[tuple[float | None, ...], tuple[int, ...], About]]
) -> None:
    together = score_many(
        model, as_matrix([v for v, _, _ in leads]), [m for _, m, _ in leads], [a for _, _, a in leads]
    )
    for number, (values, known, about) in enumerate(leads):
        alone = forecast_values(model, values, known, about)
        assert together.probability[number] == pytest.approx(alone.probability, abs=1e-12)
        assert together.score[number] == pytest.approx(alone.score, abs=1e-10)
        assert together.factors[number] == pytest.approx(np.array(alone.factors), abs=1e-12)


def test_a_model_comes_back_from_json_to_the_bit(model: Model, later: Rows) -> None:
    text = orjson.dumps(to_json(model))
    again = from_json(orjson.loads(text))
    assert orjson.dumps(to_json(again)) == text
    before, after = (score_many(one, later.values, later.marks) for one in (model, again))
    assert before.probability.tobytes() == after.probability.tobytes()
    assert from_json(to_json(PRIOR)).version == PRIOR.version


def test_the_order_of_keys_does_not_matter(model: Model) -> None:
    shuffled = dict(reversed(orjson.loads(orjson.dumps(to_json(model))).items()))
    assert from_json(shuffled).version == model.version


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update({name: value})


@pytest.mark.parametrize(
    "spoil",
    [
        _set("format", 99),
        _set("features", ["views"]),
        _set("weights", [0.0]),
        _set("weights", [1e9] * len(FEATURES)),
        _set("base_probability", 0.0),
        _set("base_probability", 0.5),
        _set("trust", 2.0),
        _set("trees", [{"features": []}]),
        _set("hours", [1.0]),
        _set("shape", {}),
        _set("terms", [{}]),
        _set("learned", None),
        lambda document: document.pop("zeros"),
    ],
)
def test_a_spoiled_model_is_refused_with_advice(model: Model, spoil: Callable[[dict[str, Any]], None]) -> None:
    document = orjson.loads(orjson.dumps(to_json(model)))
    spoil(document)
    with pytest.raises(ModelFormatError, match="learn again"):
        from_json(document)


def test_reasons_name_what_stands_beside_the_features(model: Model) -> None:
    state = fold(EMPTY, Fact("lead.captured", 1_700_000_000.0, {}, "Referral"))
    made = forecast_with(model, state, 1_700_000_000.0)
    reasons = explain(state, made, 1_700_000_000.0, 35)
    assert any(reason.text == "Came through Referral" and reason.log_odds > 0 for reason in reasons)


def test_an_ended_lead_keeps_its_score_whatever_the_model(model: Model) -> None:
    state = fold(EMPTY, Fact("lead.lost", 1_700_000_000.0, {}))
    assert forecast_with(model, state, 1_700_000_000.0).score == pytest.approx(1.0)
    assert levers(model, state, 1_700_000_000.0) == ()


def test_a_lever_is_what_the_forecast_would_be_after_the_deed() -> None:
    at = 1_700_000_000.0
    state = fold(EMPTY, Fact("lead.captured", at, {}, "Portal"))
    found = levers(PRIOR, state, at + DAY)
    assert [lever.log_odds for lever in found] == sorted((lever.log_odds for lever in found), reverse=True)
    assert found[0].key == "tour"
    after = forecast(fold(state, Fact("tour.held", at + DAY, {})), at + DAY)
    assert found[0].probability == after.probability


def test_a_lead_average_in_everything_has_the_prior_s_base() -> None:
    assert (
        forecast_values(PRIOR, tuple(f.reference for f in FEATURES)).score
        == forecast_from([f.reference for f in FEATURES]).score
    )
