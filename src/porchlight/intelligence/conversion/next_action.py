"""The next best action: the first rule that applies, from an ordered table.

It says what a good agent would do next, not whether a message may be sent: that is for the permit to decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from porchlight.intelligence.conversion.explain import ago
from porchlight.intelligence.conversion.forecast import GRADE_A, GRADE_B, Forecast
from porchlight.intelligence.conversion.kinds import TERMINAL_STAGES
from porchlight.intelligence.conversion.state import DAY, State, favourite_home, refuses

QUIET_DAYS: Final = 14.0
DEAL_CHECK_DAYS: Final = 7.0
CONFIRM_WITHIN: Final = DAY


class ActionKind(StrEnum):
    """What to do, as a stable name that clients may rely on."""

    NOTHING = "nothing"
    FIRST_CONTACT = "first_contact"
    REPLY = "reply"
    FOLLOW_UP_TOUR = "follow_up_tour"
    REBOOK = "rebook"
    CONFIRM_MEETING = "confirm_meeting"
    ADVANCE_DEAL = "advance_deal"
    CALL = "call"
    OFFER_TOUR = "offer_tour"
    ASK_CRITERIA = "ask_criteria"
    SEND_FINANCING_CHECKLIST = "send_financing_checklist"
    CHECK_IN = "check_in"


class NextAction(NamedTuple):
    kind: ActionKind
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Rule:
    kind: ActionKind
    title: str
    applies: Callable[[State, Forecast, float], bool]
    why: Callable[[State, Forecast, float], str]


def next_best_action(state: State, forecast: Forecast, at: float) -> NextAction:
    """What to do now about a lead in `state` with this `forecast`, at `at` (epoch seconds)."""
    for rule in RULES:
        if rule.applies(state, forecast, at):
            return NextAction(rule.kind, rule.title, rule.why(state, forecast, at))
    return _NOTHING_DUE


def _always(text: str) -> Callable[[State, Forecast, float], str]:
    return lambda state, forecast, at: text


def _waited(state: State, at: float) -> str:
    return ago(max(0.0, at - state.talk.waiting_since))


def _meeting_soon(state: State, forecast: Forecast, at: float) -> bool:
    return 0.0 <= state.agenda.at - at <= CONFIRM_WITHIN and state.latest.personal < state.agenda.at - CONFIRM_WITHIN


def _tour_wanted(state: State, forecast: Forecast, at: float) -> bool:
    home = favourite_home(state, at)
    booked = state.agenda.at > at or state.latest.bookings > at - QUIET_DAYS * DAY
    return forecast.score >= GRADE_B and home is not None and home[1] >= 2.0 and not booked


def _financing_open(state: State, forecast: Forecast, at: float) -> bool:
    active = state.latest.activity > at - QUIET_DAYS * DAY
    return active and state.wishes.intent == "buy" and state.plans.financing in (None, "none")


def _wishes_open(state: State, forecast: Forecast, at: float) -> bool:
    wishes = state.wishes
    return state.stage == "engaged" and not (wishes.areas or wishes.price_max or wishes.bedrooms_min)


def _quiet(state: State, forecast: Forecast, at: float) -> bool:
    latest = max(state.latest.activity, state.latest.personal)
    return 0.0 < latest <= at - QUIET_DAYS * DAY


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        ActionKind.NOTHING,
        "Nothing to do",
        lambda state, forecast, at: state.stage in TERMINAL_STAGES,
        lambda state, forecast, at: "The deal has closed." if state.stage == "closed" else "The lead is lost.",
    ),
    Rule(
        ActionKind.NOTHING,
        "Do not contact them",
        lambda state, forecast, at: refuses(state) and not state.talk.waiting_since,
        _always("They asked not to be contacted."),
    ),
    Rule(
        ActionKind.FIRST_CONTACT,
        "Make the first contact",
        lambda state, forecast, at: (
            state.talk.waiting_since > 0.0 and not (state.latest.personal or state.latest.meetings)
        ),
        lambda state, forecast, at: f"They came in {_waited(state, at)} ago and no person has been in touch.",
    ),
    Rule(
        ActionKind.REPLY,
        "Reply to them now",
        lambda state, forecast, at: state.talk.waiting_since > 0.0,
        lambda state, forecast, at: f"They have waited {_waited(state, at)} for an answer.",
    ),
    Rule(
        ActionKind.FOLLOW_UP_TOUR,
        "Ask what they thought, and about an offer",
        lambda state, forecast, at: state.latest.tours > state.latest.personal,
        lambda state, forecast, at: (
            f"They toured a home {ago(max(0.0, at - state.latest.tours))} ago and nobody has followed up."
        ),
    ),
    Rule(
        ActionKind.REBOOK,
        "Offer a new time",
        lambda state, forecast, at: state.latest.missed > max(state.latest.personal, state.latest.bookings),
        _always("A meeting was missed or called off and no new one is agreed."),
    ),
    Rule(
        ActionKind.CONFIRM_MEETING,
        "Confirm the meeting",
        _meeting_soon,
        lambda state, forecast, at: f"It begins in {ago(state.agenda.at - at)}.",
    ),
    Rule(
        ActionKind.ADVANCE_DEAL,
        "Check the deal's deadlines with them",
        lambda state, forecast, at: (
            state.stage in ("offer", "under_contract") and state.latest.personal <= at - DEAL_CHECK_DAYS * DAY
        ),
        _always("A deal is under way and nobody has been in touch for a week."),
    ),
    Rule(
        ActionKind.CALL,
        "Call them",
        lambda state, forecast, at: (
            forecast.score >= GRADE_A and not state.latest.calls and not refuses(state, "call", "sms")
        ),
        lambda state, forecast, at: f"Score {forecast.score:.0f}, and nobody has called yet.",
    ),
    Rule(
        ActionKind.OFFER_TOUR,
        "Offer a tour of the home they like",
        _tour_wanted,
        lambda state, forecast, at: f"Of all homes they like best {(favourite_home(state, at) or ('one',))[0]}.",
    ),
    Rule(
        ActionKind.ASK_CRITERIA,
        "Ask what they are looking for",
        _wishes_open,
        _always("They talk with us, but area, price and size are unknown."),
    ),
    Rule(
        ActionKind.SEND_FINANCING_CHECKLIST,
        "Send the financing checklist",
        _financing_open,
        _always("They are looking to buy and have no financing yet. The checklist recommends no lender."),
    ),
    Rule(
        ActionKind.CHECK_IN,
        "Check in",
        _quiet,
        lambda state, forecast, at: (
            f"It has been quiet for {ago(at - max(state.latest.activity, state.latest.personal))}."
        ),
    ),
)

_NOTHING_DUE: Final = NextAction(ActionKind.NOTHING, "Nothing is due", "Everything of theirs is answered.")
