"""The registry of features: each a bounded number read from a state, belonging to one of eight factors.

A feature that has no data is None, which is not zero: it stands for the average lead and moves nothing. Counts are
never missing, because an average lead also leaves few traces and the references say so. Weights live in `scorecard`,
so that a learned model can use the same columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, log1p
from typing import Final, Literal, get_args

from porchlight.intelligence.conversion.kinds import OPEN_STAGES, Stage
from porchlight.intelligence.conversion.state import (
    DAY,
    HALF_LIVES,
    Counts,
    State,
    answer_minutes,
    decayed,
    favourite_home,
    price_band,
)

Factor = Literal[
    "budget_alignment",
    "urgency",
    "property_match",
    "responsiveness",
    "market_timing",
    "agent_fit",
    "competition",
    "momentum",
]
FACTORS: Final[tuple[Factor, ...]] = get_args(Factor)
"""The eight factors in the order in which they are added up."""

BASE_PROBABILITY: Final = 0.006
"""P(convert within 90 days) of an average lead where a tenant has no history.

The range commonly quoted for the industry and ascribed to the National Association of Realtors is 0.4–1.2 % of leads,
without a horizon and without a primary document to be found, so confidence is low. Its middle is 0.8 %; 0.6 % allows
for conversions that come later than 90 days.
"""


@dataclass(frozen=True, slots=True)
class Context:
    """What a forecast needs that is no fact about the lead. None means unknown and moves nothing."""

    base_probability: float = BASE_PROBABILITY
    season: float | None = None
    """Closings expected over the coming 90 days relative to the year's average, 1.0 = average; see `season_of`."""
    months_of_supply: float | None = None
    agent_reply_minutes: float | None = None
    """The typical time in which the lead's agent answers anybody."""

    def __post_init__(self) -> None:
        if not 0.0 < self.base_probability < 1.0:
            raise ValueError(f"base_probability must lie between 0 and 1, got {self.base_probability!r}")


NEUTRAL: Final = Context()

Extract = Callable[[State, float, Context], float | None]


@dataclass(frozen=True, slots=True)
class Feature:
    """`extract(state, at, context)` lies within `low` … `high`; `reference` is its value for an average lead."""

    name: str
    factor: Factor
    meaning: str
    extract: Extract
    reference: float
    low: float = 0.0
    high: float = 1.0


MONTHLY_CLOSINGS: Final = (0.68, 0.72, 0.96, 1.02, 1.17, 1.24, 1.13, 1.17, 1.03, 1.01, 0.91, 0.94)
"""January to December: closings relative to the year's monthly average in the United States.

Median ratio to the centred 12-month average of Redfin's national count of homes sold, not seasonally adjusted,
2012–2023 without 2020. The Texas MLS series 2000–2014 agrees within 0.10 in every month.
"""

STAGE_DEPTH: Final[dict[Stage, float]] = {
    "new": 0.0,
    "contacted": 0.04,
    "engaged": 0.12,
    "appointment": 0.25,
    "touring": 0.40,
    "offer": 0.62,
    "under_contract": 1.0,
}
"""Share of the way from a new lead to a contract, in log-odds; see the scorecard's entry for `pipeline`."""
_ENGAGED: Final = OPEN_STAGES.index("engaged")

TIMEFRAME_NEAR_DAYS: Final = 30.0
TIMEFRAME_FAR_DAYS: Final = 365.0
TIMEFRAME_REFERENCE: Final = 0.3
TIMEFRAME_HALF_LIFE: Final = 120 * DAY
PIPELINE_HALF_LIFE: Final = 60 * DAY
RECENCY_HALF_LIFE: Final = 14 * DAY
SEARCH_DAYS: Final = 70.0
"""NAR's Profile of Home Buyers and Sellers: the median search took 10 weeks."""
SLOW_ANSWER_MINUTES: Final = 2_880.0
"""Two days: beyond the mean of 42 hours that Oldroyd et al. (Harvard Business Review, 2011) found among firms."""
BALANCED_SUPPLY_MONTHS: Final = 4.0
"""Between the six months often called balanced and the 3.2 that Redfin's national count averaged in 2012–2024."""


def season_of(month: int) -> float:
    """Closings expected in the 90 days from the start of a month (1–12) relative to the year's average."""
    return sum(MONTHLY_CLOSINGS[(month - 1 + ahead) % 12] for ahead in range(3)) / 3.0


@dataclass(frozen=True, slots=True)
class _Saturating:
    """n / (n + half) of a decayed count n: the first deeds say most, and `half` of them half of all."""

    place: int
    half_life: float
    half: float

    def __call__(self, state: State, at: float, context: Context) -> float:
        number = decayed(state.counts[self.place], state.latest[self.place], self.half_life, at)
        return number / (number + self.half)


def _saturating(count: str, half: float) -> _Saturating:
    index = Counts._fields.index(count)
    return _Saturating(index, HALF_LIVES[index], half)


def _budget_stated(state: State, at: float, context: Context) -> float:
    return 1.0 if _budget(state) else 0.0


def _budget(state: State) -> tuple[float | None, float | None] | None:
    low, high = state.wishes.price_min, state.wishes.price_max or state.plans.approved_amount
    return (low, high) if low or high else None


_FINANCING: Final = {"none": 0.0, "applying": 0.5, "preapproved": 1.0, "cash": 1.0}


def _financing(state: State, at: float, context: Context) -> float | None:
    financing = state.plans.financing
    return None if financing is None else _FINANCING[financing]


def _price_fit(state: State, at: float, context: Context) -> float | None:
    band, budget = price_band(state), _budget(state)
    if band is None or budget is None:
        return None
    mean, (low, high) = band[0], budget
    excess = mean - log(high) if high else 0.0
    shortfall = log(low) - mean if low else 0.0
    return exp(-max(0.0, excess, shortfall) / 0.15)


def _price_focus(state: State, at: float, context: Context) -> float | None:
    band = price_band(state)
    return None if band is None or band[2] < 3.0 else 1.0 - min(1.0, band[1] / 0.5)


def timeframe_value(days: float) -> float:
    """1 at a month or less, 0 at a year or more, even steps per ratio between: odds go with one over the time left."""
    held = min(TIMEFRAME_FAR_DAYS, max(TIMEFRAME_NEAR_DAYS, days))
    return log(TIMEFRAME_FAR_DAYS / held) / log(TIMEFRAME_FAR_DAYS / TIMEFRAME_NEAR_DAYS)


def _timeframe(state: State, at: float, context: Context) -> float | None:
    days = state.plans.timeframe_days
    if days is None:
        return None
    surplus = timeframe_value(days) - TIMEFRAME_REFERENCE
    return TIMEFRAME_REFERENCE + decayed(surplus, state.plans.timeframe_at, TIMEFRAME_HALF_LIFE, at)


def _favourite(state: State, at: float, context: Context) -> float:
    home = favourite_home(state, at)
    again = max(0.0, home[1] - 1.0) if home else 0.0
    return again / (again + 2.0)


def _criteria_known(state: State, at: float, context: Context) -> float:
    wishes = state.wishes
    known = (
        wishes.intent,
        wishes.price_max or wishes.price_min,
        wishes.areas,
        wishes.bedrooms_min,
        wishes.bathrooms_min,
        wishes.property_type,
    )
    return sum(1 for wish in known if wish) / len(known)


def _reply_rate(state: State, at: float, context: Context) -> float | None:
    if not state.latest.touches:
        return None
    replies = decayed(state.counts.replies, state.latest.replies, HALF_LIVES.replies, at)
    touches = decayed(state.counts.touches, state.latest.touches, HALF_LIVES.touches, at)
    return min(1.0, (replies + 0.3) / (touches + 1.0))


def _season(state: State, at: float, context: Context) -> float | None:
    return None if context.season is None else max(-0.3, min(0.3, log(max(context.season, 0.01))))


def _supply(state: State, at: float, context: Context) -> float | None:
    months, intent = context.months_of_supply, state.wishes.intent
    if months is None or intent not in ("buy", "sell"):
        return None
    surplus = max(-1.0, min(1.0, log(max(months, 0.1) / BALANCED_SUPPLY_MONTHS)))
    return surplus if intent == "buy" else -surplus


def _search_span(state: State, at: float, context: Context) -> float:
    return min(1.0, (state.latest.activity - state.first_active_at) / (SEARCH_DAYS * DAY))


def speed_value(minutes: float) -> float:
    """1 for an instant answer, 0 for two days or more, even steps per ratio between."""
    return max(0.0, 1.0 - log1p(minutes) / log1p(SLOW_ANSWER_MINUTES))


def _answer_speed(state: State, at: float, context: Context) -> float | None:
    minutes = answer_minutes(state)
    return None if minutes is None else speed_value(minutes)


def _agent_pace(state: State, at: float, context: Context) -> float | None:
    return None if context.agent_reply_minutes is None else speed_value(max(0.0, context.agent_reply_minutes))


def _unanswered(state: State, at: float, context: Context) -> float:
    since = state.talk.waiting_since
    hours = max(0.0, at - since) / 3600.0 if since else 0.0
    return hours / (hours + 24.0)


def _other_doors(state: State, at: float, context: Context) -> float:
    return min(3, max(0, len(state.sources) - 1)) / 3.0


def _pipeline(state: State, at: float, context: Context) -> float:
    # our own attempts reach "contacted", and must not pass for a sign of life
    since = max(state.latest.activity, state.progress.set_at, *state.progress.reached[_ENGAGED:])
    return decayed(STAGE_DEPTH.get(state.stage, 0.0), since, PIPELINE_HALF_LIFE, at)


def _recency(state: State, at: float, context: Context) -> float:
    return decayed(1.0, state.latest.activity, RECENCY_HALF_LIFE, at)


FEATURES: Final[tuple[Feature, ...]] = (
    Feature("budget_stated", "budget_alignment", "A budget is known.", _budget_stated, 0.3),
    Feature(
        "financing_readiness",
        "budget_alignment",
        "How they pay: none 0, applying 0.5, pre-approved or cash 1.",
        _financing,
        0.5,
    ),
    Feature("price_fit", "budget_alignment", "The homes they look at lie within their budget.", _price_fit, 0.7),
    Feature("price_focus", "budget_alignment", "The homes they look at cost about the same.", _price_focus, 0.5),
    Feature(
        "timeframe",
        "urgency",
        "The time they gave themselves, a month or less 1, a year or more 0; fades to the reference.",
        _timeframe,
        TIMEFRAME_REFERENCE,
    ),
    Feature("direct_requests", "urgency", "Inquiries and valuation requests.", _saturating("inquiries", 1.0), 0.15),
    Feature("bookings", "urgency", "Appointments and tours agreed.", _saturating("bookings", 1.0), 0.05),
    Feature("searches", "urgency", "Searches run.", _saturating("searches", 3.0), 0.1),
    Feature("saved_homes", "property_match", "Homes saved or shared.", _saturating("saves", 3.0), 0.1),
    Feature(
        "favourite_home", "property_match", "Viewing, saving or asking about one and the same home.", _favourite, 0.05
    ),
    Feature("matching_homes", "property_match", "Homes that meet their wishes.", _saturating("matches", 3.0), 0.05),
    Feature("criteria_known", "property_match", "Share of six criteria that they stated.", _criteria_known, 0.25),
    Feature("replies", "responsiveness", "Messages from them.", _saturating("replies", 2.0), 0.2),
    Feature(
        "prompt_replies",
        "responsiveness",
        "Replies soon after we wrote; each worth e^(-minutes/120).",
        _saturating("promptness", 1.0),
        0.1,
    ),
    Feature("reply_rate", "responsiveness", "Replies per attempt of ours, shrunk towards 0.3.", _reply_rate, 0.3),
    Feature("clicks", "responsiveness", "Links followed in our messages.", _saturating("clicks", 2.0), 0.1),
    Feature("conversations", "responsiveness", "Calls in which we spoke.", _saturating("conversations", 1.0), 0.1),
    Feature("bounces", "responsiveness", "Messages that could not be delivered.", _saturating("bounces", 1.0), 0.03),
    Feature(
        "season",
        "market_timing",
        "ln of the closings expected over the coming 90 days relative to the year's average.",
        _season,
        0.0,
        -0.3,
        0.3,
    ),
    Feature(
        "supply",
        "market_timing",
        "ln(months of supply / 4) for a buyer, its negative for a seller.",
        _supply,
        0.0,
        -1.0,
        1.0,
    ),
    Feature("search_span", "market_timing", "From first to latest activity, in units of 10 weeks.", _search_span, 0.3),
    Feature(
        "answer_speed",
        "agent_fit",
        "How fast we answer them; at once 1, two days 0.",
        _answer_speed,
        0.5,
    ),
    Feature("agent_pace", "agent_fit", "How fast their agent answers anybody, likewise.", _agent_pace, 0.5),
    Feature("personal_attention", "agent_fit", "Messages and calls by a person.", _saturating("personal", 3.0), 0.3),
    Feature("unanswered", "agent_fit", "Waiting h hours for a person: h / (h + 24).", _unanswered, 0.2),
    Feature("handovers", "agent_fit", "Passed from one agent to another.", _saturating("handovers", 1.0), 0.05),
    Feature("met_us", "competition", "Appointments and tours held with us.", _saturating("meetings", 0.5), 0.05),
    Feature("competitor_mentions", "competition", "Other agents mentioned.", _saturating("competitors", 1.0), 0.05),
    Feature("other_doors", "competition", "Further sources they came through, 3 or more as 1.", _other_doors, 0.1),
    Feature("missed_meetings", "competition", "Meetings missed or called off.", _saturating("missed", 1.0), 0.05),
    Feature("pipeline", "momentum", "How far the stage is; half of it fades in 60 silent days.", _pipeline, 0.03),
    Feature("offers", "momentum", "Offers made.", _saturating("offers", 1.0), 0.02),
    Feature("recency", "momentum", "1 at their latest activity, halved every 14 days of silence.", _recency, 0.15),
    Feature("views", "momentum", "Homes viewed.", _saturating("views", 4.0), 0.1),
    Feature("activity", "momentum", "All they did, of any kind.", _saturating("activity", 8.0), 0.15),
)


_COUNTED: Final = tuple(
    (place, counted.place, counted.half_life, counted.half)
    for place, counted in enumerate(feature.extract for feature in FEATURES)
    if isinstance(counted, _Saturating)
)
_OTHERS: Final = tuple(
    (place, feature.extract) for place, feature in enumerate(FEATURES) if not isinstance(feature.extract, _Saturating)
)
_NONE_YET: Final[tuple[float | None, ...]] = (0.0,) * len(FEATURES)


def feature_values(state: State, at: float, context: Context = NEUTRAL) -> tuple[float | None, ...]:
    """Every feature in the order of `FEATURES`, at `at` (epoch seconds)."""
    values = list(_NONE_YET)
    counts, latest = state.counts, state.latest
    for place, index, half_life, half in _COUNTED:
        number = counts[index]
        if number:  # most leads have never done most things
            number = decayed(number, latest[index], half_life, at)
            values[place] = number / (number + half)
    for place, extract in _OTHERS:
        values[place] = extract(state, at, context)
    return tuple(values)
