"""Giving leads to agents: the part that captures, the queue and people's own decisions share.

Whoever gives a lead away has locked the lead's state first and then every seat. So the load that is counted under the
seats' locks is the true one, and no two transactions can fill the same gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, LiteralString, NamedTuple, get_args
from uuid import UUID

import orjson

from porchlight.automation.routing.choose import (
    REASONS,
    RoutingRequest,
    Rule,
    Seat,
    TraceRow,
    choose,
    choose_many,
    explain,
)
from porchlight.automation.routing.tables import Assignment
from porchlight.automation.routing.working_hours import WeeklyHours, parse
from porchlight.intelligence.conversion import OPEN_STAGES
from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7
from porchlight.leads.assess import Known, NewFact
from porchlight.leads.facts import append_facts, owners

HandRule = Literal["by_hand", "taken_over"]
HAND_RULES: tuple[HandRule, ...] = get_args(HandRule)

Credits = Mapping[UUID, float]
"""What each seat is owed, in leads, as in `deficit`."""

COUNTED_AT_MOST = 200
"""How far a load is counted beyond what a capacity asks for: there it only breaks ties."""

_SEATS: LiteralString = """
SELECT s.user_id, u.name, u.team_id, s.weight, s.capacity, s.away_until, s.is_active AND u.is_active,
       s.working_hours::text, s.time_zone, s.credit
FROM routing_seats s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
WHERE s.tenant_id = %s ORDER BY s.user_id
"""
_HOLD_SEATS: LiteralString = _SEATS + "FOR UPDATE OF s"

#: Open leads per seat, counted no further than decides anything.
_LOADS: LiteralString = """
SELECT s.user_id, load.leads
FROM routing_seats s
CROSS JOIN LATERAL (
    SELECT count(*) AS leads FROM (
        SELECT 1 FROM leads l
        WHERE l.tenant_id = s.tenant_id AND l.owner_id = s.user_id AND l.stage = ANY(%s)
        LIMIT greatest(s.capacity, %s)
    ) AS counted
) AS load
WHERE s.tenant_id = %s
"""

_GIVE: LiteralString = """
UPDATE leads l SET owner_id = given.user_id
FROM unnest(%s::uuid[], %s::uuid[]) AS given (lead_id, user_id)
WHERE l.tenant_id = %s AND l.id = given.lead_id
"""

_SETTLE_CREDITS: LiteralString = """
UPDATE routing_seats s SET credit = r.credit FROM unnest(%s::uuid[], %s::float8[]) AS r (user_id, credit)
WHERE s.tenant_id = %s AND s.user_id = r.user_id AND s.credit <> r.credit
"""


class Given(NamedTuple):
    """A lead's way from one agent to another, either of whom may be nobody. `name` is the new agent's.

    `trace` is what was made of each seat; it is empty where a person decided, who may say why in `reason`.
    """

    lead_id: UUID
    previous_id: UUID | None
    user_id: UUID | None
    name: str | None
    rule: Rule | HandRule
    trace: list[TraceRow]
    reason: str | None = None


async def hold_seats(uow: UnitOfWork) -> list[Seat]:
    """The tenant's seats in the order of their ids, locked until the commit, with their loads under that lock."""
    return await _seats(uow, _HOLD_SEATS, COUNTED_AT_MOST)


async def look_at_seats(uow: UnitOfWork, count_to: int = COUNTED_AT_MOST) -> list[Seat]:
    """The tenant's seats as they are, for those who only read. Loads are counted up to the capacity or `count_to`,
    whichever is more."""
    return await _seats(uow, _SEATS, count_to)


async def _seats(uow: UnitOfWork, query: LiteralString, count_to: int) -> list[Seat]:
    # Two statements, so that the second sees what was committed while the first waited for its locks; one round trip.
    async with uow.connection.pipeline():
        seats = await uow.connection.execute(query, (uow.tenant_id,))
        counted = await uow.connection.execute(_LOADS, (list(OPEN_STAGES), count_to, uow.tenant_id))
    loads: dict[UUID, int] = dict(await counted.fetchall())
    return [
        Seat(
            user_id=user_id,
            name=name,
            team_id=team_id,
            weight=weight,
            capacity=capacity,
            open_leads=loads[user_id],
            away_until=away_until,
            is_active=is_active,
            working_hours=None if hours is None else _hours(hours),
            time_zone=time_zone,
            credit=credit,
        )
        for user_id, name, team_id, weight, capacity, away_until, is_active, hours, time_zone, credit in (
            await seats.fetchall()
        )
    ]


@lru_cache(maxsize=1024)
def _hours(text: str) -> WeeklyHours:
    return parse(orjson.loads(text))


def nobody_free(seats: Sequence[Seat], at: datetime) -> bool:
    """Whether no seat could take even a lead that may be dealt out at any hour."""
    return choose(seats, RoutingRequest(UUID(int=0), live=False, at=at)).chosen is None


def take_turns(seats: Sequence[Seat], requests: Sequence[RoutingRequest]) -> tuple[list[Given], Credits]:
    """Who gets each of these leads, which nobody has yet, and what the seats are owed after it."""
    if not seats or not requests:
        return [], {}
    routing = choose_many(seats, requests)
    names = {seat.user_id: seat.name for seat in seats}
    given = [
        Given(lead_id, None, user_id, None if user_id is None else names[user_id], rule, trace)
        for lead_id, user_id, rule, trace in routing.assignments
    ]
    return given, routing.credits


async def give(
    uow: UnitOfWork, given: Sequence[Given], known: Mapping[UUID, Known], credits: Credits | None = None
) -> None:
    """Give leads that are there, in `known` and locked, to somebody else: who has them, the fact of it, and why."""
    moved = [one for one in given if one.user_id != one.previous_id]
    if moved:
        leads, users = [one.lead_id for one in moved], [one.user_id for one in moved]
        # A first assignment moves no score, so its own frame says all there is to say.
        handed_over = any(one.previous_id is not None for one in moved)
        async with uow.connection.pipeline():
            await uow.connection.execute(_GIVE, (leads, users, uow.tenant_id))
            append_facts(uow, [_fact(one, uow.now()) for one in moved], known, show=handed_over)
            await uow.write_now()
    await keep_traces(uow, given, credits, show=True)


async def keep_traces(uow: UnitOfWork, given: Sequence[Given], credits: Credits | None, *, show: bool) -> None:
    """Write why each lead went to whom and what the held seats are owed now; with `show`, say so live."""
    now = uow.now()
    async with uow.connection.pipeline():
        if credits:
            await uow.connection.execute(_SETTLE_CREDITS, (list(credits), list(credits.values()), uow.tenant_id))
        await insert_rows(uow.connection, Assignment, [_row(uow, one, now) for one in given])
    if show:
        for one in given:
            uow.publish(_frame(one, now))


def _row(uow: UnitOfWork, one: Given, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": uow.tenant_id,
        "id": uuid7(),
        "lead_id": one.lead_id,
        "user_id": one.user_id,
        "previous_user_id": one.previous_id,
        "at": now,
        "rule": one.rule,
        "reason": one.reason,
        "considered": one.trace,
        "actor_kind": uow.actor.kind,
        "actor_id": uow.actor.id,
    }


def _fact(one: Given, now: datetime) -> NewFact:
    said = {"to": one.user_id, "from": one.previous_id}
    payload = {name: str(user_id) for name, user_id in said.items() if user_id is not None}
    return NewFact(uuid7(), one.lead_id, "lead.assigned", now, payload, "porchlight")


def _frame(one: Given, now: datetime) -> Frame:
    body = {"owner_id": one.user_id, "owner_name": one.name, "rule": one.rule, "reason": _why(one)}
    kind = "lead.queued" if one.user_id is None else "lead.assigned"
    return Frame(kind, now, one.lead_id, body, owners(one.user_id, one.previous_id))


def _why(one: Given) -> str | None:
    if one.rule == "waiting":
        return "Nobody is free; the lead waits in the queue."
    if one.rule == "preferred_owner":
        return REASONS["looks_after"][1]
    return explain(one.trace)[0].sentence if one.trace else one.reason
