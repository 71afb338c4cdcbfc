"""When things happen in the demo's market: more in spring than at the holidays, by day and in the evening."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from porchlight.demo.places import ZONE

MONTHS = (0.80, 0.88, 1.05, 1.15, 1.22, 1.20, 1.10, 1.05, 0.97, 0.90, 0.72, 0.60)
"""Demand by month relative to the year's mean: the shape of US existing-home sales, two months ahead of closings."""

WEEKDAYS = (1.0, 0.98, 0.96, 0.95, 0.90, 1.08, 1.13)
VISITING_HOURS = (8, 4, 2, 1, 1, 2, 5, 9, 13, 15, 16, 17, 20, 18, 17, 17, 18, 20, 24, 29, 33, 32, 25, 15)
"""Weights of the hours at which people look at homes: mostly after work."""

_PEAK = max(MONTHS) * max(WEEKDAYS)
_HOURS = tuple(range(24))


def day_in_season(rng: Random, first: date, last: date) -> date:
    """A day from `first` to `last`, likelier where demand is higher."""
    days = (last - first).days + 1
    while True:
        day = first + timedelta(days=rng.randrange(days))
        if rng.random() * _PEAK < MONTHS[day.month - 1] * WEEKDAYS[day.weekday()]:
            return day


def visiting_time(rng: Random, day: date) -> datetime:
    """A moment of the local day, in UTC, at which somebody may look at homes."""
    return local(day, rng.choices(_HOURS, VISITING_HOURS)[0], rng.randrange(60), rng.randrange(60))


def meeting_time(rng: Random, day: date) -> datetime:
    """A full or half hour of the local day, in UTC, at which people meet."""
    return local(day, rng.randint(9, 18), rng.choice((0, 0, 30)))


def in_business_hours(moment: datetime, rng: Random) -> datetime:
    """The moment itself from 8 to 20 h local time, else some minutes into the next such hours."""
    there = moment.astimezone(ZONE)
    if 8 <= there.hour < 20:
        return moment
    day = there.date() if there.hour < 8 else there.date() + timedelta(days=1)
    return local(day, 8, rng.randrange(50), rng.randrange(60))


def local(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """A local time of day in UTC."""
    return datetime.combine(day, time(hour, minute, second), ZONE).astimezone(UTC)
