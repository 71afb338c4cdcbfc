from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from math import isclose, log
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, KINDS, Fact, State, encode, fold
from porchlight.intelligence.conversion.state import (
    Counts,
    answer_minutes,
    favourite_home,
    price_band,
    refuses,
    views_in_week,
)

START = 1_700_006_400.0  # midnight, UTC
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
ORDER_BOUND = {"promptness", "matches"}


def folded(facts: Iterable[Fact], state: State = EMPTY) -> State:
    return reduce(fold, facts, state)


def told(*story: tuple[Any, ...]) -> State:
    """A state from (kind, seconds after START, payload)."""
    return folded(Fact(kind, START + after, payload[0] if payload else {}) for kind, after, *payload in story)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.from_type(Fact), max_size=25).flatmap(lambda facts: st.tuples(st.just(facts), st.permutations(facts)))
)
def test_the_order_of_facts_does_not_change_what_is_counted(orders: tuple[list[Fact], list[Fact]]) -> None:
    one, other = (folded(facts) for facts in orders)
    for name in Counts._fields:
        if name not in ORDER_BOUND:
            assert isclose(getattr(one.counts, name), getattr(other.counts, name), rel_tol=1e-9), name
            assert getattr(one.latest, name) == getattr(other.latest, name), name
    for mine, theirs in zip(one.prices, other.prices, strict=True):
        assert isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-9)
    assert one.first_active_at == other.first_active_at
    assert one.week == other.week
    assert one.progress == other.progress
    if len(one.sources) < 8:
        assert one.sources == other.sources


@settings(max_examples=60, deadline=None)
@given(st.from_type(Fact), st.text(max_size=20).filter(lambda kind: kind not in KINDS))
def test_an_unknown_kind_leaves_the_state_as_it_was(fact: Fact, kind: str) -> None:
    state = fold(EMPTY, fact)
    assert fold(state, fact._replace(kind=kind)) is state


def test_a_count_halves_in_its_half_life() -> None:
    state = told(("listing.viewed", 0.0), ("listing.viewed", 7 * DAY))
    assert state.counts.views == pytest.approx(1.5)


def test_after_ten_thousand_facts_the_state_is_still_under_two_kilobytes() -> None:
    kinds = sorted(KINDS)
    state = EMPTY
    for number in range(10_000):
        payload = {
            "listing_key": f"listing with a rather long key {number % 977}",
            "area": f"An area with a rather long name {number % 61}",
            "list_price": 250_000 + 977 * (number % 613),
            "channel": f"channel {number % 17}",
            "areas": [f"A wished area with a long name {index}" for index in range(9)],
            "property_type": "Single Family Residence",
            "price_max": 512_345.67,
        }
        kind = kinds[(number * 7) % len(kinds)]
        state = fold(state, Fact(kind, START + number * 1234.567891, payload, f"source {number % 31}"))
    assert len(encode(state)) < 2_048


def test_a_late_fact_does_not_turn_back_the_stage() -> None:
    state = told(("tour.held", 5 * DAY), ("message.sent", 1 * DAY))
    assert state.stage == "touring"


def test_facts_after_a_stage_was_set_carry_it_forward_but_facts_before_do_not() -> None:
    set_back = told(("tour.held", 1 * DAY), ("stage.changed", 2 * DAY, {"to": "contacted"}))
    assert set_back.stage == "contacted"
    assert folded([Fact("message.received", START + 3 * DAY, {})], set_back).stage == "engaged"
    assert folded([Fact("offer.made", START + 1.5 * DAY, {})], set_back).stage == "contacted"


def test_only_reopening_brings_a_lost_lead_back() -> None:
    lost = told(("tour.held", 0.0), ("lead.lost", 1 * DAY), ("message.received", 2 * DAY))
    assert lost.stage == "lost"
    assert folded([Fact("lead.reopened", START + 1.5 * DAY, {})], lost).stage == "engaged"
    assert folded([Fact("lead.reopened", START + 3 * DAY, {})], lost).stage == "new"


def test_a_lead_waits_until_a_person_answers() -> None:
    asked = told(("lead.captured", 0.0), ("message.sent", 5.0, {"automated": True}))
    assert asked.talk.waiting_since == START
    answered = fold(asked, Fact("message.sent", START + 30 * MINUTE, {}))
    assert answered.talk.waiting_since == 0.0
    assert answer_minutes(answered) == pytest.approx(30.0)


def test_an_answer_that_is_recorded_late_leaves_a_later_question_open() -> None:
    state = told(("message.received", 0.0), ("message.received", 2 * HOUR), ("message.sent", 1 * HOUR))
    assert state.talk.waiting_since == START + 2 * HOUR


def test_a_question_that_is_recorded_late_is_not_open_when_it_was_answered() -> None:
    assert told(("message.sent", 1 * HOUR), ("message.received", 0.0)).talk.waiting_since == 0.0


def test_a_tour_answers_what_was_asked_before() -> None:
    assert told(("listing.inquired", 0.0), ("tour.held", 1 * DAY)).talk.waiting_since == 0.0


def test_the_time_of_a_reply_is_counted_from_our_latest_message() -> None:
    state = told(("message.sent", 0.0), ("message.sent", 1 * HOUR), ("message.received", 1 * HOUR + 20 * MINUTE))
    assert state.talk.reply_minutes == pytest.approx(20.0)
    again = fold(state, Fact("message.received", START + 3 * HOUR, {}))
    assert again.talk.reply_minutes == pytest.approx(20.0)


def test_the_price_band_is_of_homes_viewed_and_saved() -> None:
    state = told(
        ("listing.viewed", 0.0, {"list_price": 300_000}),
        ("listing.saved", 0.0, {"list_price": 600_000}),
        ("listing.viewed", 0.0, {"list_price": 0}),
    )
    band = price_band(state)
    assert band is not None
    assert band[0] == pytest.approx((log(300_000) + 2 * log(600_000)) / 3)
    assert band[1] == pytest.approx(log(2) * (2 / 9) ** 0.5)
    assert price_band(EMPTY) is None


def test_views_in_the_week_are_counted_exactly_and_forgotten_after_it() -> None:
    state = told(*(("listing.viewed", day * DAY) for day in (0, 1, 1, 6, 3)))
    assert views_in_week(state, START + 6.5 * DAY) == 5
    assert views_in_week(state, START + 7.5 * DAY) == 4
    assert views_in_week(state, START + 30 * DAY) == 0
    assert views_in_week(fold(state, Fact("listing.viewed", START + 90 * DAY, {})), START + 90 * DAY) == 1


def test_a_home_dismissed_is_no_favourite() -> None:
    state = told(*(("listing.viewed", day * DAY, {"listing_key": "MLS-7"}) for day in range(3)))
    home = favourite_home(state, START + 3 * DAY)
    assert home is not None
    assert home[0] == "MLS-7"
    assert favourite_home(fold(state, Fact("listing.dismissed", START, {"listing_key": "MLS-7"})), START) is None


def test_a_home_counts_as_a_match_when_nothing_stated_speaks_against_it() -> None:
    wishes = ("criteria.stated", 0.0, {"price_max": 400_000, "areas": ["Elm "], "property_type": "Condo"})
    home = {"list_price": 390_000, "area": "elm", "property_type": "condo"}
    assert told(wishes, ("listing.viewed", 1.0, home)).counts.matches == 1.0
    assert told(wishes, ("listing.viewed", 1.0, home | {"list_price": 410_000})).counts.matches == 0.0
    assert told(wishes, ("listing.viewed", 1.0, {"bedrooms_total": 3})).counts.matches == 0.0
    assert told(("listing.viewed", 1.0, home)).counts.matches == 0.0


def test_a_late_statement_fills_gaps_and_overrules_nothing() -> None:
    state = told(
        ("criteria.stated", 1 * DAY, {"price_max": 500_000, "timeframe_days": 60}),
        ("criteria.stated", 0.0, {"price_max": 300_000, "bedrooms_min": 3, "timeframe_days": 400}),
    )
    assert state.wishes.price_max == 500_000
    assert state.wishes.bedrooms_min == 3
    assert state.plans.timeframe_days == 60


def test_the_agenda_holds_the_meeting_that_was_agreed_last() -> None:
    booked = told(("tour.booked", 0.0, {"at": "2023-11-20T12:00:00-06:00"}))
    assert booked.agenda.at == 1_700_503_200.0
    assert fold(booked, Fact("tour.cancelled", START + 1, {})).agenda.at == 0.0


def test_no_to_all_channels_is_no_to_each_and_a_later_yes_lifts_it() -> None:
    no = told(("consent.withdrawn", 1 * DAY))
    assert refuses(no, "email")
    assert not refuses(told(("consent.withdrawn", 0.0, {"channel": "sms"})), "email")
    assert refuses(folded([Fact("consent.given", START, {})], no))
    assert not refuses(folded([Fact("consent.given", START + 2 * DAY, {})], no))
