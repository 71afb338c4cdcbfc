"""Reading a tenant's history for learning: every lead's facts as they were recorded, a few leads at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

from porchlight.intelligence.conversion import TERMINAL_STAGES, Context, Fact
from porchlight.intelligence.conversion.history.landmarks import Pursuit
from porchlight.kit.database import Database
from porchlight.leads.serving import context_at, custom_texts

AT_ONCE: Final = 500
"""Leads in memory at a time; each batch is a transaction of its own, so that none stays open for long."""

_LEADS: LiteralString = """
SELECT id, source, owner_id, custom, stage FROM leads WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s
"""
AS_IT_HAPPENED: Final = timedelta(days=2)
"""A fact that was recorded later than this was brought in from another system, which knew it at its time."""

#: In the order of recording, because that is the order in which the serving fold saw them; history that was brought in
#: later comes at its own time, or else nothing of it could be learned from.
_FACTS: LiteralString = """
SELECT lead_id, kind, occurred_at, payload, source, recorded_at FROM activities
WHERE tenant_id = %(tenant)s AND lead_id = ANY(%(leads)s) AND recorded_at <= %(as_of)s
ORDER BY lead_id, CASE WHEN recorded_at - occurred_at > %(live)s THEN occurred_at ELSE recorded_at END, recorded_at, id
"""


async def read_pursuits(database: Database, tenant_id: UUID, as_of: datetime) -> AsyncIterator[list[Pursuit]]:
    """All leads of the tenant with what was on record at `as_of`, in batches; memory does not grow with the history."""
    after = UUID(int=0)
    while True:
        async with database.unit_of_work(tenant_id) as uow:
            cursor = await uow.connection.execute(_LEADS, (tenant_id, after, AT_ONCE))
            leads = await cursor.fetchall()
            if not leads:
                return
            facts: dict[UUID, list[Fact]] = {lead[0]: [] for lead in leads}
            recorded: dict[UUID, set[datetime]] = {lead[0]: set() for lead in leads}
            cursor = await uow.connection.execute(
                _FACTS, {"tenant": tenant_id, "leads": list(facts), "as_of": as_of, "live": AS_IT_HAPPENED}
            )
            async for lead_id, kind, at, payload, source, recorded_at in cursor:
                facts[lead_id].append(Fact(kind, at.timestamp(), payload, source))
                recorded[lead_id].add(recorded_at)
        yield [
            Pursuit(
                id=str(lead_id),
                facts=facts[lead_id],
                custom=custom_texts(custom),
                source=source,
                owner=None if owner is None else str(owner),
                # The whole of it came in at one moment, its end included: nobody recorded what lay between.
                result_only=stage in TERMINAL_STAGES and len(recorded[lead_id]) == 1,
            )
            for lead_id, source, owner, custom, stage in leads
            if facts[lead_id]
        ]
        after = leads[-1][0]


def context_of(at: float) -> Context:
    """What a forecast at `at` (epoch seconds) needed beside the lead's own facts, as it was served."""
    return context_at(datetime.fromtimestamp(at, UTC))
