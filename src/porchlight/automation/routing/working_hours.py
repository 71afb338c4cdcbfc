"""The hours in a week at which someone takes live leads, on the clock of the place where they are."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DAY = 24 * 60
WEEK = 7 * DAY
HORIZON_DAYS = 15
"""Days looked ahead for the next start: two weeks, as a zone may skip a whole day of one week (Samoa in 2011)."""

_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """For each weekday, Monday first, the windows that start on it: (start, end) in minutes after local midnight.

    The start is in the window, the end is not. An end beyond 1,440 reaches into the next day. Windows do not overlap.
    """

    days: tuple[tuple[tuple[int, int], ...], ...]

    def __post_init__(self) -> None:
        if len(self.days) != 7:
            raise ValueError(f"Working hours need 7 days, Monday first; these have {len(self.days)}.")
        for name, windows in zip(WEEKDAYS, self.days, strict=True):
            for start, end in windows:
                if not (0 <= start < DAY and start < end < start + DAY) and (start, end) != (0, DAY):
                    raise ValueError(f"Working hours on {name}: {start} to {end} is not a window within 24 hours.")
        spans = sorted(_spans(self.days))
        for (_, end, weekday), (start, _, next_weekday) in zip(
            spans, [*spans[1:], *((first + WEEK, last, day) for first, last, day in spans[:1])], strict=True
        ):
            if start < end:
                raise ValueError(
                    f"Working hours overlap: a window of {WEEKDAYS[weekday]} runs into one of {WEEKDAYS[next_weekday]}."
                    " Join them or shorten one."
                )


def office_hours(start: str = "09:00", end: str = "18:00", weekdays: Iterable[str] = WEEKDAYS[:5]) -> WeeklyHours:
    """The same window on each of `weekdays`."""
    return parse({weekday: [(start, end)] for weekday in weekdays})


def parse(value: Mapping[str, Sequence[Sequence[str]]]) -> WeeklyHours:
    """Hours from their JSON form, `{"mon": [["09:00", "12:30"], ["13:30", "18:00"]], "sat": [["22:00", "02:00"]]}`.

    Weekdays that are not named have no hours. A window whose end is not after its start ends on the next day; "24:00"
    is the midnight at the end of the day. Raises ValueError with a sentence that says what to correct.
    """
    if not isinstance(value, Mapping):
        raise ValueError('Working hours are an object like {"mon": [["09:00", "18:00"]]}.')
    unknown = [key for key in value if key not in WEEKDAYS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no weekday: use {', '.join(WEEKDAYS)}.")
    return WeeklyHours(
        tuple(tuple(sorted(_window(weekday, pair) for pair in value.get(weekday, ()))) for weekday in WEEKDAYS)
    )


def to_json(hours: WeeklyHours) -> dict[str, list[list[str]]]:
    """The form that `parse` reads; weekdays without hours are left out."""
    return {
        weekday: [[_written(start), _written(end if end <= DAY else end - DAY)] for start, end in windows]
        for weekday, windows in zip(WEEKDAYS, hours.days, strict=True)
        if windows
    }


def is_working(hours: WeeklyHours, zone: ZoneInfo, at: datetime) -> bool:
    """Whether the wall clock in `zone` at the aware time `at` is in one of the windows.

    The wall clock decides: an hour that is shown twice when summer time ends counts both times.
    """
    local = at.astimezone(zone)
    weekday = local.weekday()
    minute = local.hour * 60 + local.minute
    return _covers(hours.days[weekday], minute) or _covers(hours.days[weekday - 1], minute + DAY)


def next_start(hours: WeeklyHours, zone: ZoneInfo, at: datetime) -> datetime | None:
    """The first moment from `at` on, in UTC, that is within the hours; None where there are none.

    That is `at` itself while working, else a window's start, or the jump of the clock that lands inside a window.
    """
    if is_working(hours, zone, at):
        return at.astimezone(UTC)
    today = at.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(HORIZON_DAYS))
    moments = (moment for day in days for moment in _starts_and_jumps(hours, zone, day) if moment >= at)
    return min((moment for moment in moments if is_working(hours, zone, moment)), default=None)


def _starts_and_jumps(hours: WeeklyHours, zone: ZoneInfo, day: date) -> Iterable[datetime]:
    """When on a local day working can begin: at window starts, both where one is shown twice, and at a jump."""
    for start, _ in hours.days[day.weekday()]:
        wall = datetime.combine(day, time(start // 60, start % 60), zone)
        for fold in (0, 1):
            yield wall.replace(fold=fold).astimezone(UTC)
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    before = midnight.astimezone(zone).utcoffset()
    minutes = range(DAY + 2 * 60)

    def jumped(minute: int) -> bool:
        return (midnight + timedelta(minutes=minute)).astimezone(zone).utcoffset() != before

    if jumped(minutes[-1]):
        yield midnight + timedelta(minutes=bisect_left(minutes, True, key=jumped))


def _covers(windows: tuple[tuple[int, int], ...], minute: int) -> bool:
    return any(start <= minute < end for start, end in windows)


def _spans(days: tuple[tuple[tuple[int, int], ...], ...]) -> Iterable[tuple[int, int, int]]:
    for weekday, windows in enumerate(days):
        for start, end in windows:
            yield weekday * DAY + start, weekday * DAY + end, weekday


def _window(weekday: str, pair: Any) -> tuple[int, int]:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise ValueError(f'Working hours on {weekday}: {pair!r} is no window; write ["09:00", "18:00"].')
    start, end = (_minutes(weekday, text) for text in pair)
    if start in (DAY, end):
        raise ValueError(f'Working hours on {weekday}: {pair!r} has no length; a whole day is ["00:00", "24:00"].')
    return start, end if end > start else end + DAY


def _minutes(weekday: str, text: Any) -> int:
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match else DAY + 1
    if minutes > DAY:
        raise ValueError(f'Working hours on {weekday}: {text!r} is no time of day; write "00:00" to "24:00".')
    return minutes


def _written(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
