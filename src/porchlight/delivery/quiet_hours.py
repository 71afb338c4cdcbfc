"""When a message may reach a person: open hours by channel and state, in every place the person may be in.

The rules are data (`data/quiet_hours.toml`), with their sources. For calls and texts they are law, or a default of ours
that is stricter than the law; consent never lifts them. For e-mail and the console they are house policy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from porchlight.delivery.kinds import ChannelName
from porchlight.delivery.places import Place

HORIZON = timedelta(days=21)
"""How far ahead `next_open` looks: longer than any run of closed days, short enough to notice hours that never meet."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes after local midnight: open from the first, closed from the second on."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Open hours for Monday to Sunday (None: closed all day)."""

    week: tuple[Hours | None, ...]
    source: str
    close_holidays: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `messages` automated ones to one person in any stretch of `within`."""

    messages: int
    within: timedelta
    source: str


@dataclass(frozen=True, slots=True)
class RuleBook:
    checked: date
    sources: Mapping[str, str]
    federal: Rule
    default: Rule
    states: Mapping[str, Rule]
    house: Rule
    caps: tuple[Cap, ...]


@cache
def rule_book() -> RuleBook:
    """The table `data/quiet_hours.toml`."""
    document = tomllib.loads(resources.files(__package__).joinpath("data/quiet_hours.toml").read_text("utf-8"))
    law = document["law"]
    return RuleBook(
        checked=document["checked"],
        sources=document["sources"],
        federal=parse_rule(law["federal"]),
        default=parse_rule(law["default"]),
        states={state: parse_rule(row) for state, row in law["states"].items()},
        house=parse_rule(document["house"]["email"]),
        caps=tuple(Cap(cap["messages"], timedelta(hours=cap["hours"]), cap["source"]) for cap in document["caps"]),
    )


def parse_rule(row: Mapping[str, Any]) -> Rule:
    """A row of the table, or a tenant's own for e-mail. Raises ValueError for hours that cannot be read."""
    weekday, saturday, sunday = (_hours(row[days]) for days in ("weekdays", "saturday", "sunday"))
    return Rule(
        week=(*(weekday,) * 5, saturday, sunday),
        source=row.get("source", ""),
        close_holidays=bool(row.get("holidays", False)),
        note=row.get("note", ""),
    )


def _hours(pair: list[str]) -> Hours | None:
    if not pair:
        return None
    if len(pair) != 2:
        raise ValueError(f'hours must be ["opens", "closes"] or [], not {pair!r}')
    hours = Hours(*(_minutes(clock) for clock in pair))
    if hours.opens >= hours.closes:
        raise ValueError(f"hours must open before they close on the same day: {pair!r}")
    return hours


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    if not (hour.isdigit() and minute.isdigit() and len(clock) == 5):
        raise ValueError(f"a time must look like 08:30, not {clock!r}")
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > 24 * 60:
        raise ValueError(f"a time must lie between 00:00 and 24:00, not at {clock!r}")
    return minutes


def rule_for(channel: ChannelName, state: str | None, house: Rule | None = None) -> Rule:
    """The rule that holds for a channel in a state. `house` replaces house policy, and never the law."""
    book = rule_book()
    if channel in ("email", "console"):
        return house or book.house
    return book.states.get(state or "", book.default)


def window_open(at: datetime, places: Iterable[Place], channel: ChannelName, house: Rule | None = None) -> bool:
    """Whether `at` lies in open hours in every one of `places`."""
    return all(_first_open(at, place, rule_for(channel, place.state, house)) == at for place in places)


def next_open(
    at: datetime, places: Iterable[Place], channel: ChannelName, house: Rule | None = None
) -> datetime | None:
    """The first instant (UTC) from `at` on that lies in open hours in every one of `places`, `at` itself included.

    None when there is none within `HORIZON`: the hours of far-apart places may never meet.
    """
    rules = [(place, rule_for(channel, place.state, house)) for place in places]
    moment = at.astimezone(UTC)
    limit = moment + HORIZON
    while moment <= limit:
        firsts = [_first_open(moment, place, rule) for place, rule in rules]
        latest = moment
        for first in firsts:
            if first is None:
                return None
            latest = max(latest, first)
        if latest == moment:
            return moment
        moment = latest
    return None


def _first_open(at: datetime, place: Place, rule: Rule) -> datetime | None:
    """The first instant from `at` on that is open in one place: `at` itself, or the start of a day's hours."""
    zone = ZoneInfo(place.zone)
    today = at.astimezone(zone).date()
    for ahead in range(HORIZON.days + 1):
        day = today + timedelta(days=ahead)
        hours = rule.week[day.weekday()]
        if hours is None or (rule.close_holidays and day in _holidays(place.state, day.year)):
            continue
        if at < _instant(day, hours.closes, zone):
            return max(at, _instant(day, hours.opens, zone))
    return None


def _instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """The instant at which the wall clock of `zone` shows so many minutes after midnight of `day`."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone).astimezone(UTC)


@cache
def _holidays(state: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", subdiv=state, years=year))
