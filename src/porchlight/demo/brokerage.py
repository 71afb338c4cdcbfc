"""The demo brokerage's own people: three teams and twelve agents."""

from __future__ import annotations

from dataclasses import dataclass

from porchlight.automation.routing.working_hours import WeeklyHours, office_hours, parse

TENANT_NAME = "Wrenfield Realty"

TEAMS = ("City", "Westside & Suburbs", "First Response")


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent, with what routing needs. `answer_minutes` is the simulation's: how long a lead usually waits for them.

    `weight` is the share of leads relative to the others'; `capacity` the most open leads, None for no limit.
    """

    name: str
    email: str
    phone: str
    team: str
    is_team_lead: bool
    weight: float
    capacity: int | None
    working_hours: WeeklyHours
    answer_minutes: float


_SIX_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
_MOST_DAYS = ("tue", "wed", "thu", "fri", "sat", "sun")
_ALL_DAYS = ("mon", *_MOST_DAYS)

_DAY = office_hours("08:30", "18:30", _SIX_DAYS)
_LONG_DAY = office_hours("07:30", "20:00", _SIX_DAYS)
_LATE_DAY = office_hours("10:00", "20:00", _MOST_DAYS)
_WEEKDAYS = office_hours("09:00", "17:30")
_PART_TIME = parse(
    {
        "mon": [["09:00", "13:00"]],
        "wed": [["09:00", "13:00"], ["15:00", "19:00"]],
        "fri": [["09:00", "13:00"]],
        "sat": [["10:00", "16:00"]],
    }
)

AGENTS: tuple[Agent, ...] = tuple(
    Agent(
        name,
        f"{name.lower().replace(' ', '.')}@wrenfield.example.com",
        f"+1503555{190 + number:04d}" if number < 10 else f"+1971555{180 + number:04d}",
        TEAMS[team],
        is_team_lead,
        weight,
        capacity,
        hours,
        answer_minutes,
    )
    for number, (name, team, is_team_lead, weight, capacity, hours, answer_minutes) in enumerate(
        (
            ("Ingrid Solheim", 0, True, 0.5, 90, _WEEKDAYS, 25.0),
            ("Marcus Okafor", 0, False, 1.0, 160, _LONG_DAY, 8.0),
            ("Priya Raman", 0, False, 1.5, None, _LONG_DAY, 5.0),
            ("Daniel Castellanos", 0, False, 1.0, 160, _DAY, 35.0),
            ("Hannah Weiss", 0, False, 0.5, 60, _PART_TIME, 120.0),
            ("Tomas Villanueva", 1, True, 0.5, 90, _WEEKDAYS, 30.0),
            ("Aaliyah Brooks", 1, False, 1.5, None, _LATE_DAY, 6.0),
            ("Kenji Morimoto", 1, False, 1.0, 160, _DAY, 18.0),
            ("Siobhan Gallagher", 1, False, 1.0, 160, _LATE_DAY, 75.0),
            ("Mei Zhang", 2, True, 1.0, None, office_hours("06:00", "14:30", _ALL_DAYS), 3.0),
            ("Yusuf Demir", 2, False, 1.0, None, office_hours("14:00", "22:30", _ALL_DAYS), 4.0),
            ("Grace Kamaka", 2, False, 1.0, None, office_hours("22:00", "06:30", _ALL_DAYS), 10.0),
        )
    )
)
