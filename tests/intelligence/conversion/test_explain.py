from __future__ import annotations

from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, FEATURES, Fact, explain, fold, forecast, forecast_from

START = 1_700_006_400.0
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def texts(at: float, *facts: Fact, limit: int = 40) -> list[str]:
    state = reduce(fold, facts, EMPTY)
    return [reason.text for reason in explain(state, forecast(state, at), at, limit)]


def test_reasons_say_what_happened() -> None:
    facts = [Fact("listing.viewed", START + hour * HOUR, {"listing_key": "MLS-7"}) for hour in range(6)]
    facts += [Fact("message.sent", START + 7 * HOUR, {}), Fact("message.received", START + 7 * HOUR + 20 * MINUTE, {})]
    found = texts(START + 8 * HOUR, *facts)
    assert "Viewed homes 6 times in the last 7 days" in found
    assert "Replied within 20 minutes" in found
    assert "Most interested in MLS-7" in found


def test_what_speaks_against_a_lead_is_said_too() -> None:
    found = texts(START + 60 * DAY, Fact("competitor.mentioned", START, {}), Fact("message.bounced", START, {}))
    assert "Mentioned another agent" in found
    assert "Our messages bounce" in found
    assert "Has not done anything yet" in found


def test_a_lost_lead_has_one_reason() -> None:
    assert texts(START + DAY, Fact("listing.viewed", START, {}), Fact("lead.lost", START, {})) == [
        "Lost; reopen to forecast again"
    ]


def test_an_average_lead_needs_no_reasons() -> None:
    average = forecast_from([feature.reference for feature in FEATURES])
    assert explain(EMPTY, average, START) == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.from_type(Fact), max_size=20), st.floats(0, 100 * DAY), st.integers(1, 40))
def test_reasons_come_strongest_first_and_are_true_to_the_contributions(
    facts: list[Fact], later: float, limit: int
) -> None:
    state = reduce(fold, facts, EMPTY)
    at = max((fact.occurred_at for fact in facts), default=START) + later
    result = forecast(state, at)
    reasons = explain(state, result, at, limit)
    assert len(reasons) <= limit
    strengths = [abs(reason.log_odds) for reason in reasons]
    assert strengths == sorted(strengths, reverse=True)
    known = {contribution.log_odds for contribution in result.contributions}
    for reason in reasons:
        assert reason.log_odds in known
        assert reason.text[0].isupper()
        assert not reason.text.endswith(".")
