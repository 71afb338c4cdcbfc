"""The queue of leads that nobody was free for: it drains by itself, oldest first, when somebody has room."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from porchlight.audit.record import record
from porchlight.automation.routing.choose import RoutingRequest
from porchlight.automation.routing.place import give, hold_seats, look_at_seats, nobody_free, take_turns
from porchlight.automation.waiting import WAITS_FOR
from porchlight.intelligence.conversion import OPEN_STAGES
from porchlight.jobs.app import long_job, periodic
from porchlight.jobs.defer import defer
from porchlight.kit.database import UnitOfWork
from porchlight.kit.runtime import Runtime
from porchlight.leads.events import LeadFreed
from porchlight.leads.facts import lock_known

AT_ONCE = 200
"""Leads in one transaction, so that the seats are never held for long."""

_ANYBODY_WAITING: LiteralString = """
SELECT EXISTS (SELECT 1 FROM leads WHERE tenant_id = %s AND owner_id IS NULL AND stage NOT IN ('closed', 'lost'))
"""

#: A lead that somebody else is writing to is left for the next round rather than waited for.
_WAITING: LiteralString = """
SELECT l.id, l.captured_at, l.captured_at > %(live_since)s AND EXISTS (
           SELECT 1 FROM activities a
           WHERE a.tenant_id = l.tenant_id AND a.lead_id = l.id AND a.occurred_at > %(live_since)s
             AND a.kind = 'lead.captured' AND a.payload->>'door' <> 'import'
       )
FROM leads l JOIN lead_states s ON s.tenant_id = l.tenant_id AND s.lead_id = l.id
WHERE l.tenant_id = %(tenant)s AND l.owner_id IS NULL AND l.stage NOT IN ('closed', 'lost')
  AND (l.captured_at, l.id) > (%(after_time)s, %(after_id)s)
ORDER BY l.captured_at, l.id LIMIT %(limit)s
FOR UPDATE OF s SKIP LOCKED
"""


class Place(NamedTuple):
    """How far down the queue a round has looked."""

    captured_at: datetime
    lead_id: UUID


FRONT = Place(datetime.min.replace(tzinfo=UTC), UUID(int=0))


async def anybody_waiting(uow: UnitOfWork) -> bool:
    row = await (await uow.connection.execute(_ANYBODY_WAITING, (uow.tenant_id,))).fetchone()
    return bool(row and row[0])


async def drain_soon(uow: UnitOfWork) -> None:
    """Have the queue looked at after the commit, if anybody waits in it."""
    if await anybody_waiting(uow):
        await drain_later(uow)


async def drain_later(uow: UnitOfWork) -> None:
    """Have the queue looked at after the commit."""
    await defer(uow, drain, lock="routing.drain", once="routing.drain")


async def on_lead_freed(uow: UnitOfWork, event: LeadFreed) -> None:
    """An agent has room again."""
    await drain_soon(uow)


async def wake(uow: UnitOfWork) -> None:
    """Look at the queue again: working hours begin and absences end without anybody doing anything."""
    await drain_soon(uow)


wake_job = periodic("routing.wake", "* * * * *")(wake)


@long_job("routing.drain")
async def drain(runtime: Runtime, tenant_id: UUID) -> None:
    """Give waiting leads away, some at a time, as long as somebody has room and somebody waits."""
    place: Place | None = FRONT
    while place is not None:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            place = await _drain_some(uow, place)


async def _drain_some(uow: UnitOfWork, after: Place) -> Place | None:
    """One round; returns how far it looked, None where there is no need to look further."""
    if nobody_free(await look_at_seats(uow), uow.now()):
        return None
    waiting = await _next_waiting(uow, after)
    if not waiting:
        return None
    known = await lock_known(uow, [place.lead_id for place, _ in waiting])
    requests = [
        RoutingRequest(place.lead_id, live, uow.now())
        for place, live in waiting
        # What the queue saw may have changed before the lock was had.
        if known[place.lead_id].owner_id is None and known[place.lead_id].stage in OPEN_STAGES
    ]
    turns, credits = take_turns(await hold_seats(uow), requests)
    given = [one for one in turns if one.user_id is not None]
    if given:
        await give(uow, given, known, credits)
        record(uow, "leads.assigned", "lead", given[0].lead_id if len(given) == 1 else None, assigned=len(given))
    return waiting[-1][0] if len(waiting) == AT_ONCE else None


async def _next_waiting(uow: UnitOfWork, after: Place) -> list[tuple[Place, bool]]:
    """The next leads in the queue, locked, and whether somebody waits for an answer."""
    cursor = await uow.connection.execute(
        _WAITING,
        {
            "tenant": uow.tenant_id,
            "live_since": uow.now() - WAITS_FOR,
            "after_time": after.captured_at,
            "after_id": after.lead_id,
            "limit": AT_ONCE,
        },
    )
    return [(Place(captured_at, lead_id), live) for lead_id, captured_at, live in await cursor.fetchall()]
