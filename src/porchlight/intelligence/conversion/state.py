"""What is remembered of a lead: a small value of fixed size, folded from facts, with a compact codec.

Every group is a named tuple, because a fold makes a new state per fact and tuples are the cheapest values to copy.
Times are epoch seconds; 0.0 means never. Nothing here names a person: no name, address, age or family enters.
"""

from __future__ import annotations

from math import exp2, expm1, sqrt
from typing import Final, NamedTuple

import orjson

from porchlight.intelligence.conversion.kinds import OPEN_STAGES, STAGES, Financing, Intent, Stage

DAY: Final = 86_400.0
STATE_VERSION: Final = 1

MAX_AREAS: Final = 4
MAX_HOMES: Final = 3
MAX_SOURCES: Final = 8
MAX_CHANNELS: Final = 4
MAX_KEY_LENGTH: Final = 36
"""The length of a UUID, which some sources use as listing key."""


class Counts(NamedTuple):
    """One number per thing that is counted; used for decayed counts, for times and for half-lives alike."""

    activity: float = 0.0  # what the lead did, of any kind
    views: float = 0.0
    searches: float = 0.0
    saves: float = 0.0  # saved or shared a home
    matches: float = 0.0  # touched a home that meets the stated criteria
    inquiries: float = 0.0
    replies: float = 0.0
    promptness: float = 0.0  # replies, each worth less the longer it took
    clicks: float = 0.0
    conversations: float = 0.0
    bookings: float = 0.0  # appointments and tours agreed
    meetings: float = 0.0  # appointments and tours held
    tours: float = 0.0
    missed: float = 0.0  # appointments and tours missed or called off
    offers: float = 0.0
    touches: float = 0.0  # we wrote or called in vain, by hand or automatically
    personal: float = 0.0  # a person of the team wrote, called or spoke with them
    calls: float = 0.0
    bounces: float = 0.0
    handovers: float = 0.0  # passed from one agent to another
    competitors: float = 0.0


_HALF_LIFE_DAYS: Final = Counts(
    activity=30,
    views=7,
    searches=14,
    saves=30,
    matches=21,
    inquiries=14,
    replies=21,
    promptness=21,
    clicks=21,
    conversations=30,
    bookings=14,
    meetings=30,
    tours=30,
    missed=60,
    offers=60,
    touches=21,
    personal=21,
    calls=30,
    bounces=60,
    handovers=90,
    competitors=60,
)
HALF_LIVES: Final = Counts._make(days * DAY for days in _HALF_LIFE_DAYS)
"""Seconds after which half of a count is forgotten: short for browsing, which is of the moment; long for commitments.

Expert judgement around the 10 weeks that NAR reports as the median search; a fit on history may replace them.
"""
PRICE_HALF_LIFE: Final = 45 * DAY
TASTE_HALF_LIFE: Final = 30 * DAY
ANSWER_HALF_LIFE: Final = 90 * DAY
PRICE_CENTRE: Final = 13.0
"""Log prices are kept relative to this (about 442,000), so that the second moment loses no digits."""


class Talk(NamedTuple):
    """Who spoke last, who waits for whom, and how fast answers come."""

    heard_at: float = 0.0  # the lead's latest message, call or request
    reached_at: float = 0.0  # our latest message or call, automatic or not
    waiting_since: float = 0.0  # the lead's oldest request that no person has answered
    reply_minutes: float | None = None  # how long the lead's latest reply took
    answers: float = 0.0  # decayed number of our answers …
    answer_log_minutes: float = 0.0  # … and the decayed sum of ln(1 + minutes) they took
    answered_at: float = 0.0


class Prices(NamedTuple):
    """Decayed moments of ln(list price) − PRICE_CENTRE over homes viewed (weight 1) and saved or shared (weight 2)."""

    weight: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    at: float = 0.0


class Wishes(NamedTuple):
    """What the lead said they want; the latest statement of each thing counts."""

    intent: Intent | None = None
    price_min: float | None = None
    price_max: float | None = None
    areas: tuple[str, ...] = ()
    bedrooms_min: float | None = None
    bathrooms_min: float | None = None
    property_type: str | None = None
    at: float = 0.0


class Plans(NamedTuple):
    """When the lead wants to move and how they pay, each with the time it was said."""

    timeframe_days: float | None = None
    timeframe_at: float = 0.0
    financing: Financing | None = None
    approved_amount: float | None = None
    financing_at: float = 0.0


class Progress(NamedTuple):
    """The stage, kept so that late facts cannot confuse it: what was set last, and when each open stage was reached."""

    set_to: int = 0  # index into STAGES
    set_at: float = 0.0
    reached: tuple[float, ...] = (0.0,) * len(OPEN_STAGES)


class Agenda(NamedTuple):
    """The next agreed meeting, by the latest fact about one."""

    at: float = 0.0  # when it takes place; 0.0 for none
    told_at: float = 0.0


class Week(NamedTuple):
    """Views per UTC day, today first, so that "in the last 7 days" is a true count and not a decayed one."""

    day: int = 0  # days since 1970-01-01
    views: tuple[int, ...] = (0,) * 7


class Weighted(NamedTuple):
    """An area or a home with its decayed weight as of a time."""

    key: str
    weight: float
    at: float


class Permission(NamedTuple):
    """The latest word on one channel ("" for all channels)."""

    channel: str
    at: float
    allowed: bool


class State(NamedTuple):
    """All that a forecast may look at. `EMPTY` is a lead of whom nothing is known."""

    counts: Counts = Counts()
    latest: Counts = Counts()
    first_active_at: float = 0.0
    talk: Talk = Talk()
    prices: Prices = Prices()
    wishes: Wishes = Wishes()
    plans: Plans = Plans()
    progress: Progress = Progress()
    agenda: Agenda = Agenda()
    week: Week = Week()
    areas: tuple[Weighted, ...] = ()
    homes: tuple[Weighted, ...] = ()
    sources: tuple[int, ...] = ()  # CRC-32 of each distinct source: how many doors, not which
    permissions: tuple[Permission, ...] = ()

    @property
    def stage(self) -> Stage:
        """The stage set last, or the furthest open stage that facts have reached since."""
        set_to, set_at, reached = self.progress
        if set_to < len(OPEN_STAGES):
            for index in range(len(OPEN_STAGES) - 1, set_to, -1):
                if reached[index] and reached[index] >= set_at:
                    return OPEN_STAGES[index]
        return STAGES[set_to]


EMPTY: Final = State()


def decayed(weight: float, as_of: float, half_life: float, at: float) -> float:
    """A weight that was exact at `as_of`, at the later time `at`; an earlier `at` leaves it as it is."""
    return weight * exp2((as_of - at) / half_life) if at > as_of else weight


def added(value: float, as_of: float, half_life: float, weight: float, at: float) -> float:
    """A decayed sum with `weight` of time `at` added, as of the later of the two times: the order does not matter."""
    if at >= as_of:
        return value * exp2((as_of - at) / half_life) + weight
    return value + weight * exp2((at - as_of) / half_life)


def price_band(state: State) -> tuple[float, float, float] | None:
    """Mean and standard deviation of the ln price of the homes they look at, and its weight; None without any."""
    weight, total, squares, _ = state.prices
    if weight <= 0.0:
        return None
    mean = total / weight
    return mean + PRICE_CENTRE, sqrt(max(0.0, squares / weight - mean * mean)), weight


def answer_minutes(state: State) -> float | None:
    """The typical time (geometric mean, minutes) in which a person of ours answered this lead; None before any."""
    talk = state.talk
    return expm1(talk.answer_log_minutes / talk.answers) if talk.answers > 0.0 else None


def favourite_home(state: State, at: float) -> tuple[str, float] | None:
    """The listing key they come back to most, with its decayed weight at `at`; None when no home was touched."""
    if not state.homes:
        return None
    key, weight, as_of = max(state.homes, key=lambda home: decayed(home.weight, home.at, TASTE_HALF_LIFE, at))
    return key, decayed(weight, as_of, TASTE_HALF_LIFE, at)


def views_in_week(state: State, at: float) -> int:
    """Homes viewed on the seven UTC days up to and including the day of `at`."""
    age = int(at // DAY) - state.week.day
    return sum(state.week.views[: max(0, 7 - age)] if age > 0 else state.week.views)


def refuses(state: State, *channels: str) -> bool:
    """Whether the lead's latest word on any of these channels, or on all channels at once, is no."""
    return any(not word.allowed and (not word.channel or word.channel in channels) for word in state.permissions)


class StateVersionError(ValueError):
    """The bytes were written by another version of the fold: replay the lead's facts from `EMPTY`."""


def encode(state: State) -> bytes:
    """Compact JSON: the version, then every group in order. `decode` gives back the same bits."""
    counts, latest, first, talk, prices, wishes, plans, progress, agenda, week, areas, homes, sources, words = state
    return orjson.dumps(
        (
            STATE_VERSION,
            tuple(counts),
            tuple(latest),
            first,
            tuple(talk),
            tuple(prices),
            tuple(wishes),
            tuple(plans),
            tuple(progress),
            tuple(agenda),
            tuple(week),
            [tuple(area) for area in areas],
            [tuple(home) for home in homes],
            sources,
            [tuple(word) for word in words],
        )
    )


def decode(data: bytes | bytearray | memoryview | str) -> State:
    """The state that `encode` wrote. Raises `StateVersionError` for another version of it."""
    version, *groups = orjson.loads(data)
    if version != STATE_VERSION:
        raise StateVersionError(f"state version {version!r} is not {STATE_VERSION}: replay the facts from EMPTY")
    counts, latest, first, talk, prices, wishes, plans, progress, agenda, week, areas, homes, sources, words = groups
    wishes[_WISHED_AREAS] = tuple(wishes[_WISHED_AREAS])
    make = tuple.__new__  # a third of the time of _make, whose check of the length the version makes needless
    return State(
        make(Counts, counts),
        make(Counts, latest),
        first,
        make(Talk, talk),
        make(Prices, prices),
        make(Wishes, wishes),
        make(Plans, plans),
        Progress(progress[0], progress[1], tuple(progress[2])),
        make(Agenda, agenda),
        Week(week[0], tuple(week[1])),
        tuple([make(Weighted, area) for area in areas]),
        tuple([make(Weighted, home) for home in homes]),
        tuple(sources),
        tuple([make(Permission, word) for word in words]),
    )


_WISHED_AREAS: Final = Wishes._fields.index("areas")
