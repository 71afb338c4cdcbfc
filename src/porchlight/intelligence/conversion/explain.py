"""Why a lead has its score, in plain words, from what the features saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from porchlight.intelligence.conversion.features import FEATURES, Factor
from porchlight.intelligence.conversion.forecast import Forecast
from porchlight.intelligence.conversion.kinds import Stage
from porchlight.intelligence.conversion.scorecard import TERMINAL_LOG_ODDS, WEIGHT_OF
from porchlight.intelligence.conversion.state import (
    DAY,
    State,
    answer_minutes,
    favourite_home,
    price_band,
    views_in_week,
)

NEGLIGIBLE: Final = 0.02
"""Contributions below this many log-odds move a score by less than half a point and are not worth a sentence."""


class Reason(NamedTuple):
    """One sentence, and the log-odds it stands for: positive raises the score."""

    factor: Factor
    text: str
    log_odds: float


class _Case(NamedTuple):
    state: State
    at: float
    value: float
    raises: bool


def explain(state: State, forecast: Forecast, at: float, limit: int = 5) -> tuple[Reason, ...]:
    """The strongest reasons, at most `limit` and at most three per factor, strongest first."""
    reasons: list[Reason] = []
    others = {other.text: other.factor for other in forecast.others}
    for name, value, log_odds in sorted(forecast.contributions, key=lambda item: -abs(item.log_odds)):
        if len(reasons) == limit or abs(log_odds) < NEGLIGIBLE:
            break
        if value is None:
            continue
        factor = others.get(name) or _FACTOR_OF[name]
        if sum(reason.factor == factor for reason in reasons) < 3:
            text = name if name in others else _TEXTS[name](_Case(state, at, value, _speaks_for(name, value)))
            reasons.append(Reason(factor, text, log_odds))
    return tuple(reasons)


def _speaks_for(name: str, value: float) -> bool:
    """Whether the scorecard takes the value as a good sign: the words tell what is so, whatever a model makes of it."""
    weight, reference = _SCORECARD[name]
    return weight * (value - reference) > 0.0


def ago(seconds: float) -> str:
    """A length of time in its largest whole unit: "20 minutes", "1 day"."""
    for unit, length in (("day", DAY), ("hour", 3600.0), ("minute", 60.0)):
        number = int(seconds // length)
        if number:
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "a moment"


def _either(positive: str, negative: str) -> Callable[[_Case], str]:
    return lambda case: positive if case.raises else negative


def _since(count: str, happened: str, never: str) -> Callable[[_Case], str]:
    """A sentence with the time since the latest deed of a count."""

    def text(case: _Case) -> str:
        latest: float = getattr(case.state.latest, count)
        return f"{happened} {ago(max(0.0, case.at - latest))} ago" if latest else never

    return text


_FINANCING_TEXT: Final = {
    "cash": "Pays in cash",
    "preapproved": "Has a mortgage pre-approval",
    "applying": "Is applying for a mortgage",
    "none": "Has not arranged financing",
}
_STAGE_TEXT: Final[dict[Stage, str]] = {
    "new": "Nobody has spoken with them yet",
    "contacted": "Contacted, without an answer so far",
    "engaged": "In conversation with us",
    "appointment": "Has agreed to a meeting",
    "touring": "Has toured homes with us",
    "offer": "Has an offer on the table",
    "under_contract": "Under contract",
    "closed": "The deal has closed",
    "lost": "Lost; reopen to forecast again",
}


def _financing(case: _Case) -> str:
    return _FINANCING_TEXT[case.state.plans.financing or "none"]


def _price_focus(case: _Case) -> str:
    band = price_band(case.state)
    spread = round(100 * band[1]) if band else 0
    return f"Looks at homes of about the same price (± {spread} %)" if case.raises else "Looks at homes of any price"


def _timeframe(case: _Case) -> str:
    days = case.state.plans.timeframe_days or 0.0
    return f"Wants to move within {days:.0f} days"


def _favourite(case: _Case) -> str:
    home = favourite_home(case.state, case.at)
    return f"Most interested in {home[0]}" if home and case.raises else "No home stands out yet"


def _criteria(case: _Case) -> str:
    known = round(case.value * 6)
    return f"Told us {known} of 6 things about the home they want" if known else "Has not said what they want"


def _reply_speed(case: _Case) -> str:
    minutes = case.state.talk.reply_minutes
    if minutes is None or not case.raises:
        return "Does not reply quickly"
    return f"Replied within {ago(max(60.0, minutes * 60.0))}"


def _answer_speed(case: _Case) -> str:
    minutes = answer_minutes(case.state) or 0.0
    return f"We typically answer them within {ago(max(60.0, minutes * 60.0))}"


def _unanswered(case: _Case) -> str:
    since = case.state.talk.waiting_since
    return f"Has waited {ago(max(0.0, case.at - since))} for an answer" if since else "Nothing of theirs is unanswered"


def _recency(case: _Case) -> str:
    latest = case.state.latest.activity
    return f"Last active {ago(max(0.0, case.at - latest))} ago" if latest else "Has not done anything yet"


def _views(case: _Case) -> str:
    number = views_in_week(case.state, case.at)
    return f"Viewed homes {number} time{'' if number == 1 else 's'} in the last 7 days" if number else _NO_VIEWS(case)


_NO_VIEWS: Final = _since("views", "Last viewed a home", "Has not viewed a home")


def _span(case: _Case) -> str:
    days = max(0.0, case.state.latest.activity - case.state.first_active_at)
    return f"Has been looking for {ago(days)}" if days >= DAY else "Has only just begun to look"


_TEXTS: Final[dict[str, Callable[[_Case], str]]] = {
    "budget_stated": _either("Told us their budget", "Has not told us a budget"),
    "financing_readiness": _financing,
    "price_fit": _either("Looks at homes within their budget", "Looks at homes outside their budget"),
    "price_focus": _price_focus,
    "timeframe": _timeframe,
    "direct_requests": _since("inquiries", "Asked about a home or its value", "Has not asked about a home"),
    "bookings": _since("bookings", "Agreed to a meeting or tour", "Has not agreed to a meeting"),
    "searches": _since("searches", "Searched for homes", "Has not searched for homes"),
    "saved_homes": _since("saves", "Saved or shared a home", "Has not saved a home"),
    "favourite_home": _favourite,
    "matching_homes": _either("Looks at homes that meet their wishes", "Few homes they look at meet their wishes"),
    "criteria_known": _criteria,
    "replies": _since("replies", "Wrote to us", "Has not written to us"),
    "prompt_replies": _reply_speed,
    "reply_rate": _either("Answers most of our messages", "Leaves most of our messages unanswered"),
    "clicks": _since("clicks", "Followed a link in our message", "Has not followed a link of ours"),
    "conversations": _since("conversations", "Spoke with us on the phone", "Has not spoken with us on the phone"),
    "bounces": _either("Our messages arrive", "Our messages bounce"),
    "season": _either("The coming months see more closings than most", "The coming months see few closings"),
    "supply": _either("The market's supply is in their favour", "The market's supply is against them"),
    "search_span": _span,
    "answer_speed": _answer_speed,
    "agent_pace": _either("Their agent answers quickly", "Their agent answers slowly"),
    "personal_attention": _since("personal", "One of us reached out", "None of us has reached out in person"),
    "unanswered": _unanswered,
    "handovers": _either("Has kept the same agent", "Was passed from one agent to another"),
    "met_us": _since("meetings", "Met us", "Has not met us"),
    "competitor_mentions": _either("Has mentioned no other agent", "Mentioned another agent"),
    "other_doors": _either("Came to us through one door only", "Asks around: came through several doors"),
    "missed_meetings": _either("Keeps appointments", "Missed or cancelled a meeting"),
    "pipeline": lambda case: _STAGE_TEXT[case.state.stage],
    "offers": _since("offers", "Made an offer", "Has not made an offer"),
    "recency": _recency,
    "views": _views,
    "activity": _either("Has been active over the last weeks", "Has done little over the last weeks"),
    "ended": lambda case: _STAGE_TEXT[case.state.stage],
}

_SCORECARD: Final = {feature.name: (WEIGHT_OF[feature.name], feature.reference) for feature in FEATURES} | {
    "ended": (TERMINAL_LOG_ODDS, 0.0)
}
_FACTOR_OF: Final[dict[str, Factor]] = {feature.name: feature.factor for feature in FEATURES} | {"ended": "momentum"}
