"""Writing facts: the part of the hot path that recording, capturing and assigning share.

The caller has locked the leads' states (`lock_known`) or is just making the leads. Everything below is one batch of
statements; none waits for the answer of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import orjson

from porchlight.intelligence.conversion import TERMINAL_STAGES
from porchlight.kit.bulk import hex_bytes, insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7
from porchlight.leads.assess import Assessment, Known, NewFact, assess
from porchlight.leads.events import FactRecorded, FactsRecorded, LeadFreed
from porchlight.leads.tables import Activity, LeadState, Score

_LOCK: LiteralString = """
SELECT s.lead_id, l.owner_id, l.stage, s.state, s.score, s.activity_count, s.last_activity_at
FROM lead_states s JOIN leads l ON l.tenant_id = s.tenant_id AND l.id = s.lead_id
WHERE s.tenant_id = %s AND s.lead_id = ANY(%s)
ORDER BY s.lead_id FOR UPDATE OF s
"""

_UPDATE_STATES: LiteralString = """
UPDATE lead_states s SET (state, score, grade, probability, factors, next_action, model_version, activity_count,
                          last_activity_at, forecast_at)
    = (r.state, r.score, r.grade, r.probability, r.factors, r.next_action, r.model_version, r.activity_count,
       r.last_activity_at, r.forecast_at)
FROM json_to_recordset(%s::json) AS r (lead_id uuid, state bytea, score float8, grade text, probability float8,
    factors float8[], next_action jsonb, model_version text, activity_count int, last_activity_at timestamptz,
    forecast_at timestamptz)
WHERE s.tenant_id = %s AND s.lead_id = r.lead_id
"""

_UPDATE_STAGES: LiteralString = """
UPDATE leads l SET stage = r.stage FROM json_to_recordset(%s::json) AS r (id uuid, stage text)
WHERE l.tenant_id = %s AND l.id = r.id
"""


async def lock_known(uow: UnitOfWork, lead_ids: Collection[UUID]) -> dict[UUID, Known]:
    """What is known of the leads, each locked until the commit, in an order that cannot deadlock."""
    if not lead_ids:
        return {}
    cursor = await uow.connection.execute(_LOCK, (uow.tenant_id, list(lead_ids)))
    return {row[0]: Known(*row) for row in await cursor.fetchall()}


async def append_facts(
    uow: UnitOfWork, facts: Sequence[NewFact], known: Mapping[UUID, Known], *, show: bool = True
) -> dict[UUID, Assessment]:
    """Record `facts`, whose leads are all in `known`, and what they make of each lead.

    With `show`, every lead that moved gets one live frame. Returns the assessments by lead.
    """
    now = uow.now()
    by_lead: dict[UUID, list[NewFact]] = defaultdict(list)
    for fact in facts:
        by_lead[fact.lead_id].append(fact)
    assessed = {lead_id: assess(known[lead_id], given, now) for lead_id, given in by_lead.items()}
    async with uow.connection.pipeline():
        await insert_rows(uow.connection, Activity, [_activity(uow, fact, now) for fact in facts])
        await _write_states(uow, assessed.values(), by_lead, now)
        await insert_rows(uow.connection, Score, _score_rows(uow, assessed.values()))
        await _write_stages(uow, assessed.values())
    uow.announce(
        FactsRecorded(
            tuple(FactRecorded(f.id, f.lead_id, known[f.lead_id].owner_id, f.kind, f.occurred_at) for f in facts)
        )
    )
    if show:
        for assessment in assessed.values():
            uow.publish(_frame(assessment, now))
    return assessed


async def _write_states(
    uow: UnitOfWork, assessed: Collection[Assessment], facts: Mapping[UUID, Sequence[NewFact]], now: datetime
) -> None:
    rows: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for a in assessed:
        rows[a.known.state is None].append(
            {
                "tenant_id": uow.tenant_id,
                "lead_id": a.known.lead_id,
                "state": hex_bytes(a.state),
                "score": a.forecast.score,
                "grade": a.forecast.grade,
                "probability": a.forecast.probability,
                "factors": list(a.forecast.factors),
                "next_action": a.next_action._asdict(),
                "model_version": a.forecast.model_version,
                "activity_count": a.known.activity_count + len(facts[a.known.lead_id]),
                "last_activity_at": a.last_activity_at,
                "forecast_at": now,
            }
        )
    await insert_rows(uow.connection, LeadState, rows[True])
    if rows[False]:
        await uow.connection.execute(_UPDATE_STATES, (orjson.dumps(rows[False]).decode(), uow.tenant_id))


async def _write_stages(uow: UnitOfWork, assessed: Collection[Assessment]) -> None:
    changed = [a for a in assessed if a.stage != a.known.stage]
    if not changed:
        return
    rows = [{"id": a.known.lead_id, "stage": a.stage} for a in changed]
    await uow.connection.execute(_UPDATE_STAGES, (orjson.dumps(rows).decode(), uow.tenant_id))
    for a in changed:
        if a.stage in TERMINAL_STAGES and a.known.owner_id is not None:
            uow.announce(LeadFreed(a.known.lead_id, a.known.owner_id))


def _activity(uow: UnitOfWork, fact: NewFact, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": uow.tenant_id,
        "id": fact.id,
        "lead_id": fact.lead_id,
        "kind": fact.kind,
        "occurred_at": fact.occurred_at,
        "recorded_at": now,
        "source": fact.source,
        "actor_kind": uow.actor.kind,
        "actor_id": uow.actor.id,
        "payload": fact.payload,
    }


def _score_rows(uow: UnitOfWork, assessed: Collection[Assessment]) -> list[dict[str, Any]]:
    rows = []
    for a in assessed:
        before = a.known.score if a.known.state is not None else None
        for point in a.points:
            if point.forecast.score != before:
                before = point.forecast.score
                rows.append(
                    {
                        "tenant_id": uow.tenant_id,
                        "lead_id": a.known.lead_id,
                        "id": uuid7(),
                        "at": point.at,
                        "score": point.forecast.score,
                        "grade": point.forecast.grade,
                        "probability": point.forecast.probability,
                        "model_version": point.forecast.model_version,
                        "activity_id": point.fact.id,
                        "cause": point.fact.kind,
                    }
                )
    return rows


def _frame(a: Assessment, now: datetime) -> Frame:
    last = a.points[-1].fact
    return Frame(
        kind="score.changed" if a.moved else "activity.recorded",
        at=now,
        lead_id=a.known.lead_id,
        audience=owners(a.known.owner_id),
        body={
            "score": a.forecast.score,
            "grade": a.forecast.grade,
            "probability": a.forecast.probability,
            "previous_score": a.known.score,
            "stage": a.stage,
            "activity": {"id": last.id, "kind": last.kind, "occurred_at": last.occurred_at},
            "next_action": {"kind": a.next_action.kind, "title": a.next_action.title},
        },
    )


def owners(*ids: UUID | None) -> tuple[UUID, ...]:
    """The audience of a frame about a lead: who owns it, or owned it. Whoever sees the whole tenant sees it too."""
    return tuple(dict.fromkeys(owner for owner in ids if owner is not None))
