from __future__ import annotations

from functools import reduce
from typing import Any

import pytest

from porchlight.intelligence.conversion import EMPTY, ActionKind, Fact, NextAction, fold, forecast, next_best_action

START = 1_700_006_400.0
HOUR, DAY = 3_600.0, 86_400.0
TOMORROW = "2023-11-15T12:00:00+00:00"  # 12 hours after START

Story = list[tuple[Any, ...]]
KNOWN: Story = [
    ("lead.captured", 0.0),
    ("criteria.stated", 1.0, {"intent": "buy", "areas": ["Elm"], "financing": "cash"}),
    ("call.held", HOUR),
]
HOT: Story = [
    ("criteria.stated", 0.0, {"intent": "buy", "areas": ["Elm"], "financing": "cash", "timeframe_days": 30}),
    *((kind, hour * HOUR, {}) for hour in range(6) for kind in ("listing.saved", "search.performed", "listing.shared")),
    ("message.sent", 6 * HOUR),
    ("message.received", 6.1 * HOUR),
    ("appointment.booked", 6.2 * HOUR),
    ("message.sent", 6.3 * HOUR),
]


def action(story: Story, at: float) -> NextAction:
    facts = (Fact(kind, START + after, payload[0] if payload else {}) for kind, after, *payload in story)
    state = reduce(fold, facts, EMPTY)
    return next_best_action(state, forecast(state, START + at), START + at)


@pytest.mark.parametrize(
    ("story", "at", "kind"),
    [
        ([*KNOWN, ("lead.lost", DAY)], 2 * DAY, "nothing"),
        ([*KNOWN, ("deal.closed", DAY)], 2 * DAY, "nothing"),
        ([*KNOWN, ("consent.withdrawn", DAY)], 40 * DAY, "nothing"),
        (KNOWN, 2 * HOUR, "nothing"),
        ([("lead.captured", 0.0)], 60.0, "first_contact"),
        ([("lead.captured", 0.0), ("message.sent", 1.0, {"automated": True})], HOUR, "first_contact"),
        ([*KNOWN, ("message.received", DAY)], 1.1 * DAY, "reply"),
        ([*KNOWN, ("consent.withdrawn", DAY), ("message.received", 2 * DAY)], 2.1 * DAY, "reply"),
        ([*KNOWN, ("tour.held", DAY)], 2 * DAY, "follow_up_tour"),
        ([*KNOWN, ("tour.held", DAY), ("message.sent", 1.1 * DAY)], 2 * DAY, "nothing"),
        ([*KNOWN, ("appointment.missed", DAY)], 2 * DAY, "rebook"),
        ([("call.held", -2 * DAY), ("tour.booked", -DAY, {"at": TOMORROW})], 0.0, "confirm_meeting"),
        ([*KNOWN, ("offer.accepted", DAY)], 9 * DAY, "advance_deal"),
        (HOT, 7 * HOUR, "call"),
        ([*HOT, ("consent.withdrawn", 6.5 * HOUR, {"channel": "call"})], 7 * HOUR, "nothing"),
        (
            [
                *KNOWN,
                *(("listing.saved", day * DAY, {"listing_key": "MLS-7", "area": "Elm"}) for day in (1, 2, 3, 3.5)),
            ],
            4 * DAY,
            "offer_tour",
        ),
        ([("message.received", 0.0), ("message.sent", HOUR)], 2 * HOUR, "ask_criteria"),
        (
            [*KNOWN, ("criteria.stated", DAY, {"financing": "none"}), ("listing.viewed", DAY)],
            2 * DAY,
            "send_financing_checklist",
        ),
        (KNOWN, 15 * DAY, "check_in"),
    ],
)
def test_the_first_rule_that_applies_says_what_to_do(story: Story, at: float, kind: str) -> None:
    assert action(story, at).kind == kind


def test_an_action_says_why() -> None:
    assert action([*KNOWN, ("message.received", DAY)], DAY + 2 * HOUR).why == "They have waited 2 hours for an answer."


def test_the_names_of_actions_do_not_change() -> None:
    assert {kind.value for kind in ActionKind} == {
        "nothing", "first_contact", "reply", "follow_up_tour", "rebook", "confirm_meeting", "advance_deal", "call",
        "offer_tour", "ask_criteria", "send_financing_checklist", "check_in",
    }  # fmt: skip
