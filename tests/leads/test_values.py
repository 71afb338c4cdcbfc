"""What people write is read alike at every door, and what cannot be read is never guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.leads import values
from porchlight.leads.names import split_name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-04", datetime(2024, 3, 4, tzinfo=UTC)),
        ("2024-03-04T05:06:07Z", datetime(2024, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("2026-11-01T12:00:00+0000", datetime(2026, 11, 1, 12, tzinfo=UTC)),
        ("3/4/2024", datetime(2024, 3, 4, tzinfo=UTC)),
        ("3/4/24 5:06 PM", datetime(2024, 3, 4, 17, 6, tzinfo=UTC)),
        ("12/31/99 12:05 am", datetime(1999, 12, 31, 0, 5, tzinfo=UTC)),
        ("4.3.2024", datetime(2024, 3, 4, tzinfo=UTC)),
        ("Mar 4, 2024", datetime(2024, 3, 4, tzinfo=UTC)),
        ("4 March 2024 17:06", datetime(2024, 3, 4, 17, 6, tzinfo=UTC)),
        ("1709596800", datetime(2024, 3, 5, tzinfo=UTC)),
        ("1709596800000", datetime(2024, 3, 5, tzinfo=UTC)),
        ("0001-01-01", None),
        ("31/12/2024", None),
        ("2024-13-01", None),
        ("soon", None),
        ("", None),
    ],
)
def test_moments_are_read_as_people_and_programs_write_them(text: str, expected: datetime | None) -> None:
    assert values.moment(text) == expected


def test_a_time_without_an_offset_is_of_the_given_zone() -> None:
    assert values.moment("3/4/2024 09:00", ZoneInfo("America/Chicago")) == datetime(2024, 3, 4, 15, tzinfo=UTC)


def test_days_come_first_where_a_number_above_twelve_says_so() -> None:
    assert values.day_comes_first(["3/4/2024", "13/4/2024"], default=False)
    assert not values.day_comes_first(["3/4/2024", "4/13/2024"], default=True)
    assert values.day_comes_first(["3/4/2024"], default=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$450,000", (None, 450_000)),
        ("300-450k", (300_000, 450_000)),
        ("$300,000 - $450,000", (300_000, 450_000)),
        ("from 1M to 1.2M", (1_000_000, 1_200_000)),
        ("up to 500k", (None, 500_000)),
        ("500k+", (500_000, None)),
        ("450k to 300k", (300_000, 450_000)),
        ("cheap", None),
        ("1,2", None),
        ("9" * 70, None),
    ],
)
def test_budgets_are_read_as_a_range(text: str, expected: tuple[float | None, float | None] | None) -> None:
    assert values.price_range(text) == expected


@given(st.integers(0, 10**9), st.sampled_from(["{}", "${:,}", "{:,} USD", " {} "]))
def test_an_amount_survives_every_way_of_writing_it(amount: int, style: str) -> None:
    assert values.amount(style.format(amount)) == amount


@pytest.mark.parametrize(
    ("text", "days"),
    [("ASAP", 0), ("0-3 months", 90), ("within 30 days", 30), ("1 year", 365), ("12+ months", 360), ("looking", None)],
)
def test_a_time_frame_is_its_latest_day(text: str, days: float | None) -> None:
    assert values.timeframe_days(text) == days


def test_a_city_with_its_state_stays_one_item() -> None:
    assert values.items("Austin, TX; Waco,Round Rock") == ["Austin, TX", "Waco", "Round Rock"]


@given(st.text(max_size=200))
def test_no_text_makes_reading_fail(text: str) -> None:
    for read in (
        values.moment,
        values.amount,
        values.price_range,
        values.timeframe_days,
        values.room_count,
        values.items,
        values.past_result,
        values.stage,
        split_name,
    ):
        read(text)


def test_long_prose_costs_nothing_to_refuse() -> None:
    prose = "1 " + " " * 200_000 + "x"
    assert values.price_range(prose) is None
    assert values.moment(prose) is None
    assert values.timeframe_days(prose) is None


@pytest.mark.parametrize(
    ("full", "given_name", "family_name"),
    [
        ("Joe Smith", "Joe", "Smith"),
        ("Smith, Joe", "Joe", "Smith"),
        ("Joe Smith, Jr.", "Joe", "Smith"),
        ("Dr. Joe van Dyke Jr.", "Joe", "van Dyke"),
        ("Joe & Ann Dyke", "Joe & Ann", "Dyke"),
        ("Cher", "Cher", None),
        ("", None, None),
    ],
)
def test_a_full_name_falls_into_its_parts(full: str, given_name: str | None, family_name: str | None) -> None:
    assert split_name(full) == (given_name, family_name)
