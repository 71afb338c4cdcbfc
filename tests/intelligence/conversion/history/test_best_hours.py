from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import Fact
from porchlight.intelligence.conversion.history.best_hours import (
    EARLIEST,
    LATEST,
    PRIOR_HOURS,
    answers_of,
    best_hours,
    hours_from_json,
    team_hours,
)

ZONE = ZoneInfo("America/Los_Angeles")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)


def at(hour: float, count: int, start: datetime = MONDAY) -> list[float]:
    """Answers at this hour of the working days from Monday on."""
    return [(start + timedelta(days=7 * (n // 5) + n % 5, hours=hour)).timestamp() for n in range(count)]


def test_many_answers_of_their_own_outweigh_the_team_s() -> None:
    team = team_hours(at(10.5, 2_000), ZONE)
    assert best_hours([], team, ZONE)[0].start in (9, 10)
    assert best_hours(at(18.5, 40), team, ZONE)[0].start in (17, 18)


def test_one_answer_alone_does_not_change_what_the_team_knows() -> None:
    team = team_hours(at(10.5, 2_000), ZONE)
    assert best_hours(at(18.5, 1), team, ZONE)[0].start in (9, 10)


def test_hours_are_those_of_the_lead_s_own_clock() -> None:
    """18 h in Los Angeles is 21 h in New York, which is too late to be proposed there."""
    here = best_hours(at(18.0, 60), PRIOR_HOURS, ZONE)[0]
    there = best_hours(at(15.0, 60), PRIOR_HOURS, ZoneInfo("America/New_York"))[0]
    assert here.start <= 18 < here.end
    assert there.start <= 18 < there.end


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1.6e9, 1.8e9), max_size=30), st.integers(1, 6))
def test_windows_do_not_overlap_and_lie_within_lawful_hours(answers: list[float], limit: int) -> None:
    found = best_hours(answers, PRIOR_HOURS, ZONE, limit)
    assert len(found) == limit
    assert all(EARLIEST <= window.start < window.end <= LATEST for window in found)
    assert [window.times for window in found] == sorted((window.times for window in found), reverse=True)
    hours = [(window.days, hour) for window in found for hour in range(window.start, window.end)]
    assert len(hours) == len(set(hours))


def test_only_deeds_of_the_lead_are_answers() -> None:
    facts = [Fact(kind, 1.7e9, {}) for kind in ("message.sent", "call.attempted", "message.received", "call.held")]
    assert len(answers_of(facts)) == 2


def test_hours_come_back_and_spoiled_ones_are_refused() -> None:
    assert hours_from_json(list(PRIOR_HOURS.shares)) == PRIOR_HOURS
    assert sum(PRIOR_HOURS.shares) == pytest.approx(1.0)
    for spoiled in ([0.5], [2.0] * 48, [float("nan")] * 48):
        with pytest.raises(ValueError, match="out of bounds"):
            hours_from_json(spoiled)
