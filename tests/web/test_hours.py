from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.automation.routing.working_hours import WEEKDAYS, parse, to_json
from porchlight.delivery.quiet_hours import parse_rule, rule_book
from porchlight.kit.errors import PorchlightError
from porchlight.web.hours import (
    away_date,
    away_moment,
    email_hours,
    email_rows,
    hours_words,
    typed_rows,
    week_hours,
    week_rows,
    zones,
)

NOW = datetime(2026, 3, 10, 19, 0, tzinfo=UTC)
SPLIT = {"mon": [["09:00", "12:30"], ["13:30", "18:00"]], "tue": [["09:00", "18:00"]], "sat": [["22:00", "02:00"]]}


def clocks(low: int, high: int) -> Any:
    return st.integers(low, high).map(lambda minutes: f"{minutes // 60:02d}:{minutes % 60:02d}")


WINDOWS = st.one_of(
    st.just([]),
    st.tuples(clocks(0, 600), clocks(601, 1440)).map(lambda window: [list(window)]),
    st.tuples(clocks(0, 300), clocks(301, 600), clocks(601, 900), clocks(901, 1440)).map(
        lambda edges: [[edges[0], edges[1]], [edges[2], edges[3]]]
    ),
)


@given(st.fixed_dictionaries(dict.fromkeys(WEEKDAYS, WINDOWS)))
def test_a_form_that_comes_back_untouched_changes_nothing(week: dict[str, list[list[str]]]) -> None:
    kept = to_json(parse(week))
    assert week_hours(week_rows(kept), kept) == (kept or None)


def test_only_the_day_that_was_changed_loses_its_break() -> None:
    typed = [dict(row) for row in week_rows(SPLIT)]
    typed[1] = {"from": "10:00", "to": "00:00"}
    assert week_hours(typed, SPLIT) == SPLIT | {"tue": [["10:00", "24:00"]]}


def test_all_rows_empty_is_any_hour_and_one_empty_row_a_day_off() -> None:
    assert week_hours(typed_rows({}, 7), SPLIT) is None
    form = {"from_0": "09:00", "to_0": "18:00"}
    assert week_hours(typed_rows(form, 7), None) == {"mon": [["09:00", "18:00"]]}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"from_2": "09:00"}, "Wednesday has only one"),
        ({"from_2": "nine", "to_2": "18:00"}, "no time of day"),
        ({"from_2": "09:00", "to_2": "09:00"}, "no length"),
        ({"from_2": "12:00", "to_2": "11:00", "from_3": "09:00", "to_3": "18:00"}, "overlap"),
    ],
)
def test_hours_that_cannot_be_are_refused(row: dict[str, str], said: str) -> None:
    with pytest.raises(PorchlightError, match=said) as refused:
        week_hours(typed_rows(row, 7), None)
    assert refused.value.field == "hours"


@pytest.mark.parametrize(
    ("week", "words"),
    [
        ({day: [["09:00", "18:00"]] for day in WEEKDAYS[:5]}, "Mon to Fri 9 to 18"),
        ({day: [["00:00", "24:00"]] for day in WEEKDAYS}, "Every day 0 to 24"),
        (SPLIT, "Mon 9 to 12:30 and 13:30 to 18, Tue 9 to 18, Sat 22 to 2"),
        ({}, "Never"),
    ],
)
def test_hours_are_said_in_a_few_words(week: dict[str, list[list[str]]], words: str) -> None:
    assert hours_words(parse(week)) == words


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Apia", "UTC"])
def test_an_absence_ends_with_its_last_day_where_the_person_is(zone: str) -> None:
    end = away_moment("2026-03-20", None, zone, NOW)
    assert end is not None
    assert away_date(end, zone, NOW) == "2026-03-20"
    assert away_date(end, zone, end) == "", "what is over is no absence"


def test_an_absence_that_was_not_touched_keeps_its_minute() -> None:
    kept = NOW + timedelta(hours=30)
    assert away_moment(away_date(kept, "UTC", NOW), kept, "UTC", NOW) == kept
    assert away_moment("", kept, "UTC", NOW) is None


@pytest.mark.parametrize("typed", ["2026-03-09", "soon", "9999-12-31"])
def test_a_day_that_is_over_or_none_is_refused(typed: str) -> None:
    with pytest.raises(PorchlightError) as refused:
        away_moment(typed, None, "UTC", NOW)
    assert refused.value.field == "away_until"


def test_email_hours_come_back_as_they_were_typed() -> None:
    rows = [{"from": "08:30", "to": "00:00"}, {"from": "10:00", "to": "14:00"}, {"from": "", "to": ""}]
    rule = email_hours(rows, holidays=True)
    assert rule == {"weekdays": ["08:30", "24:00"], "saturday": ["10:00", "14:00"], "sunday": [], "holidays": True}
    assert email_rows(parse_rule(rule)) == rows
    assert email_rows(rule_book().house)[0] == {"from": "08:00", "to": "21:00"}


@pytest.mark.parametrize(
    "row", [{"from": "", "to": ""}, {"from": "21:00", "to": "08:00"}, {"from": "8", "to": "21:00"}]
)
def test_email_hours_that_would_let_nothing_out_are_refused(row: dict[str, str]) -> None:
    with pytest.raises(PorchlightError) as refused:
        email_hours([row] * 3, holidays=False)
    assert refused.value.field == "hours"


def test_the_zones_to_choose_from_are_places() -> None:
    assert {"America/New_York", "Europe/London", "Pacific/Apia"} <= set(zones())
    assert not {"EST", "Etc/GMT+5", "posixrules"} & set(zones())
