"""What people write into a field, read as a value: blanks, yes and no, moments, money, time frames, lists.

Everything that takes a lead in (files, hooks, the API) reads text with these functions, so that a word means the same
at every door. Each returns None for text it cannot read; deciding what then becomes of the text is the caller's part.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Literal

from porchlight.intelligence.conversion.kinds import Financing, Intent, Stage

BLANKS = frozenset(
    {"", "-", "--", "---", ".", "?", "n/a", "n.a.", "na", "nan", "null", "nil", "#n/a", "(blank)", "<na>", "\\n"}
)  # fmt: skip
"""What programs write for "no value", lower case."""

MISSING = BLANKS | {
    "none", "(none)", "nothing", "unknown", "not provided", "not specified", "not available", "not applicable",
    "not given",
}  # fmt: skip
"""The same, with the words people use. "None" can be an answer to a question ("Pets?"), so custom fields keep these."""

UNANSWERED = frozenset({"select", "please select", "select one", "-select-", "--select--", "choose", "choose one"})
"""What a form leaves behind when nobody touched its list; no blank in a name, where Select might be real."""

TRUE_WORDS = frozenset({"1", "1.0", "true", "t", "yes", "y", "on", "x", "checked", "✓", "✔"})
FALSE_WORDS = frozenset({"0", "0.0", "false", "f", "no", "n", "off", "unchecked"})


_LONGEST_VALUE = 80
"""Longer text is prose and no value; the patterns below are never run on it."""


def yes_or_no(text: str) -> bool | None:
    word = text.strip().lower()
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else None


# Moments

_CLOCK = r"(?:,?\s+(?:at\s+)?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?\s*(?P<half>[ap]m)?)?"
_NUMBERED_DATE = re.compile(
    r"(?P<first>[0-9]{1,2})(?P<dash>[/.-])(?P<other>[0-9]{1,2})(?P=dash)(?P<year>[0-9]{4}|[0-9]{2})" + _CLOCK
)
_YEAR_FIRST_DATE = re.compile(r"(?P<year>[0-9]{4})[/.](?P<month>[0-9]{1,2})[/.](?P<day>[0-9]{1,2})" + _CLOCK)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = rf"(?P<name>{'|'.join(_MONTH_NAMES)})[a-z]*\.?"
_NAMED_DATES = (
    re.compile(_MONTH_NAME + r"\s+(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>[0-9]{4})" + _CLOCK),
    re.compile(r"(?P<day>[0-9]{1,2})[\s-]" + _MONTH_NAME + r"[\s-](?P<year>[0-9]{4}|[0-9]{2})" + _CLOCK),
)
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_EPOCH = re.compile(r"1[0-9]{9}(?:[0-9]{3})?(?:\.0)?")
_MILLISECONDS_FROM = 10**12
_EARLIEST_YEAR, _LATEST_YEAR = 1970, 2200


def moment(text: str, zone: tzinfo = UTC, *, day_first: bool = False) -> datetime | None:
    """A date, a date with a time, or seconds or milliseconds since 1970, in UTC.

    `zone` is where a time without an offset was written down; a bare date is its midnight. `day_first` says how 3/4 is
    meant. Years before 1970 or after 2200 are no moments: they are what programs write for "never".
    """
    text = text.strip()
    if len(text) > _LONGEST_VALUE:
        return None
    try:
        found = datetime.fromisoformat(text) if text[4:5] == "-" else _written_moment(text, day_first)
    except ValueError:
        return None
    if found is None or not _EARLIEST_YEAR <= found.year <= _LATEST_YEAR:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _written_moment(text: str, day_first: bool) -> datetime | None:
    """Raises ValueError where the parts make no date."""
    if _EPOCH.fullmatch(text):
        seconds = float(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds >= _MILLISECONDS_FROM else seconds, UTC)
    text = text.lower()
    if parts := _NUMBERED_DATE.fullmatch(text):
        first, other = int(parts["first"]), int(parts["other"])
        # Dots are written where the day comes first.
        month, day = (other, first) if day_first or parts["dash"] == "." else (first, other)
        return _moment_of(parts, month, day)
    if parts := _YEAR_FIRST_DATE.fullmatch(text):
        return _moment_of(parts, int(parts["month"]), int(parts["day"]))
    for pattern in _NAMED_DATES:
        if parts := pattern.fullmatch(text):
            return _moment_of(parts, _MONTHS[parts["name"]], int(parts["day"]))
    return None


def _moment_of(parts: re.Match[str], month: int, day: int) -> datetime:
    year = int(parts["year"])
    if year < 100:
        year += 2000 if year < 70 else 1900  # the pivot of POSIX strptime
    hour = int(parts["hour"] or 0)
    if parts["half"]:
        hour = hour % 12 + (12 if parts["half"] == "pm" else 0)
    return datetime(year, month, day, hour, int(parts["minute"] or 0), int(parts["second"] or 0))


_SLASHED_DATE = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-](?:[0-9]{2}){1,2}\b.*")


def day_comes_first(texts: list[str], default: bool) -> bool:
    """Whether these dates are written day/month: certain where a number above 12 stands first or second."""
    for text in texts:
        parts = _SLASHED_DATE.fullmatch(text.strip())
        if parts and int(parts[1]) > 12:
            return True
        if parts and int(parts[2]) > 12:
            return False
    return default


# Money

_AMOUNT = re.compile(
    r"(?:usd|us\$|cad|ca\$|c\$|\$|€|£)?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s*"
    r"(k|thousand|mm?|mil|million)?\s*(?:usd|dollars)?\+?"
)
_UNITS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mm": 1e6, "mil": 1e6, "million": 1e6}
_RANGE = re.compile(r"(?:from\s+|between\s+)?(.+?)\s*(?:-|–|—|\bto\b|\band\b)\s*(.+)")
_UP_TO = re.compile(r"(?:up to|under|below|less than|max\.?|maximum|<=?)\s*(.+)")
_AT_LEAST = re.compile(r"(?:from|over|above|more than|at least|min\.?|minimum|>=?)\s*(.+)|(.+)\+")
_MOST_MONEY = 1e12


def amount(text: str) -> float | None:
    """An amount in whole currency units: `$450,000`, `450k`, `1.2M`."""
    parts = _AMOUNT.fullmatch(text.strip().lower()) if len(text) <= _LONGEST_VALUE else None
    if parts is None:
        return None
    value = float(parts[1].replace(",", "") + (parts[2] or "")) * _UNITS.get(parts[3] or "", 1.0)
    return round(value, 2) if value <= _MOST_MONEY else None


def price_range(text: str) -> tuple[float | None, float | None] | None:
    """The lowest and highest price of a budget; a single amount is the highest. `300-450k` lends its unit to both."""
    text = text.strip().lower()
    if len(text) > _LONGEST_VALUE:
        return None
    if limit := _UP_TO.fullmatch(text):
        highest = amount(limit[1])
        return None if highest is None else (None, highest)
    if span := _RANGE.fullmatch(text):
        low, high = amount(span[1]), amount(span[2])
        if low is not None and high is not None:
            unit = _AMOUNT.fullmatch(span[2].strip())
            if low < 1000 <= high and unit and unit[3]:
                low *= _UNITS[unit[3]]
            return (low, high) if low <= high else (high, low)
        return None
    if floor := _AT_LEAST.fullmatch(text):
        lowest = amount(floor[1] or floor[2])
        return None if lowest is None else (lowest, None)
    single = amount(text)
    return None if single is None else (None, single)


# Choices

_TIMEFRAME_WORDS = {
    "asap": 0.0, "now": 0.0, "immediately": 0.0, "immediate": 0.0, "right away": 0.0, "ready now": 0.0,
    "this week": 7.0, "this month": 30.0, "next month": 60.0, "this year": 365.0, "next year": 730.0,
}  # fmt: skip
_SPAN = re.compile(
    r"(?:in|within|under|less than|<|up to|over|more than)?\s*(?:[0-9]+\s*(?:-|–|to)\s*)?([0-9]+)\s*\+?\s*"
    r"(day|week|month|mo|year|yr)s?\.?\s*(?:\+|or more|from now)?"
)
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.0, "mo": 30.0, "year": 365.0, "yr": 365.0}
_LONGEST_TIMEFRAME = 3650.0


def timeframe_days(text: str) -> float | None:
    """Within how many days the lead means to act; of a range, its end, so that urgency is never overstated."""
    text = text.strip().lower()
    if text in _TIMEFRAME_WORDS:
        return _TIMEFRAME_WORDS[text]
    span = _SPAN.fullmatch(text) if len(text) <= _LONGEST_VALUE else None
    days = float(text) if text.isdecimal() and len(text) < 9 else int(span[1]) * _DAYS[span[2]] if span else None
    return None if days is None else min(days, _LONGEST_TIMEFRAME)


_INTENT_WORDS: dict[str, Intent] = {
    "buy": "buy", "buyer": "buy", "buying": "buy", "purchase": "buy", "home buyer": "buy", "buyer lead": "buy",
    "sell": "sell", "seller": "sell", "selling": "sell", "home seller": "sell", "listing": "sell",
    "seller lead": "sell", "home valuation": "sell",
    "rent": "rent", "renter": "rent", "renting": "rent", "rental": "rent", "tenant": "rent", "lease": "rent",
}  # fmt: skip


def intent(text: str) -> Intent | None:
    return _INTENT_WORDS.get(text.strip().lower())


_FINANCING_WORDS: dict[str, Financing] = {
    "cash": "cash", "all cash": "cash", "cash buyer": "cash",
    "preapproved": "preapproved", "pre-approved": "preapproved", "pre approved": "preapproved",
    "prequalified": "applying", "pre-qualified": "applying", "applying": "applying", "in progress": "applying",
    "not yet": "none", "not started": "none", "none": "none", "no": "none",
}  # fmt: skip


def financing(text: str) -> Financing | None:
    return _FINANCING_WORDS.get(text.strip().lower())


_STAGE_WORDS: dict[str, Stage] = {
    "new": "new", "new lead": "new", "lead": "new", "open": "new", "uncontacted": "new", "open - not contacted": "new",
    "contacted": "contacted", "attempted contact": "contacted", "attempted to contact": "contacted",
    "working - contacted": "contacted", "connected": "engaged",
    "engaged": "engaged", "nurture": "engaged", "active": "engaged", "hot": "engaged", "hot prospect": "engaged",
    "qualified": "engaged", "active client": "engaged",
    "appointment": "appointment", "appointment set": "appointment", "appointment scheduled": "appointment",
    "met": "appointment", "met with customer": "appointment",
    "touring": "touring", "showing": "touring", "showing homes": "touring", "showings": "touring",
    "offer": "offer", "submitting offers": "offer", "offer made": "offer",
    "under contract": "under_contract", "under_contract": "under_contract", "pending": "under_contract",
    "in escrow": "under_contract",
    "closed": "closed", "closed won": "closed", "closed - converted": "closed", "past client": "closed",
    "sold": "closed",
    "lost": "lost", "closed lost": "lost", "dead": "lost", "trash": "lost", "archived": "lost",
    "unqualified": "lost", "closed - not converted": "lost", "junk": "lost",
}  # fmt: skip


def stage(text: str) -> Stage | None:
    return _STAGE_WORDS.get(text.strip().lower())


PastResult = Literal["won", "lost", "open"]

_WON_WORDS = TRUE_WORDS | {
    "won", "win", "converted", "closed", "closed won", "closed-won", "closedwon", "closed - converted", "sold",
    "success", "deal", "customer", "past client",
}  # fmt: skip
_LOST_WORDS = FALSE_WORDS | {
    "lost", "loss", "not converted", "unconverted", "closed lost", "closed-lost", "closedlost",
    "closed - not converted", "dead", "failed", "disqualified", "unqualified",
}  # fmt: skip
_OPEN_WORDS = frozenset({"open", "pending", "active", "in progress", "working", "undecided"})


def past_result(text: str) -> PastResult | None:
    """How a pursuit ended; `open` where it has not ended yet."""
    word = text.strip().lower()
    if word in _WON_WORDS:
        return "won"
    if word in _LOST_WORDS:
        return "lost"
    return "open" if word in _OPEN_WORDS else None


# Lists

_LIST_ITEMS = re.compile(r"[;|\n]|,(?!\s*[A-Z]{2}\b)")


def items(text: str) -> list[str]:
    """A list in one field, divided by commas, semicolons, bars or lines. "Austin, TX" stays together."""
    return [item for part in _LIST_ITEMS.split(text) if (item := part.strip())]


_COUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*\+?(?:\s*(?:beds?|bedrooms?|br|baths?|bathrooms?|ba))?")
_MOST_ROOMS = 100


def room_count(text: str) -> float | None:
    """A number of rooms: `3`, `3+`, `2.5 baths`."""
    parts = _COUNT.fullmatch(text.strip().lower()) if len(text) <= _LONGEST_VALUE else None
    return float(parts[1]) if parts and float(parts[1]) <= _MOST_ROOMS else None
