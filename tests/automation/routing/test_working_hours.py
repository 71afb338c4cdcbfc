from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.automation.routing.working_hours import (
    WEEKDAYS,
    WeeklyHours,
    is_working,
    next_start,
    office_hours,
    parse,
    to_json,
)

CENTRAL = ZoneInfo("America/Chicago")


def at(text: str, zone: ZoneInfo = CENTRAL, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@st.composite
def weekly_hours(draw: st.DrawFn) -> WeeklyHours:
    """Hours cut from a week at random marks, so that windows never overlap but may touch and cross midnight."""
    marks = sorted(draw(st.sets(st.integers(0, 7 * 48 - 1), min_size=2, max_size=16)))
    marks = marks[: len(marks) // 2 * 2]
    days: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for first, last in zip(marks[::2], marks[1::2], strict=True):
        start, end = first * 30, min(last * 30, first * 30 + 23 * 60)
        days[start // 1440].append((start % 1440, start % 1440 + end - start))
    return WeeklyHours(tuple(tuple(day) for day in days))


def test_the_start_of_a_window_is_in_and_its_end_is_out() -> None:
    hours = office_hours("09:00", "18:00")
    assert is_working(hours, CENTRAL, at("2025-03-03T09:00"))
    assert is_working(hours, CENTRAL, at("2025-03-03T17:59:59"))
    assert not is_working(hours, CENTRAL, at("2025-03-03T18:00"))
    assert not is_working(hours, CENTRAL, at("2025-03-02T12:00"))


def test_a_window_across_midnight_belongs_to_the_day_it_starts_on() -> None:
    hours = parse({"sun": [["22:00", "02:00"]]})
    assert is_working(hours, CENTRAL, at("2025-03-03T01:30"))
    assert not is_working(hours, CENTRAL, at("2025-03-02T01:30"))
    assert next_start(hours, CENTRAL, at("2025-03-03T02:00")) == at("2025-03-09T22:00")


def test_nine_o_clock_stays_nine_o_clock_when_summer_time_begins() -> None:
    hours = office_hours()
    assert next_start(hours, CENTRAL, at("2025-03-07T20:00")) == datetime(2025, 3, 10, 14, tzinfo=UTC)
    assert next_start(hours, CENTRAL, at("2025-03-06T20:00")) == datetime(2025, 3, 7, 15, tzinfo=UTC)


def test_a_window_that_starts_in_the_skipped_hour_starts_when_the_clock_jumps() -> None:
    hours = parse({"sun": [["02:30", "05:00"]]})
    assert next_start(hours, CENTRAL, at("2025-03-09T00:00")) == datetime(2025, 3, 9, 8, tzinfo=UTC)


def test_a_start_before_the_jump_of_the_clock_comes_first() -> None:
    hours = parse({"sun": [["01:00", "05:00"]]})
    assert next_start(hours, CENTRAL, at("2025-03-08T12:00")) == at("2025-03-09T01:00")


def test_an_hour_shown_twice_counts_twice() -> None:
    hours = parse({"sun": [["01:00", "01:30"]]})
    assert is_working(hours, CENTRAL, at("2025-11-02T01:15", fold=0))
    assert is_working(hours, CENTRAL, at("2025-11-02T01:15", fold=1))
    assert next_start(hours, CENTRAL, at("2025-11-02T01:40", fold=0)) == datetime(2025, 11, 2, 7, tzinfo=UTC)


def test_nobody_starts_without_hours() -> None:
    assert next_start(parse({}), CENTRAL, at("2025-03-03T09:00")) is None


def test_a_skipped_day_is_looked_beyond() -> None:
    apia = ZoneInfo("Pacific/Apia")  # had no Friday 30 December 2011
    hours = parse({"fri": [["09:00", "17:00"]]})
    assert next_start(hours, apia, at("2011-12-29T12:00", apia)) == at("2012-01-06T09:00", apia)


@settings(max_examples=60)
@given(
    hours=weekly_hours(),
    zone=st.sampled_from(
        ["America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns"]
    ),
    days=st.one_of(st.sampled_from([66, 67, 94, 277, 304, 305]), st.integers(0, 364)),
    minutes=st.integers(0, 1439),
)
def test_next_start_is_the_first_working_minute(hours: WeeklyHours, zone: str, days: int, minutes: int) -> None:
    where = ZoneInfo(zone)
    since = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days, minutes=minutes)
    scanned = next(
        (
            moment
            for moment in (since + timedelta(minutes=ahead) for ahead in range(8 * 1440))
            if is_working(hours, where, moment)
        ),
        None,
    )
    assert next_start(hours, where, since) == scanned


def test_a_whole_day_is_a_window() -> None:
    assert parse({"tue": [["00:00", "24:00"]]}).days[1] == ((0, 1440),)


@given(weekly_hours())
def test_the_json_form_reads_back_as_the_same_hours(hours: WeeklyHours) -> None:
    assert parse(to_json(hours)) == hours


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"monday": []}, "no weekday"),
        ({"mon": [["9:00", "18:00"]]}, "no time of day"),
        ({"mon": [["09:00", "24:30"]]}, "no time of day"),
        ({"mon": [["09:00", 18]]}, "no time of day"),
        ({"mon": ["09:00"]}, "no window"),
        ({"mon": [["09:00"]]}, "no window"),
        ({"mon": [["09:00", "09:00"]]}, "no length"),
        ({"mon": [["09:00", "13:00"], ["12:00", "18:00"]]}, "overlap"),
        ({"sun": [["22:00", "03:00"]], "mon": [["02:00", "05:00"]]}, "overlap"),
        (["09:00", "18:00"], "an object like"),
    ],
)
def test_hours_that_cannot_be_meant_are_refused_with_what_to_correct(value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(value)  # type: ignore[arg-type]
