"""Hours as people read them and as forms carry them: a `from` and a `to` for each row, both "" for none.

A form has one window a day where the record may have several; a row that comes back as it was shown changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import groupby
from zoneinfo import ZoneInfo, available_timezones

from porchlight.automation.routing.working_hours import DAY, WEEKDAYS, WeeklyHours, parse, to_json
from porchlight.delivery.quiet_hours import Rule, parse_rule
from porchlight.kit.errors import PorchlightError

Row = Mapping[str, str]
Week = Mapping[str, Sequence[Sequence[str]]]

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EMAIL_DAYS = (("weekdays", "Weekdays", 0), ("saturday", "Saturday", 5), ("sunday", "Sunday", 6))
"""The rows of a rule for e-mail: its key, its name, and a day of the week that it holds for."""

_MIDNIGHT = "00:00"


# Working hours


def hours_words(hours: WeeklyHours) -> str:
    """`Mon to Fri 9 to 18, Sat 10 to 14`; `Never` where there are none."""
    days = groupby(zip(WEEKDAYS, hours.days, strict=True), key=lambda day: day[1])
    spans = [([name.title() for name, _ in group], windows) for windows, group in days if windows]
    said = [f"{_days(names)} {' and '.join(f'{_clock(a)} to {_clock(b)}' for a, b in ws)}" for names, ws in spans]
    return ", ".join(said) or "Never"


def _days(names: Sequence[str]) -> str:
    if len(names) == len(WEEKDAYS):
        return "Every day"
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _clock(minutes: int) -> str:
    hour, minute = divmod(minutes if minutes <= DAY else minutes - DAY, 60)
    return f"{hour}:{minute:02d}" if minute else str(hour)


def week_rows(hours: Week | None) -> list[Row]:
    """Seven rows, Monday first: from the first start of the day to its last end."""
    shown: list[Row] = []
    for day in WEEKDAYS:
        windows = sorted(map(tuple, (hours or {}).get(day, ())))
        ends = (windows[0][0], windows[-1][1].replace("24:00", _MIDNIGHT)) if windows else ("", "")
        shown.append({"from": ends[0], "to": ends[1]})
    return shown


def typed_rows(form: Mapping[str, str], count: int) -> list[Row]:
    """The rows of a form whose fields are `from_0`, `to_0`, `from_1` …"""
    return [{edge: form.get(f"{edge}_{n}", "").strip() for edge in ("from", "to")} for n in range(count)]


def week_hours(typed: Sequence[Row], kept: Week | None) -> dict[str, list[list[str]]] | None:
    """What the rows of a form make of the hours that were there; all rows empty is None, any hour.

    Raises `request_invalid` with the field `hours`.
    """
    if not any(row[edge] for row in typed for edge in row):
        return None
    hours: dict[str, list[list[str]]] = {}
    for day, name, row, shown in zip(WEEKDAYS, DAY_NAMES, typed, week_rows(kept), strict=True):
        if row == shown:
            hours[day] = [list(window) for window in (kept or {}).get(day, ())]
        else:
            hours[day] = [[*window] for window in (_window(name, row),) if window]
    try:
        return to_json(parse(hours))
    except ValueError as error:
        raise PorchlightError("request_invalid", str(error), field="hours") from error


def _window(name: str, row: Row) -> tuple[str, str] | None:
    start, end = row["from"], row["to"]
    if not (start or end):
        return None
    if not (start and end):
        raise PorchlightError(
            "request_invalid", f"{name} has only one of its two times: fill in both, or neither.", field="hours"
        )
    return start, "24:00" if end == _MIDNIGHT else end


# Absence


def away_date(away_until: datetime | None, zone: str, now: datetime) -> str:
    """The last day of an absence, "" for none."""
    if away_until is None or away_until <= now:
        return ""
    return (away_until - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date().isoformat()


def away_moment(typed: str, kept: datetime | None, zone: str, now: datetime) -> datetime | None:
    """The end of an absence whose last day is `typed`. Raises `request_invalid` with the field `away_until`."""
    if typed == away_date(kept, zone, now):
        return kept
    if not typed:
        return None
    try:
        last = date.fromisoformat(typed)
        end = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise PorchlightError("request_invalid", "Choose a day, like 2026-05-31.", field="away_until") from None
    if end <= now:
        raise PorchlightError("request_invalid", "That day is over; leave it empty to be back.", field="away_until")
    return end


# E-mail hours


def email_rows(rule: Rule) -> list[Row]:
    """The rows of `EMAIL_DAYS`."""
    shown: list[Row] = []
    for _, _, day in EMAIL_DAYS:
        hours = rule.week[day]
        opens, closes = ("", "") if hours is None else (_time(hours.opens), _time(hours.closes))
        shown.append({"from": opens, "to": closes})
    return shown


def _time(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def email_hours(typed: Sequence[Row], *, holidays: bool) -> dict[str, list[str] | bool]:
    """A tenant's own rule for e-mail, as its settings keep it. Raises `request_invalid` with the field `hours`."""
    days = {key: list(_window(name, row) or ()) for (key, name, _), row in zip(EMAIL_DAYS, typed, strict=True)}
    rule: dict[str, list[str] | bool] = {**days, "holidays": holidays}
    if not any(days.values()):
        raise PorchlightError("request_invalid", "On one day at least e-mail must be able to leave.", field="hours")
    try:
        parse_rule(rule)
    except ValueError as error:
        raise PorchlightError("request_invalid", f"Mend the hours: {error}.", field="hours") from error
    return rule


# Zones


@cache
def zones() -> tuple[str, ...]:
    """The time zones to choose from: places, without the old names that mean the same."""
    areas = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return tuple(sorted(name for name in available_timezones() if name.startswith(areas)))


def zone_named(name: str) -> str:
    """`name`, if it is a time zone's, also one that is not in the list. Raises `request_invalid`, field `zone`."""
    if name not in available_timezones():
        raise PorchlightError("request_invalid", "Choose the time zone from the list.", field="zone")
    return name
