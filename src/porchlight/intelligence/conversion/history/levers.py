"""What would move a forecast most: deeds within reach, tried out on the state by the fold that serves.

The gain is what the model makes of leads of whom it is true. It is no promise that bringing it about does as much:
who agrees to a tour was often nearer to a deal before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import log
from typing import Any, Final, NamedTuple

from porchlight.intelligence.conversion.features import NEUTRAL, Context
from porchlight.intelligence.conversion.fold import Fact, fold
from porchlight.intelligence.conversion.history.model import Model, forecast_with
from porchlight.intelligence.conversion.history.terms import About
from porchlight.intelligence.conversion.kinds import TERMINAL_STAGES
from porchlight.intelligence.conversion.state import State

NEGLIGIBLE: Final = 0.05
"""Log-odds below which a deed is not worth proposing."""


class Lever(NamedTuple):
    """A deed with the probability that the lead would have after it, and how far that moves the log-odds."""

    key: str
    title: str
    probability: float
    log_odds: float


class _Deed(NamedTuple):
    key: str
    title: str
    applies: Callable[[State, float], bool]
    kinds: tuple[tuple[str, dict[str, Any]], ...]


_DEEDS: Final = (
    _Deed("reply", "Answer what they asked", lambda s, at: s.talk.waiting_since > 0.0, (("message.sent", {}),)),
    _Deed("conversation", "Get them on the phone", lambda s, at: True, (("call.held", {}),)),
    _Deed("their_reply", "Get a reply from them", lambda s, at: True, (("message.received", {}),)),
    _Deed("criteria", "Learn their budget and timing", lambda s, at: not _knows_wishes(s), ()),
    _Deed("financing", "Get them pre-approved", lambda s, at: _could_finance(s), (("financing.preapproved", {}),)),
    _Deed("meeting", "Agree on a meeting", lambda s, at: s.agenda.at <= at, (("appointment.booked", {}),)),
    _Deed("tour", "Tour a home with them", lambda s, at: s.wishes.intent != "sell", (("tour.held", {}),)),
)


def levers(
    model: Model, state: State, at: float, context: Context = NEUTRAL, about: About | None = None, limit: int = 3
) -> tuple[Lever, ...]:
    """The deeds that would raise the forecast of an open lead most, the strongest first; none for an ended one."""
    if state.stage in TERMINAL_STAGES:
        return ()
    known = about or About()
    now = _log_odds(forecast_with(model, state, at, context, known).probability)
    found = []
    for deed in _DEEDS:
        if deed.applies(state, at):
            after = forecast_with(model, _done(state, deed, at), at, context, known).probability
            found.append(Lever(deed.key, deed.title, after, _log_odds(after) - now))
    found.sort(key=lambda lever: -lever.log_odds)
    return tuple(lever for lever in found if lever.log_odds >= NEGLIGIBLE)[:limit]


def _done(state: State, deed: _Deed, at: float) -> State:
    if deed.key == "criteria":
        # What they would say is not known, so the usual: the middle of the range of times that people give themselves.
        return fold(state, Fact("criteria.stated", at, {"price_max": 500_000.0, "timeframe_days": 90.0}))
    for kind, payload in deed.kinds:
        when = {"at": (datetime.fromtimestamp(at, UTC) + timedelta(days=2)).isoformat()} if ".booked" in kind else {}
        state = fold(state, Fact(kind, at, payload | when))
    return state


def _knows_wishes(state: State) -> bool:
    return state.plans.timeframe_days is not None and (state.wishes.price_max or state.wishes.price_min) is not None


def _could_finance(state: State) -> bool:
    return state.wishes.intent == "buy" and state.plans.financing in (None, "none", "applying")


def _log_odds(probability: float) -> float:
    return log(probability / (1.0 - probability))
