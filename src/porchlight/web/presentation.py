"""What pages say about a value: times, money, probabilities and states in words. Pure; nothing here reads a clock.

Every time is aware UTC and is shown in the zone given, because only the edge knows where the reader is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, floor, log
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

Tone = Literal["neutral", "warm", "cool", "good", "bad"]

THIN_SPACE = "\u202f"
MINUS = "\u2212"


class Face(NamedTuple):
    """How a code of the domain appears: its words, an icon of `static/icons.svg`, and a tone."""

    label: str
    icon: str = "dot"
    tone: Tone = "neutral"


STAGES: Mapping[str, Face] = {
    "new": Face("New", tone="cool"),
    "contacted": Face("Contacted"),
    "engaged": Face("Engaged", tone="warm"),
    "appointment": Face("Appointment", tone="warm"),
    "touring": Face("Touring", tone="warm"),
    "offer": Face("Offer", tone="warm"),
    "under_contract": Face("Under contract", tone="good"),
    "closed": Face("Closed", tone="good"),
    "lost": Face("Lost", tone="bad"),
}

GRADES: Mapping[str, str] = {
    "A": "four times the average lead’s odds or better",
    "B": "one and a half times the average lead’s odds or better",
    "C": "below one and a half times the average lead’s odds",
}

FACTORS: Mapping[str, tuple[str, str]] = {
    # name: (label, the question it answers)
    "budget_alignment": ("Budget", "Can they pay for what they want?"),
    "urgency": ("Urgency", "How soon do they want to move?"),
    "property_match": ("Property match", "Does the market have what they look for?"),
    "responsiveness": ("Responsiveness", "Do they answer us, and fast?"),
    "market_timing": ("Market timing", "Is the season on their side?"),
    "agent_fit": ("Agent fit", "Is the right agent on it?"),
    "competition": ("Competition", "Are they talking to somebody else?"),
    "momentum": ("Momentum", "Are they doing more or less than before?"),
}

ACTIVITIES: Mapping[str, Face] = {
    "lead.captured": Face("Came in", "inbox", "warm"),
    "lead.inquired": Face("Came in again", "inbox", "warm"),
    "lead.assigned": Face("Assigned", "user-check"),
    "lead.lost": Face("Lost", "x", "bad"),
    "lead.reopened": Face("Reopened", "refresh"),
    "stage.changed": Face("Stage changed", "flag"),
    "criteria.stated": Face("Said what they want", "target", "warm"),
    "search.performed": Face("Searched for homes", "search"),
    "listing.viewed": Face("Viewed a listing", "eye"),
    "listing.saved": Face("Saved a listing", "home", "warm"),
    "listing.shared": Face("Shared a listing", "send", "warm"),
    "listing.dismissed": Face("Dismissed a listing", "x"),
    "listing.inquired": Face("Asked about a listing", "home", "warm"),
    "message.sent": Face("We wrote", "send"),
    "message.delivered": Face("Our message arrived", "check"),
    "message.opened": Face("Opened our message", "mail-open"),
    "message.clicked": Face("Followed a link", "pointer", "warm"),
    "message.bounced": Face("Our message bounced", "alert", "bad"),
    "message.received": Face("Wrote to us", "message", "warm"),
    "call.attempted": Face("We called, no answer", "phone"),
    "call.held": Face("Spoke on the phone", "phone", "warm"),
    "appointment.booked": Face("Meeting booked", "calendar", "warm"),
    "appointment.held": Face("Meeting held", "calendar", "warm"),
    "appointment.missed": Face("Missed the meeting", "calendar", "bad"),
    "appointment.cancelled": Face("Meeting cancelled", "calendar", "bad"),
    "tour.booked": Face("Tour booked", "home", "warm"),
    "tour.held": Face("Toured a home", "home", "warm"),
    "tour.cancelled": Face("Tour cancelled", "home", "bad"),
    "financing.preapproved": Face("Pre-approved by a lender", "dollar", "warm"),
    "valuation.requested": Face("Asked for a home value", "dollar", "warm"),
    "competitor.mentioned": Face("Mentioned another agent", "alert", "cool"),
    "offer.made": Face("Offer made", "dollar", "warm"),
    "offer.accepted": Face("Offer accepted", "check-circle", "good"),
    "contract.signed": Face("Contract signed", "check-circle", "good"),
    "deal.closed": Face("Deal closed", "check-circle", "good"),
    "note.added": Face("Note", "note"),
    "consent.given": Face("Agreed to be contacted", "check", "good"),
    "consent.withdrawn": Face("Asked not to be contacted", "ban", "bad"),
    "profile.updated": Face("Details changed", "user"),
}

MESSAGE_STATES: Mapping[str, Face] = {
    "queued": Face("Queued", "clock"),
    "deferred": Face("Waiting", "clock", "cool"),
    "sending": Face("Leaving", "send"),
    "sent": Face("Sent", "check", "good"),
    "refused": Face("Not sent", "ban", "bad"),
    "failed": Face("Failed", "alert", "bad"),
    "uncertain": Face("Perhaps sent", "alert", "cool"),
}

ACTIONS: Mapping[str, Face] = {
    # the label says in one word how it is done; the action itself brings its sentence
    "nothing": Face("Wait", "check"),
    "first_contact": Face("Call", "phone", "warm"),
    "reply": Face("Write", "message", "warm"),
    "follow_up_tour": Face("Call", "phone", "warm"),
    "rebook": Face("Call", "calendar", "warm"),
    "confirm_meeting": Face("Write", "calendar", "warm"),
    "advance_deal": Face("Call", "check-circle", "warm"),
    "call": Face("Call", "phone", "warm"),
    "offer_tour": Face("Call", "home", "warm"),
    "ask_criteria": Face("Write", "target", "warm"),
    "send_financing_checklist": Face("Write", "dollar", "warm"),
    "check_in": Face("Call", "phone", "warm"),
}

ASSIGNMENT_RULES: Mapping[str, str] = {
    "fair_turn": "Their fair turn",
    "preferred_owner": "Already looks after this person",
    "waiting": "Nobody was free: waits in the queue",
    "taken_over": "Took it over",
    "by_hand": "Given by hand",
}

CONSENTS: Mapping[str, Face] = {
    "written": Face("Agreed in writing", "check", "good"),
    "express": Face("Agreed", "check", "good"),
    "inquiry": Face("May answer their inquiry", "check"),
    "none": Face("No consent yet", "alert", "cool"),
    "withdrawn": Face("Opted out", "ban", "bad"),
}

IMPORT_STATES: Mapping[str, Face] = {
    "preview": Face("Not started"),
    "queued": Face("Queued", tone="cool"),
    "running": Face("Running", tone="warm"),
    "done": Face("Done", tone="good"),
    "failed": Face("Stopped", tone="bad"),
}

ROLES: Mapping[str, tuple[str, str]] = {
    "admin": ("Admin", "Everything, also users and keys"),
    "manager": ("Manager", "All leads, reassigning, routing"),
    "agent": ("Agent", "Their own leads"),
    "analyst": ("Analyst", "Reads everything, changes nothing"),
    "read_only": ("Read only", "Reads what they are shown"),
}

_SMALLEST_SHOWN = 0.001
_MINOR_DIGITS: Mapping[str, int] = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "KWD": 3, "BHD": 3, "JOD": 3}
"""Digits of the minor unit where they are not two (ISO 4217)."""
_SYMBOLS: Mapping[str, str] = {"USD": "$", "CAD": "CA$", "AUD": "A$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}


def face(table: Mapping[str, Face], code: str) -> Face:
    """The face of a code; one that the table lacks is shown by its own name, so that new kinds need no new page."""
    return table.get(code) or Face(humanise(code))


def humanise(code: str) -> str:
    """`listing.viewed` → `Listing viewed`."""
    words = code.replace(".", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


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


def options(any_words: str, choices: Mapping[str, Any] | Iterable[Any]) -> list[tuple[str, str]]:
    """Choices of a select, the empty one first: from a vocabulary, from `{"id", "name"}` records, or from codes."""
    if isinstance(choices, Mapping):
        pairs = [(key, found.label if isinstance(found, Face) else str(found)) for key, found in choices.items()]
    else:
        pairs = [(c, humanise(c)) if isinstance(c, str) else (str(c["id"]), str(c["name"])) for c in choices]
    return [("", any_words), *pairs]


def role_options() -> list[tuple[str, str]]:
    return [(role, f"{words}: {meaning[:1].lower()}{meaning[1:]}") for role, (words, meaning) in ROLES.items()]


def zone_options(zones: Iterable[str]) -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in zones]


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
