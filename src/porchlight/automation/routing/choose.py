"""Who gets a lead: a seat that may take it, by fair turns (`deficit`), and what was made of every seat.

A request carries nothing about the person but who already looks after them, so nothing about a person can decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from porchlight.automation.routing.deficit import earned, next_turn
from porchlight.automation.routing.working_hours import WeeklyHours, is_working

Outcome = Literal["chosen", "passed_over", "unavailable"]

Rule = Literal["preferred_owner", "fair_turn", "waiting"]

TraceRow = tuple[str, str, float, int]
"""One seat in an assignment's trace: user id, reason code, credit before, open leads before. JSON makes it a list."""

NO_LIMIT = 1 << 62


@dataclass(frozen=True, slots=True)
class Seat:
    """A user who takes leads. `weight` > 0 is their share relative to the others'; `credit` is as in `deficit`.

    `capacity` is the most open leads they hold, None for no limit. `working_hours` None means at any hour.
    `time_zone` is an IANA name. `away_until` in the past is no absence.
    """

    user_id: UUID
    name: str
    team_id: UUID | None
    weight: float
    capacity: int | None
    open_leads: int
    away_until: datetime | None
    is_active: bool
    working_hours: WeeklyHours | None
    time_zone: str
    credit: float

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError(f"The weight of {self.name} is {self.weight}: make it more than 0, or the seat inactive.")


class RoutingRequest(NamedTuple):
    """A lead that needs an agent at the aware time `at`.

    `live` says that somebody waits for an answer: then hours count; a book of old leads is dealt out at any hour.
    With `preferred_team_id` only that team is asked. `preferred_owner_id` is who already looks after the person.
    """

    lead_id: UUID
    live: bool
    at: datetime
    preferred_team_id: UUID | None = None
    preferred_owner_id: UUID | None = None


class Assignment(NamedTuple):
    """One lead's agent, None where it has to wait, with the rule that decided and a row for every seat."""

    lead_id: UUID
    user_id: UUID | None
    rule: Rule
    trace: list[TraceRow]


@dataclass(frozen=True, slots=True)
class Routing:
    """Assignments in the order of the requests, and every seat's credit and open leads after them."""

    assignments: list[Assignment]
    credits: Mapping[UUID, float]
    open_leads: Mapping[UUID, int]


@dataclass(frozen=True, slots=True)
class Considered:
    """What was made of one seat, and why."""

    user_id: UUID
    outcome: Outcome
    reason_code: str
    sentence: str
    credit_before: float
    open_leads: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The agent for one lead, None where nobody is free, and every seat's credit afterwards."""

    chosen: UUID | None
    considered: tuple[Considered, ...]
    rule: Rule
    credits: Mapping[UUID, float]


REASONS: Mapping[str, tuple[Outcome, str]] = {
    # code: (outcome, sentence)
    "next_in_turn": ("chosen", "Next in turn, {standing}."),
    "looks_after": ("chosen", "Already looks after this person."),
    "later_turn": ("passed_over", "Available, but another's turn comes first; {standing}."),
    "looked_after": ("passed_over", "Someone else already looks after this person."),
    "inactive": ("unavailable", "No longer takes leads."),
    "other_team": ("unavailable", "In another team than the one this lead is for."),
    "away": ("unavailable", "Away."),
    "off_hours": ("unavailable", "Outside working hours."),
    "at_capacity": ("unavailable", "At capacity, with {open_leads} open leads."),
}


def choose(seats: Sequence[Seat], request: RoutingRequest) -> Choice:
    """The agent for one lead, with a sentence for every seat."""
    routing = choose_many(seats, (request,))
    assignment = routing.assignments[0]
    return Choice(assignment.user_id, explain(assignment.trace), assignment.rule, routing.credits)


def choose_many(seats: Sequence[Seat], requests: Iterable[RoutingRequest]) -> Routing:
    """Agents for many leads in turn: each assignment counts as an open lead and in the credits of the next.

    Whoever already looks after a person gets them, busy or away, as long as they are active; such a lead is no part of
    the rotation, so nobody earns or pays for it.
    """
    seats = sorted(seats, key=lambda seat: seat.user_id)
    index_of = {seat.user_id: index for index, seat in enumerate(seats)}
    names = [str(seat.user_id) for seat in seats]
    weights = [seat.weight for seat in seats]
    capacities = [NO_LIMIT if seat.capacity is None else seat.capacity for seat in seats]
    credits = [seat.credit for seat in seats]
    open_leads = [seat.open_leads for seat in seats]
    moment: tuple[datetime, bool, UUID | None] | None = None
    barriers: list[str | None] = []
    reasons_before: list[str | None] = []
    assignments = []
    for request in requests:
        if moment != (request.at, request.live, request.preferred_team_id):
            moment = (request.at, request.live, request.preferred_team_id)
            barriers = [_barrier(seat, request) for seat in seats]
            reasons_before = [_reason(*one) for one in zip(barriers, open_leads, capacities, strict=True)]
        reasons = reasons_before.copy()
        available = [index for index, reason in enumerate(reasons) if reason is None]
        credits_after = credits
        owner = index_of.get(request.preferred_owner_id) if request.preferred_owner_id is not None else None
        chosen: int | None = None
        rule: Rule = "waiting"
        verdict, verdict_on_others = "next_in_turn", "later_turn"
        if owner is not None and seats[owner].is_active:
            chosen, rule = owner, "preferred_owner"
            verdict, verdict_on_others = "looks_after", "looked_after"
        elif available:
            rule = "fair_turn"
            chosen, credits_after = _turn(available, credits, weights, open_leads)
        if chosen is not None:
            reasons[chosen] = verdict
        trace = [
            (name, reason or verdict_on_others, round(credit, 3), taken)
            for name, reason, credit, taken in zip(names, reasons, credits, open_leads, strict=True)
        ]
        if chosen is not None:
            open_leads[chosen] += 1
            reasons_before[chosen] = _reason(barriers[chosen], open_leads[chosen], capacities[chosen])
        credits = credits_after
        assignments.append(Assignment(request.lead_id, None if chosen is None else seats[chosen].user_id, rule, trace))
    users = [seat.user_id for seat in seats]
    return Routing(assignments, dict(zip(users, credits, strict=True)), dict(zip(users, open_leads, strict=True)))


def explain(trace: Iterable[Sequence[str | float | int]]) -> tuple[Considered, ...]:
    """A kept trace in words: the chosen seat first, then those passed over, then those who could not take the lead."""
    considered = [_considered(*row) for row in trace]  # type: ignore[arg-type]
    order: tuple[Outcome, ...] = ("chosen", "passed_over", "unavailable")
    return tuple(sorted(considered, key=lambda one: order.index(one.outcome)))


def _turn(
    available: list[int], credits: list[float], weights: list[float], open_leads: list[int]
) -> tuple[int, list[float]]:
    """The seat whose turn it is, and all credits after it has paid."""
    shares = [weights[index] for index in available]
    after = earned([credits[index] for index in available], shares)
    turn = next_turn(after, shares, [open_leads[index] for index in available])
    after[turn] -= 1
    updated = credits.copy()
    for index, credit in zip(available, after, strict=True):
        updated[index] = credit
    return available[turn], updated


def _reason(barrier: str | None, taken: int, capacity: float) -> str | None:
    return "at_capacity" if barrier is None and taken >= capacity else barrier


def _barrier(seat: Seat, request: RoutingRequest) -> str | None:
    """Why a seat cannot take leads like this one at this time, whatever their load; None where they can."""
    if not seat.is_active:
        return "inactive"
    if request.preferred_team_id is not None and seat.team_id != request.preferred_team_id:
        return "other_team"
    if seat.away_until is not None and seat.away_until > request.at:
        return "away"
    if (
        request.live
        and seat.working_hours is not None
        and not is_working(seat.working_hours, ZoneInfo(seat.time_zone), request.at)
    ):
        return "off_hours"
    return None


def _considered(user_id: str, reason_code: str, credit: float, open_leads: int) -> Considered:
    outcome, sentence = REASONS[reason_code]
    return Considered(
        UUID(user_id),
        outcome,
        reason_code,
        sentence.format(standing=_standing(credit), open_leads=open_leads),
        credit,
        open_leads,
    )


def _standing(credit: float) -> str:
    if abs(credit) < 0.05:
        return "level with their fair share"
    return f"{abs(credit):.1f} leads {'behind' if credit > 0 else 'ahead of'} their fair share"
