from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import log

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import (
    EMPTY,
    FACTORS,
    FEATURES,
    Context,
    Fact,
    Factors,
    Forecast,
    State,
    fold,
    forecast,
    forecast_from,
    score_from,
)
from porchlight.intelligence.conversion.kinds import TERMINAL_STAGES

DAY = 86_400.0
histories = st.lists(st.from_type(Fact), max_size=20)
FACTOR_OF = {feature.name: feature.factor for feature in FEATURES}


def folded(facts: Iterable[Fact]) -> State:
    return reduce(fold, facts, EMPTY)


def after(facts: list[Fact]) -> float:
    return max((fact.occurred_at for fact in facts), default=1_700_000_000.0)


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 200 * DAY), st.floats(1e-4, 0.9))
def test_the_eight_factors_add_up_to_the_score_to_the_bit(facts: list[Fact], later: float, base: float) -> None:
    result = forecast(folded(facts), after(facts) + later, Context(base))
    assert result.score == score_from(result.factors)
    assert result.score == score_from(orjson.loads(orjson.dumps(result.factors._asdict())).values())
    totals = dict.fromkeys(FACTORS, 0.0)
    for name, _, log_odds in result.contributions:
        totals[FACTOR_OF.get(name, "momentum")] += log_odds
    assert result.factors == Factors(**totals)


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 200 * DAY), st.floats(1e-4, 0.9))
def test_the_score_is_the_lead_s_odds_over_those_plus_the_base_odds(
    facts: list[Fact], later: float, base: float
) -> None:
    result = forecast(folded(facts), after(facts) + later, Context(base))
    odds, base_odds = result.probability / (1 - result.probability), base / (1 - base)
    assert result.score == pytest.approx(100 * odds / (odds + base_odds), rel=1e-6)
    assert 0.0 < result.probability < 1.0
    assert 0.0 < result.score < 100.0


def test_a_lead_that_is_average_in_everything_scores_exactly_fifty() -> None:
    result = forecast_from([feature.reference for feature in FEATURES], Context(0.008))
    assert result.score == 50.0
    assert result.probability == pytest.approx(0.008)
    assert result.factors == Factors(*(0.0,) * 8)


def test_a_lead_of_whom_nothing_can_be_said_scores_exactly_fifty() -> None:
    assert forecast_from([None] * len(FEATURES)).score == 50.0


def test_grades_begin_at_four_times_and_one_and_a_half_times_the_base_odds() -> None:
    def grade(odds: float) -> str:
        values: list[float | None] = [None] * len(FEATURES)
        index = [feature.name for feature in FEATURES].index("season")
        values[index] = log(odds)
        return forecast_from(values).grade

    assert [grade(odds) for odds in (4.01, 3.99, 1.51, 1.49, 0.01)] == ["A", "B", "B", "C", "C"]


@pytest.mark.parametrize("kind", ["deal.closed", "lead.lost"])
def test_a_lead_whose_pursuit_ended_scores_one_and_stays_there(kind: str) -> None:
    state = folded([Fact("tour.held", 1e9, {}), Fact(kind, 1e9 + DAY, {})])
    result = forecast(state, 1e9 + 2 * DAY)
    assert result.score == pytest.approx(1.0)
    assert result.score == score_from(result.factors)
    assert fold_and_score(state, Fact("listing.viewed", 1e9 + 3 * DAY, {})) == result.score
    assert fold_and_score(state, Fact("lead.reopened", 1e9 + 3 * DAY, {})) > result.score


def fold_and_score(state: State, fact: Fact) -> float:
    return forecast(fold(state, fact), fact.occurred_at + DAY).score


ONE_MORE = {
    "lead.inquired": ("urgency", "momentum"),
    "listing.viewed": ("property_match", "momentum"),
    "listing.saved": ("property_match", "momentum"),
    "listing.shared": ("property_match", "momentum"),
    "listing.inquired": ("urgency", "property_match", "momentum"),
    "search.performed": ("urgency", "momentum"),
    "message.received": ("responsiveness", "momentum"),
    "message.clicked": ("responsiveness", "momentum"),
    "call.held": ("responsiveness", "momentum"),
    "appointment.booked": ("urgency", "momentum"),
    "tour.booked": ("urgency", "momentum"),
    "appointment.held": ("competition", "momentum"),
    "tour.held": ("competition", "momentum"),
    "offer.made": ("momentum",),
    "contract.signed": ("momentum",),
}
ONE_LESS = {
    "message.bounced": "responsiveness",
    "competitor.mentioned": "competition",
    "appointment.missed": "competition",
    "tour.cancelled": "competition",
}


def pair(facts: list[Fact], more: Fact) -> tuple[Forecast, Forecast]:
    """The forecasts without and with one more fact, at the same time, of a lead that is still open."""
    state = folded(facts)
    with_more = fold(state, more)
    assume(state.stage not in TERMINAL_STAGES and with_more.stage not in TERMINAL_STAGES)
    at = after([*facts, more])
    return forecast(state, at), forecast(with_more, at)


@settings(max_examples=60, deadline=None)
@given(histories, st.from_type(Fact), st.sampled_from(sorted(ONE_MORE)))
def test_one_more_good_sign_never_lowers_its_factors(facts: list[Fact], like: Fact, kind: str) -> None:
    # without a source of its own: a further door is counted against them, which is another sign
    before, now = pair(facts, like._replace(kind=kind, payload={"listing_key": "MLS-1"}, source=None))
    for factor in ONE_MORE[kind]:
        assert getattr(now.factors, factor) >= getattr(before.factors, factor) - 1e-12, factor


@settings(max_examples=60, deadline=None)
@given(histories, st.from_type(Fact), st.sampled_from(sorted(ONE_LESS)))
def test_one_more_bad_sign_never_raises_its_factor(facts: list[Fact], like: Fact, kind: str) -> None:
    before, now = pair(facts, like._replace(kind=kind, payload={}))
    assert getattr(now.factors, ONE_LESS[kind]) <= getattr(before.factors, ONE_LESS[kind]) + 1e-12


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 100 * DAY))
def test_less_time_to_move_never_lowers_urgency_or_the_score(
    facts: list[Fact], one: float, other: float, later: float
) -> None:
    said_at = after(facts)
    shorter, longer = (
        forecast(fold(folded(facts), Fact("criteria.stated", said_at, {"timeframe_days": days})), said_at + later)
        for days in sorted((one, other))
    )
    assert shorter.factors.urgency >= longer.factors.urgency
    assert shorter.score >= longer.score


@settings(max_examples=60, deadline=None)
@given(histories, st.permutations(["none", "applying", "preapproved"]))
def test_nearer_financing_never_lowers_the_budget_or_the_score(facts: list[Fact], order: list[str]) -> None:
    at = after(facts)
    scores = {
        financing: forecast(fold(folded(facts), Fact("criteria.stated", at, {"financing": financing})), at).score
        for financing in order
    }
    assert scores["none"] <= scores["applying"] <= scores["preapproved"]


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0, 400 * DAY), st.floats(0, 400 * DAY))
def test_longer_silence_never_raises_momentum_or_what_we_did_for_them(
    facts: list[Fact], one: float, other: float
) -> None:
    state = folded(facts)
    sooner, later = (forecast(state, after(facts) + wait) for wait in sorted((one, other)))
    assert later.factors.momentum <= sooner.factors.momentum + 1e-12
    assert later.factors.property_match <= sooner.factors.property_match + 1e-12


@settings(max_examples=60, deadline=None)
@given(histories, st.floats(0.1, 1e5), st.floats(0.1, 1e5))
def test_a_slower_answer_of_ours_never_counts_for_more(facts: list[Fact], one: float, other: float) -> None:
    asked_at = after(facts) + 1.0
    asked = fold(folded(facts), Fact("message.received", asked_at, {}))
    assume(asked.stage not in TERMINAL_STAGES)

    def answer_speed(minutes: float) -> float:
        answered = fold(asked, Fact("message.sent", asked_at + minutes * 60, {}))
        contributions = forecast(answered, asked_at + 1e5 * 60).contributions
        return next(part.log_odds for part in contributions if part.feature == "answer_speed")

    faster, slower = sorted((one, other))
    assert answer_speed(slower) <= answer_speed(faster)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 1.5), st.floats(0.5, 1.5), histories)
def test_a_busier_season_never_lowers_market_timing(one: float, other: float, facts: list[Fact]) -> None:
    quiet, busy = (forecast(folded(facts), after(facts), Context(season=season)) for season in sorted((one, other)))
    assert quiet.factors.market_timing <= busy.factors.market_timing


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 12), st.floats(0.5, 12))
def test_more_homes_for_sale_help_a_buyer_and_hinder_a_seller(one: float, other: float) -> None:
    few, many = sorted((one, other))

    def timing(intent: str, months: float) -> float:
        state = fold(EMPTY, Fact("criteria.stated", 1e9, {"intent": intent}))
        return forecast(state, 1e9, Context(months_of_supply=months)).factors.market_timing

    assert timing("buy", few) <= timing("buy", many)
    assert timing("sell", few) >= timing("sell", many)


def test_a_lead_climbs_from_c_to_a_on_the_way_to_a_contract() -> None:
    story = [
        Fact("lead.captured", 0.0, {}, "website"),
        Fact("criteria.stated", 60.0, {"intent": "buy", "price_max": 500_000, "areas": ["Elm"]}),
        Fact("message.sent", 300.0, {}),
        Fact("message.received", 1_500.0, {}),
        Fact("listing.viewed", 0.5 * DAY, {"listing_key": "1", "list_price": 480_000, "area": "Elm"}),
        Fact("listing.saved", 0.6 * DAY, {"listing_key": "1", "list_price": 480_000, "area": "Elm"}),
        Fact("financing.preapproved", 2 * DAY, {"amount": 500_000}),
        Fact("tour.booked", 2 * DAY, {}),
        Fact("tour.held", 4 * DAY, {}),
        Fact("offer.made", 6 * DAY, {}),
        Fact("offer.accepted", 7 * DAY, {}),
    ]
    results = []
    for number in range(1, len(story) + 1):
        facts = [fact._replace(occurred_at=1.7e9 + fact.occurred_at) for fact in story[:number]]
        results.append(forecast(folded(facts), facts[-1].occurred_at))
    assert results[0].grade == "C"
    assert results[-1].grade == "A"
    assert 0.9 < results[-1].probability < 0.96
    assert [result.score for result in results] == sorted(result.score for result in results)
