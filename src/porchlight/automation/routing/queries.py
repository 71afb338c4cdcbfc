"""Reading routing: the seats with what they carry, and how each lead came to its agent."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import select

from porchlight.accounts.tables import ApiKey, User
from porchlight.automation.routing.choose import Seat, explain
from porchlight.automation.routing.place import HAND_RULES, look_at_seats
from porchlight.automation.routing.tables import Assignment
from porchlight.intelligence.conversion import OPEN_STAGES
from porchlight.kit.database import UnitOfWork

MOST_COUNTED = 10_000
"""Open leads of one seat are counted up to here; a page that counts on is a slow page."""

MOST_ASSIGNMENTS = 50


async def seats_overview(uow: UnitOfWork) -> list[Seat]:
    """Everybody who has a seat, by name, with their open leads and what they are owed."""
    return sorted(await look_at_seats(uow, count_to=MOST_COUNTED), key=lambda seat: seat.name)


_OPEN_LEADS: LiteralString = """
SELECT asked.user_id, load.leads FROM unnest(%s::uuid[]) AS asked (user_id)
CROSS JOIN LATERAL (
    SELECT count(*) AS leads FROM (
        SELECT 1 FROM leads l
        WHERE l.tenant_id = %s AND l.owner_id = asked.user_id AND l.stage = ANY(%s) LIMIT %s
    ) AS counted
) AS load
"""


async def open_leads(uow: UnitOfWork, user_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many open leads each of these users has, with or without a seat, counted up to `MOST_COUNTED`."""
    asked = (list(user_ids), uow.tenant_id, list(OPEN_STAGES), MOST_COUNTED)
    cursor = await uow.connection.execute(_OPEN_LEADS, asked)
    return dict(await cursor.fetchall())


async def assignment_history(uow: UnitOfWork, lead_id: UUID) -> list[dict[str, Any]]:
    """How a lead came to whom, the latest first: {"at", "owner" (None in the queue), "rule", "by" (who decided, None
    where Porchlight did), "reason", "considered"}, and of each seat that was considered {"name", "outcome",
    "sentence", "open_leads"}."""
    found = (
        await uow.session.scalars(
            select(Assignment)
            .where(Assignment.tenant_id == uow.tenant_id, Assignment.lead_id == lead_id)
            .order_by(Assignment.id.desc())
            .limit(MOST_ASSIGNMENTS)
        )
    ).all()
    traces = {assignment.id: explain(assignment.considered) for assignment in found}
    users = {assignment.user_id for assignment in found if assignment.user_id is not None}
    users |= {seat.user_id for trace in traces.values() for seat in trace}
    actors = {assignment.actor_id for assignment in found if assignment.actor_id is not None}
    names = await _names(uow, users | actors)
    return [
        {
            "at": assignment.at,
            "owner": None
            if assignment.user_id is None
            else {"id": str(assignment.user_id), "name": names.get(assignment.user_id, "A former user")},
            "rule": assignment.rule,
            "by": names.get(assignment.actor_id) if assignment.actor_id and assignment.rule in HAND_RULES else None,
            "reason": assignment.reason,
            "considered": [
                {
                    "name": names.get(seat.user_id, "A former user"),
                    "outcome": seat.outcome,
                    "sentence": seat.sentence,
                    "open_leads": seat.open_leads,
                }
                for seat in traces[assignment.id]
            ],
        }
        for assignment in found
    ]


async def _names(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of users and API keys."""
    names: dict[UUID, str] = {}
    for table in (User, ApiKey):
        statement = select(table.id, table.name).where(table.tenant_id == uow.tenant_id, table.id.in_(ids))
        names |= {row.id: row.name for row in await uow.session.execute(statement)}
    return names
