from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from porchlight.delivery.kinds import ChannelName
from porchlight.delivery.places import Place, us_places
from porchlight.delivery.quiet_hours import next_open, parse_rule, rule_book, rule_for, window_open

STATES = sorted({row.code for row in us_places().by_name.values()})
CHANNELS: tuple[ChannelName, ...] = ("email", "sms", "call", "console")
ELSEWHERE = (Place("Europe/London"), Place("America/Toronto"), Place("America/St_Johns"), Place("Asia/Kolkata"))


def places_of(*states: str) -> tuple[Place, ...]:
    return tuple(place for state in states for place in us_places().by_name[state.lower()].places)


def local(year: int, month: int, day: int, hour: int, minute: int = 0, zone: str = "America/New_York") -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


def allowed_by_the_wall_clock(at: datetime, place: Place, channel: ChannelName) -> bool:
    """The rule read straight from the table, without instants: what the clock and calendar on the wall say."""
    wall = at.astimezone(ZoneInfo(place.zone))
    rule = rule_for(channel, place.state)
    hours = rule.week[wall.weekday()]
    if hours is None:
        return False
    minute = wall.hour * 60 + wall.minute
    return hours.opens <= minute < hours.closes


def at_transitions(zone: str) -> list[datetime]:
    """The hours around every change of the clocks of a zone from 2026 to 2028."""
    moment, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 12, 31, tzinfo=UTC)
    found: list[datetime] = []
    while moment < end:
        later = moment + timedelta(hours=24)
        if moment.astimezone(ZoneInfo(zone)).utcoffset() != later.astimezone(ZoneInfo(zone)).utcoffset():
            found.extend(moment + timedelta(hours=hours, minutes=30) for hours in range(-6, 30, 3))
        moment = later
    return found


moments = st.datetimes(datetime(2025, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC)) | st.sampled_from(
    at_transitions("America/New_York") + at_transitions("America/Los_Angeles") + at_transitions("America/Adak")
)
somewhere = st.one_of(
    st.lists(st.sampled_from(STATES), min_size=1, max_size=2).map(lambda states: places_of(*states)),
    st.lists(st.sampled_from(ELSEWHERE), min_size=1, max_size=2).map(tuple),
)


@settings(deadline=None)
@given(moments, somewhere, st.sampled_from(CHANNELS))
@example(local(2027, 3, 14, 2, 30).astimezone(UTC), places_of("FL"), "sms")
@example(local(2027, 12, 31, 23, 59).astimezone(UTC), places_of("AL"), "call")
def test_next_open_is_open_and_never_before(at: datetime, places: Sequence[Place], channel: ChannelName) -> None:
    opening = next_open(at, places, channel)
    if opening is None:  # the hours of these places never meet: then nothing may go out in the next weeks
        assert not any(window_open(at + timedelta(hours=hours), places, channel) for hours in range(0, 21 * 24, 3))
        return
    assert opening >= at
    assert window_open(opening, places, channel)
    assert all(allowed_by_the_wall_clock(opening, place, channel) for place in places)
    assert next_open(opening, places, channel) == opening


@settings(deadline=None)
@given(moments, somewhere, st.sampled_from(CHANNELS))
def test_nothing_is_ever_open_in_the_night_of_any_place(
    at: datetime, places: Sequence[Place], channel: ChannelName
) -> None:
    opening = next_open(at, places, channel)
    for moment in (at, opening):
        if moment is not None and window_open(moment, places, channel):
            for place in places:
                assert time(8) <= moment.astimezone(ZoneInfo(place.zone)).time() < time(21)


@settings(deadline=None)
@given(moments, somewhere, st.sampled_from(CHANNELS), st.floats(0, 1))
def test_nothing_between_now_and_the_next_opening_is_open(
    at: datetime, places: Sequence[Place], channel: ChannelName, part: float
) -> None:
    opening = next_open(at, places, channel)
    if opening is not None and opening > at:
        assert not window_open(at + (opening - at) * min(part, 0.999), places, channel)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("channel", CHANNELS)
def test_every_state_opens_within_five_days_of_every_hour_of_a_year(state: str, channel: ChannelName) -> None:
    places = places_of(state)
    at = datetime(2027, 1, 1, 3, 17, tzinfo=UTC)
    while at.year == 2027:
        opening = next_open(at, places, channel)
        assert opening is not None
        assert opening - at < timedelta(days=5)
        assert all(allowed_by_the_wall_clock(opening, place, channel) for place in places)
        at += timedelta(hours=53)


@pytest.mark.parametrize("state", STATES)
def test_any_two_states_of_the_mainland_share_hours_on_a_weekday(state: str) -> None:
    noon = local(2027, 5, 12, 12, 0, "America/Chicago")
    for other in STATES:
        if {state, other} & {"GU", "MP", "AS", "HI", "AK"}:
            continue
        opening = next_open(noon, places_of(state, other), "call")
        assert opening is not None
        assert opening - noon < timedelta(hours=24)


@pytest.mark.parametrize(
    ("state", "at", "expected"),
    [
        # Alabama: nothing on Sunday; Independence Day 2027 is a Sunday, so Monday is closed as well.
        ("AL", local(2027, 7, 3, 20, 0, "America/Chicago"), local(2027, 7, 6, 8, 0, "America/Chicago")),
        # Christmas Day 2027 is a Saturday: Friday the 24th is closed as well.
        ("AL", local(2027, 12, 24, 9, 0, "America/Chicago"), local(2027, 12, 27, 8, 0, "America/Chicago")),
        ("RI", local(2027, 5, 15, 17, 0), local(2027, 5, 17, 9, 0)),
        ("PA", local(2027, 5, 16, 9, 0), local(2027, 5, 16, 13, 30)),
        ("CT", local(2027, 5, 12, 20, 0), local(2027, 5, 13, 9, 0)),
        # Two zones: open only from 08:00 Central, and only until 20:00 Eastern.
        ("FL", local(2027, 5, 12, 8, 0), local(2027, 5, 12, 9, 0)),
        ("FL", local(2027, 5, 12, 20, 0), local(2027, 5, 13, 9, 0)),
        # An unlisted state falls to the house default: nothing on Sunday before noon.
        ("OH", local(2027, 5, 16, 9, 0), local(2027, 5, 16, 12, 0)),
        # The night on which the clocks go forward is an hour shorter.
        ("MA", local(2027, 3, 14, 1, 30), local(2027, 3, 14, 8, 0)),
    ],
)
def test_the_next_opening_for_calls(state: str, at: datetime, expected: datetime) -> None:
    assert next_open(at, places_of(state), "call") == expected.astimezone(UTC)


def test_hours_end_with_the_minute_before() -> None:
    last = local(2027, 5, 12, 19, 59)
    assert window_open(last, places_of("MA"), "sms")
    assert not window_open(last + timedelta(minutes=1), places_of("MA"), "sms")


def test_email_keeps_the_house_hours_on_a_sunday_where_calls_are_closed() -> None:
    sunday = local(2027, 5, 16, 10, 0, "America/Chicago")
    assert window_open(sunday, places_of("AL"), "email")
    assert not window_open(sunday, places_of("AL"), "call")


def test_a_tenants_hours_replace_the_house_for_email_and_never_the_law() -> None:
    always = parse_rule({day: ["00:00", "24:00"] for day in ("weekdays", "saturday", "sunday")})
    night = local(2027, 5, 12, 2, 0)
    assert window_open(night, places_of("NY"), "email", always)
    assert not window_open(night, places_of("NY"), "call", always)
    assert not window_open(night, places_of("NY"), "sms", always)


def test_no_listed_hours_are_wider_than_the_federal_ones() -> None:
    book = rule_book()
    for rule in (*book.states.values(), book.default):
        for hours, federal in zip(rule.week, book.federal.week, strict=True):
            assert federal is not None
            assert hours is None or (hours.opens >= federal.opens and hours.closes <= federal.closes)
        assert rule.source


def test_every_rule_names_a_state_we_can_place() -> None:
    assert set(rule_book().states) <= set(STATES)
    assert date(2026, 1, 1) < rule_book().checked


def test_hours_that_never_meet_are_said_to_be_so() -> None:
    noon_only = parse_rule({day: ["12:00", "13:00"] for day in ("weekdays", "saturday", "sunday")})
    apart = (Place("America/New_York"), Place("Asia/Tokyo"))
    assert next_open(datetime(2027, 5, 12, tzinfo=UTC), apart, "email", noon_only) is None
    assert next_open(datetime(2027, 5, 12, tzinfo=UTC), apart[:1], "email", noon_only) is not None


@pytest.mark.parametrize(
    "pair", [["8", "20:00"], ["20:00", "08:00"], ["08:00"], ["08:61", "20:00"], ["08:00", "24:01"]]
)
def test_hours_that_cannot_be_read_are_refused(pair: list[str]) -> None:
    row: dict[str, Any] = {"weekdays": pair, "saturday": [], "sunday": []}
    with pytest.raises(ValueError, match=r"hours|time"):
        parse_rule(row)
