from __future__ import annotations

from functools import reduce
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, FACTORS, FEATURES, WEIGHTS, Context, Fact, feature_values, fold
from porchlight.intelligence.conversion.features import MONTHLY_CLOSINGS, Factor, season_of
from porchlight.intelligence.conversion.scorecard import (
    FACTOR_LIMITS,
    JUDGEMENT_LIMIT,
    Weight,
    contribution_range,
    factor_range,
)

FEATURE_OF = {feature.name: feature for feature in FEATURES}
contexts = st.builds(
    Context,
    st.floats(1e-4, 0.5),
    st.none() | st.floats(0, 3),
    st.none() | st.floats(0, 40),
    st.none() | st.floats(0, 1e6),
)


def test_every_feature_has_one_weight_and_every_factor_three_to_six_features() -> None:
    assert [weight.feature for weight in WEIGHTS] == [feature.name for feature in FEATURES]
    assert len(FEATURE_OF) == len(FEATURES)
    for factor in FACTORS:
        assert 3 <= sum(feature.factor == factor for feature in FEATURES) <= 6


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.feature)
def test_every_weight_says_why_and_who_says_so(weight: Weight) -> None:
    assert weight.why.endswith(".")
    assert weight.source
    assert weight.log_odds != 0.0
    low, high = contribution_range(FEATURE_OF[weight.feature])
    assert low <= 0.0 <= high
    if weight.evidence == "judgement":
        assert max(-low, high) <= JUDGEMENT_LIMIT == log(1.5)
        assert "judgement" in weight.source
    else:
        assert "confidence" in weight.source


@pytest.mark.parametrize("factor", FACTORS)
def test_no_factor_can_go_beyond_its_documented_limit(factor: Factor) -> None:
    low, high = factor_range(factor)
    assert -FACTOR_LIMITS[factor] <= low < 0.0 < high <= FACTOR_LIMITS[factor]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_type(Fact), max_size=25), contexts, st.floats(0, 900 * 86_400))
def test_every_feature_keeps_within_its_bounds(facts: list[Fact], context: Context, later: float) -> None:
    state = reduce(fold, facts, EMPTY)
    at = max((fact.occurred_at for fact in facts), default=1.7e9) + later
    for feature, value in zip(FEATURES, feature_values(state, at, context), strict=True):
        assert feature.low <= feature.reference <= feature.high
        assert value is None or feature.low <= value <= feature.high, feature.name


def test_the_year_s_closings_average_one_and_spring_is_above_winter() -> None:
    assert sum(MONTHLY_CLOSINGS) / 12 == pytest.approx(1.0, abs=0.005)
    assert season_of(4) > 1.1 > 0.9 > season_of(12)


@pytest.mark.parametrize("base", [0.0, 1.0, -0.1, float("nan")])
def test_a_base_probability_that_is_none_is_refused(base: float) -> None:
    with pytest.raises(ValueError, match="base_probability"):
        Context(base_probability=base)
