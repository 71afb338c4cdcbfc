"""The hours at which a lead is best reached: when they answered before, shrunk to when the team's leads answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import isfinite
from typing import Final, Literal, NamedTuple

from porchlight.intelligence.conversion.fold import Fact

Days = Literal["weekdays", "weekend"]
DAYS: Final[tuple[Days, Days]] = ("weekdays", "weekend")
_DAYS_OF: Final = {"weekdays": 5.0, "weekend": 2.0}

ANSWERS: Final = frozenset({"message.received", "call.held"})
"""Deeds by which a lead shows that they can be reached."""
EARLIEST, LATEST = 8, 21
"""Hours outside these are never proposed: federal rules allow telephone solicitation from 8 to 21 h local time
(47 CFR 64.1200(c)(1)). Whether a message may go is for the permit to decide all the same."""
WINDOW: Final = 2
"""Hours in a window that is proposed."""
_OWN_STRENGTH: Final = 8.0
"""The team's hours count as much as this many answers of the lead's own."""
_TEAM_STRENGTH: Final = 50.0
_AWAKE: Final = tuple(1.0 if EARLIEST <= hour < LATEST else 0.1 for hour in range(24))
"""Judgement, until there is history: any waking hour is as good as another."""


@dataclass(frozen=True, slots=True)
class Hours:
    """How the answers of a team's leads spread over the hours of weekdays and of weekends (48,), summing to 1."""

    shares: tuple[float, ...]


class Window(NamedTuple):
    """From `start` to `end` o'clock local time; `times` more answers per hour than in the average hour that may be
    used."""

    days: Days
    start: int
    end: int
    times: float


def answers_of(facts: Iterable[Fact]) -> list[float]:
    """When a lead answered (epoch seconds)."""
    return [fact.occurred_at for fact in facts if fact.kind in ANSWERS]


def team_hours(answers: Iterable[float], zone: tzinfo) -> Hours:
    """The spread of all answers that a team got, in its own time zone."""
    return Hours(_shares(_counts(answers, zone), PRIOR_HOURS.shares, _TEAM_STRENGTH))


def best_hours(answers: Iterable[float], team: Hours, zone: tzinfo, limit: int = 3) -> tuple[Window, ...]:
    """The best windows for a lead who answered at these times, `zone` being theirs; best first, none overlap."""
    shares = _shares(_counts(answers, zone), team.shares, _OWN_STRENGTH)
    usable = [
        (days, hour, shares[24 * number + hour] / _DAYS_OF[days])
        for number, days in enumerate(DAYS)
        for hour in range(EARLIEST, LATEST)
    ]
    average = sum(share for _, _, share in usable) / len(usable)
    by_hour = {(days, hour): share for days, hour, share in usable}
    windows = sorted(
        (
            Window(days, hour, hour + WINDOW, sum(by_hour[days, hour + n] for n in range(WINDOW)) / WINDOW / average)
            for days in DAYS
            for hour in range(EARLIEST, LATEST - WINDOW + 1)
        ),
        key=lambda window: -window.times,
    )
    chosen: list[Window] = []
    for window in windows:
        if all(window.days != other.days or abs(window.start - other.start) >= WINDOW for other in chosen):
            chosen.append(window)
    return tuple(chosen[:limit])


def hours_from_json(values: Sequence[float]) -> Hours:
    """The hours with these shares. Raises ValueError where they are out of bounds."""
    shares = tuple(float(share) for share in values)
    if len(shares) != 48 or not all(isfinite(share) and 0.0 <= share <= 1.0 for share in shares):
        raise ValueError("the team's hours are out of bounds")
    return Hours(shares)


def _counts(answers: Iterable[float], zone: tzinfo) -> list[float]:
    """Answers per hour, each spread over its neighbours, because nobody answers by the clock."""
    counts = [0.0] * 48
    for at in answers:
        moment = datetime.fromtimestamp(at, zone)
        start = 24 if moment.weekday() >= 5 else 0
        for away, part in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            counts[start + (moment.hour + away) % 24] += part
    return counts


def _shares(counts: Sequence[float], prior: Sequence[float], strength: float) -> tuple[float, ...]:
    whole = sum(prior)
    mixed = [count + strength * part / whole for count, part in zip(counts, prior, strict=True)]
    total = sum(mixed)
    return tuple(share / total for share in mixed)


PRIOR_HOURS: Final = Hours(
    _shares([0.0] * 48, [_AWAKE[hour] * _DAYS_OF[days] for days in DAYS for hour in range(24)], 1.0)
)
