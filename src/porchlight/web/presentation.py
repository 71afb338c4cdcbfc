"""What pages say about a value: times, money, probabilities and states in words. Pure; nothing here reads a clock.

Every time is aware UTC and is shown in the zone given, because only the edge knows where the reader is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, floor, log
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from porchlight.web.vocabulary import ACTIONS, face

THIN_SPACE = "\u202f"
MINUS = "\u2212"


_SMALLEST_SHOWN = 0.001
_MINOR_DIGITS: Mapping[str, int] = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "KWD": 3, "BHD": 3, "JOD": 3}
"""Digits of the minor unit where they are not two (ISO 4217)."""
_SYMBOLS: Mapping[str, str] = {"USD": "$", "CAD": "CA$", "AUD": "A$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}


# Numbers


def number(value: float) -> str:
    return f"{value:,.0f}"


def plural(count: int, one: str, many: str | None = None) -> str:
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def signed(value: float, digits: int = 2) -> str:
    """With its sign, a true minus, and never a negative zero."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def percent(probability: float) -> str:
    """As many digits as can be meant: one decimal below 10 %, none above, and no certainty at either end."""
    if probability < _SMALLEST_SHOWN:
        return f"under 0.1{THIN_SPACE}%"
    if probability > 0.99:
        return f"over 99{THIN_SPACE}%"
    digits = 1 if round(probability, 3) < 0.1 else 0
    return f"{100 * probability:.{digits}f}{THIN_SPACE}%"


def forecast_words(probability: float, base: float) -> str:
    return f"{percent(probability)} within 90 days; the average lead here {percent(base)}"


def odds_ratio(probability: float, base: float) -> str:
    """The odds against the average lead's: `2.8 ×`."""
    ratio = probability / (1 - probability) / (base / (1 - base))
    return f"{ratio:.1f}{THIN_SPACE}×" if ratio < 10 else f"{ratio:.0f}{THIN_SPACE}×"


def money(minor: int, currency: str, *, short: bool = False) -> str:
    """An amount in minor units; cents only where there are any. `short` gives `$850k`, `$1.2M`."""
    digits = _MINOR_DIGITS.get(currency, 2)
    amount = abs(minor) / 10**digits
    symbol = _SYMBOLS.get(currency, currency + "\u00a0")
    sign = MINUS if minor < 0 else ""
    if short and amount >= 1000:
        size, unit = (1e6, "M") if amount >= 999_500 else (1e3, "k")
        scaled = amount / size
        return f"{sign}{symbol}{scaled:.{1 if scaled < 10 else 0}f}".removesuffix(".0") + unit
    return f"{sign}{symbol}{amount:,.{0 if amount == int(amount) else digits}f}"


def file_size(count: int) -> str:
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1e3:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def sums_exactly(values: Sequence[float], digits: int) -> list[float]:
    """The values rounded so that they still add up to their rounded sum (largest remainders)."""
    unit = 10.0**-digits
    scaled = [value / unit for value in values]
    floors = [floor(value) for value in scaled]
    missing = round(sum(scaled)) - sum(floors)
    by_remainder = sorted(range(len(values)), key=lambda index: floors[index] - scaled[index])
    for index in by_remainder[:missing]:
        floors[index] += 1
    return [round(value * unit, digits) for value in floors]


def score_of(log_odds: float) -> float:
    """100 · sigmoid: how the eight factors' sum reads as a score."""
    return 100 / (1 + exp(-log_odds))


def log_odds_of(score: float) -> float:
    """The sum of the factors for a score in (0, 100)."""
    return log(score / (100 - score))


def grade_of(score: float) -> str:
    return "A" if score >= 80 else "B" if score >= 60 else "C"


# Times


def ago(at: datetime, now: datetime) -> str:
    """How long since; a date in the past beyond a month, because nobody counts 43 days."""
    seconds = (now - at).total_seconds()
    if seconds < 45:
        return "just now" if seconds > -45 else until(at, now)
    if seconds < 90 * 60:
        return f"{max(1, round(seconds / 60))} min ago"
    if seconds < 22 * 3600:
        return f"{round(seconds / 3600)} h ago"
    days = max(1, round(seconds / 86400))
    if days == 1:
        return "yesterday"
    if days <= 30:
        return f"{days} days ago"
    return short_date(at) if at.year == now.year else f"{short_date(at)} {at.year}"


def until(at: datetime, now: datetime) -> str:
    minutes = max(1, round((at - now).total_seconds() / 60))
    if minutes < 90:
        return f"in {minutes} min"
    hours = round(minutes / 60)
    return f"in {hours} h" if hours < 36 else f"in {round(hours / 24)} days"


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{minutes} min"


def short_date(at: datetime) -> str:
    return f"{at.day} {at:%b}"


def clock_time(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def day_name(at: datetime, now: datetime, zone: str) -> str:
    """`Today`, `Yesterday`, `Tomorrow`, else the date; the year only where it is another one."""
    there, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    days = (there.date() - today.date()).days
    if days in (-1, 0, 1):
        return ("Today", "Tomorrow", "Yesterday")[days]
    if 1 < days < 7:
        return f"{there:%A}"
    dated = f"{there:%a} {short_date(there)}"
    return dated if there.year == today.year else f"{dated} {there.year}"


def full_time(at: datetime, zone: str) -> str:
    there = at.astimezone(ZoneInfo(zone))
    return f"{there:%a} {short_date(there)} {there.year}, {there:%H:%M %Z}"


def waiting_words(until_at: datetime, now: datetime, theirs: str | None, ours: str) -> str:
    """When a message that waits for the right hour leaves: `until 08:00 their time (11:00 yours)`."""
    zone = theirs or ours
    day = day_name(until_at, now, zone)
    when = (
        clock_time(until_at, zone)
        if day == "Today"
        else f"{day.lower() if day == 'Tomorrow' else day} {clock_time(until_at, zone)}"
    )
    if theirs is None or clock_time(until_at, theirs) == clock_time(until_at, ours):
        return f"until {when}"
    return f"until {when} their time ({clock_time(until_at, ours)} yours)"


# People and addresses


def initials(name: str | None) -> str:
    words = (name or "").replace("@", " ").split()
    letters = [word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)]
    return "".join(letters).upper() or "?"


def person(name: str | None, contact: str | None = None) -> str:
    """A lead may have no name, and even no contact point."""
    return name or contact or "Unnamed lead"


def way_to(contact_points: Sequence[Mapping[str, Any]], action: str) -> Mapping[str, Any] | None:
    """The contact point that an action is done by: the phone for a call, e-mail for writing, else what there is."""
    if action == "nothing":
        return None
    preferred = "email" if face(ACTIONS, action).label == "Write" else "phone"
    return next(iter(sorted(contact_points, key=lambda point: point["kind"] != preferred)), None)


def query(current: Mapping[str, Any], **changes: Any) -> str:
    """A query string of what is set, with changes; a changed filter always starts at the first page."""
    merged = {**current, "cursor": None, **changes}
    return urlencode({key: value for key, value in merged.items() if value not in (None, "")})


# Activities


@dataclass(frozen=True, slots=True)
class Day:
    label: str
    items: list[Any]


def by_day(activities: Iterable[Any], now: datetime, zone: str) -> list[Day]:
    """Activities under their days, in the order given."""
    days: list[Day] = []
    for activity in activities:
        label = day_name(activity["occurred_at"], now, zone)
        if not days or days[-1].label != label:
            days.append(Day(label, []))
        days[-1].items.append(activity)
    return days


def _amount(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)


_PAYLOAD_WORDS: tuple[tuple[str, str], ...] = (
    # payload key, how it reads; in the order in which they are told
    ("intent", "wants to {}"),
    ("from", "from {}"),
    ("to", "to {}"),
    ("address", "{}"),
    ("listing_key", "listing {}"),
    ("area", "in {}"),
    ("city", "{}"),
    ("areas", "in {}"),
    ("property_type", "{}"),
    ("bedrooms_total", "{} bedrooms"),
    ("bedrooms_min", "{}+ bedrooms"),
    ("bathrooms_min", "{}+ bathrooms"),
    ("list_price", "at {}"),
    ("price_min", "from {}"),
    ("price_max", "up to {}"),
    ("amount", "{}"),
    ("price", "{}"),
    ("timeframe_days", "within {} days"),
    ("financing", "financing: {}"),
    ("channel", "by {}"),
    ("purpose", "for {}"),
    ("outcome", "{}"),
    ("reason", "{}"),
    ("source", "{}"),
    ("campaign", "campaign {}"),
)
_MONEY_KEYS = frozenset({"list_price", "price_min", "price_max", "amount", "price"})
_CODE_KEYS = frozenset({"financing", "purpose", "outcome", "from", "to", "property_type"})


def payload_words(payload: Mapping[str, Any]) -> str:
    """The known parts of a payload as one line; what nobody named stays out of the timeline."""
    parts = []
    for key, words in _PAYLOAD_WORDS:
        value = payload.get(key)
        if value in (None, "", []):
            continue
        if key in _MONEY_KEYS:
            shown = _amount(value)
        elif isinstance(value, list):
            shown = ", ".join(str(item) for item in value)
        elif key in _CODE_KEYS:
            shown = str(value).replace("_", " ")
        else:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
        parts.append(words.format(shown))
    seconds = payload.get("seconds")
    if isinstance(seconds, int | float):
        parts.append(f"for {duration(seconds)}")
    return ", ".join(parts)


def recorded_late(activity: Mapping[str, Any], threshold: timedelta = timedelta(minutes=10)) -> bool:
    """Whether a fact became known so much later than it happened that the reader must be told."""
    late: bool = activity["recorded_at"] - activity["occurred_at"] > threshold
    return late
