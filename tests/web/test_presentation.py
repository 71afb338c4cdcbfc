from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isclose, log
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.accounts.permissions import Role
from porchlight.intelligence.conversion import ActionKind
from porchlight.intelligence.conversion.features import Factor
from porchlight.intelligence.conversion.kinds import KINDS
from porchlight.intelligence.conversion.kinds import STAGES as KNOWN_STAGES
from porchlight.web import presentation as p
from porchlight.web import vocabulary as v

NOW = datetime(2026, 3, 12, 15, 4, tzinfo=UTC)
finite = st.floats(-6, 6, allow_nan=False)


def test_everything_that_others_name_has_words() -> None:
    assert set(v.ROLES) == set(Role)
    assert set(v.ACTIONS) == set(ActionKind)
    assert set(v.FACTORS) == set(get_args(Factor))
    assert set(v.ACTIVITIES) == set(KINDS)
    assert list(v.STAGES) == list(KNOWN_STAGES)


def test_a_code_without_words_is_shown_by_its_own_name() -> None:
    assert v.face(v.ACTIVITIES, "drone.landed") == v.Face("Drone landed")


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0, "under 0.1 %"), (0.0004, "under 0.1 %"), (0.0014, "0.1 %"), (0.034, "3.4 %"), (0.0996, "10 %"),
     (0.127, "13 %"), (0.99, "99 %"), (0.9999, "over 99 %")],
)  # fmt: skip
def test_percents_have_the_digits_that_can_be_meant(probability: float, words: str) -> None:
    assert p.percent(probability).replace(p.THIN_SPACE, " ") == words


@given(st.floats(0, 1))
def test_no_probability_reads_as_impossible_or_certain(probability: float) -> None:
    assert p.percent(probability).replace(p.THIN_SPACE, " ") not in ("0 %", "0.0 %", "100 %")


def test_a_forecast_is_said_beside_the_average() -> None:
    words = p.forecast_words(0.034, 0.012).replace(p.THIN_SPACE, " ")
    assert words == "3.4 % within 90 days; the average lead here 1.2 %"


@pytest.mark.parametrize(
    ("minor", "currency", "short", "words"),
    [(85_000_000, "USD", False, "$850,000"), (1_999, "USD", False, "$19.99"), (-500, "EUR", False, "−€5"),
     (1_200, "JPY", False, "¥1,200"), (1_500, "KWD", False, "KWD\u00a01.500"), (85_000_000, "USD", True, "$850k"),
     (120_000_000, "USD", True, "$1.2M"), (99_999_900, "USD", True, "$1M"), (99_900, "USD", True, "$999")],
)  # fmt: skip
def test_money_shows_cents_only_where_there_are_any(minor: int, currency: str, short: bool, words: str) -> None:
    assert p.money(minor, currency, short=short) == words


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "just now"), (4, "4 min ago"), (89, "89 min ago"), (95, "2 h ago"), (60 * 23, "yesterday"),
     (60 * 24 * 5, "5 days ago"), (60 * 24 * 40, "31 Jan"), (60 * 24 * 400, "5 Feb 2025"), (-30, "in 30 min")],
)  # fmt: skip
def test_how_long_ago(minutes: int, words: str) -> None:
    assert p.ago(NOW - timedelta(minutes=minutes), NOW) == words


def test_days_are_those_of_the_reader() -> None:
    late = datetime(2026, 3, 12, 2, 0, tzinfo=UTC)
    assert p.day_name(late, NOW, "UTC") == "Today"
    assert p.day_name(late, NOW, "America/Los_Angeles") == "Yesterday"
    assert p.day_name(NOW - timedelta(days=400), NOW, "UTC") == "Wed 5 Feb 2025"


def test_a_message_waits_in_the_recipients_time() -> None:
    morning = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
    asked = datetime(2026, 3, 12, 9, 0, tzinfo=UTC)
    words = p.waiting_words(morning, asked, "America/Los_Angeles", "America/New_York")
    assert words == "until 08:00 their time (11:00 yours)"
    assert p.waiting_words(morning, asked, None, "America/New_York") == "until 11:00"
    evening = asked - timedelta(hours=6)
    assert p.waiting_words(morning, evening, "America/Los_Angeles", "UTC").startswith("until tomorrow 08:00 their time")


@given(st.lists(finite, min_size=1, max_size=8), st.integers(0, 3))
def test_rounded_parts_add_up_to_the_rounded_whole(values: list[float], digits: int) -> None:
    rounded = p.sums_exactly(values, digits)
    unit = 10.0**-digits
    assert all(abs(one - other) <= unit * 1.0001 for one, other in zip(values, rounded, strict=True))
    assert abs(sum(rounded) - sum(values)) <= unit * 0.5001


@given(st.floats(1, 99))
def test_a_score_and_its_log_odds_are_the_same_thing(score: float) -> None:
    assert isclose(p.score_of(p.log_odds_of(score)), score, rel_tol=1e-9)
    assert p.score_of(0) == 50
    assert isclose(p.score_of(log(4)), 80)


@given(st.floats(-1e6, 1e6))
def test_signs_are_true_and_zero_has_none(value: float) -> None:
    shown = p.signed(value)
    assert "-" not in shown
    assert shown == "0.00" or shown.strip("+−") != "0.00"


def test_a_changed_filter_starts_at_the_first_page() -> None:
    filters = {"view": "all", "q": "ada & co", "stage": "", "cursor": "abc"}
    assert p.query(filters, stage="new") == "view=all&q=ada+%26+co&stage=new"
    assert p.query(filters, cursor="def") == "view=all&q=ada+%26+co&cursor=def"


def test_a_call_goes_to_the_phone_and_a_letter_to_the_mailbox() -> None:
    points = [{"kind": "email", "value": "a@b.c"}, {"kind": "phone", "value": "+1206"}]
    assert p.way_to(points, "call") == points[1]
    assert p.way_to(points, "ask_criteria") == points[0]
    assert p.way_to(points[:1], "call") == points[0]
    assert p.way_to([], "call") is None
    assert p.way_to(points, "nothing") is None


def test_initials() -> None:
    assert [p.initials(name) for name in ("Ada Maria Moreno", "Mo", "a@b.c", None, " ")] == ["AM", "M", "AB", "?", "?"]


def test_a_payload_reads_as_one_line_without_what_nobody_named() -> None:
    payload = {
        "price_max": 850000,
        "areas": ["Ballard"],
        "bedrooms_min": 3.0,
        "utm": "x",
        "intent": "buy",
        "city": None,
    }
    assert p.payload_words(payload) == "wants to buy, in Ballard, 3+ bedrooms, up to 850,000"


@given(st.dictionaries(st.sampled_from([key for key, _ in p._PAYLOAD_WORDS]), st.one_of(st.none(), st.text(), finite)))
def test_no_payload_breaks_the_timeline(payload: dict[str, object]) -> None:
    assert isinstance(p.payload_words(payload), str)


def test_activities_are_grouped_under_their_days_in_order() -> None:
    times = [NOW, NOW - timedelta(hours=1), NOW - timedelta(days=1)]
    days = p.by_day([{"occurred_at": at} for at in times], NOW, "UTC")
    assert [(day.label, len(day.items)) for day in days] == [("Today", 2), ("Yesterday", 1)]


def test_late_knowledge_is_told() -> None:
    fact = {"occurred_at": NOW, "recorded_at": NOW + timedelta(minutes=11)}
    assert p.recorded_late(fact)
    assert not p.recorded_late(fact | {"recorded_at": NOW + timedelta(minutes=9)})


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.42, "0.4 s"), (42, "42 s"), (72, "1 min 12 s"), (60, "1 min"), (3600, "60 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert p.duration(seconds) == words
