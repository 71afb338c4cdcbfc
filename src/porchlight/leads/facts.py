"""Writing facts: the part of the hot path that recording, capturing and assigning share.

The caller has locked the leads' states (`lock_known`) or is just making the leads. Everything below is one
statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg

from porchlight.intelligence.conversion import TERMINAL_STAGES
from porchlight.kit.arrays import Recordset
from porchlight.kit.database import UnitOfWork
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7
from porchlight.leads.assess import Assessment, Known, NewFact, assess
from porchlight.leads.events import FactRecorded, FactsRecorded, LeadFreed
from porchlight.leads.serving import about, model_named

_LOCK: LiteralString = """
SELECT s.lead_id, l.owner_id, l.stage, s.state, s.score, s.activity_count, s.last_activity_at, l.custom,
       (SELECT v.version FROM model_versions v WHERE v.tenant_id = s.tenant_id AND v.status = 'in_service')
FROM lead_states s JOIN leads l ON l.tenant_id = s.tenant_id AND l.id = s.lead_id
WHERE s.tenant_id = %s AND s.lead_id = ANY(%s)
ORDER BY s.lead_id FOR UPDATE OF s
"""

ASSESSED: Final = {
    "lead_id": "uuid",
    "state": "bytea",
    "stage": "text",
    "score": "float8",
    "grade": "text",
    "probability": "float8",
    "factors": "float8[]",
    "next_action": "jsonb",
    "model_version": "text",
    "activity_count": "int4",
    "last_activity_at": "timestamptz",
}
"""What a row of `lead_states` says of a lead, with the stage."""

_FACTS = Recordset(
    "fact",
    {
        "id": "uuid",
        "lead_id": "uuid",
        "kind": "text",
        "occurred_at": "timestamptz",
        "source": "text",
        "payload": "jsonb",
    },
)
_ASSESSED = Recordset("assessment", ASSESSED | {"is_new": "bool", "stage_moved": "bool"})
_SCORES = Recordset(
    "point",
    {
        "lead_id": "uuid",
        "id": "uuid",
        "at": "timestamptz",
        "score": "float8",
        "grade": "text",
        "probability": "float8",
        "model_version": "text",
        "activity_id": "uuid",
        "cause": "text",
    },
)

#: The whole of what facts change, in one statement: on the hot path the trips to the server are what costs.
_WRITE = f"""
WITH facts AS (
    INSERT INTO activities (tenant_id, id, lead_id, kind, occurred_at, recorded_at, source, actor_kind, actor_id,
                            payload)
    SELECT %(tenant)s, id, lead_id, kind, occurred_at, %(now)s, source, %(actor_kind)s, %(actor_id)s, payload
    FROM {_FACTS.source}
), assessed AS (
    SELECT * FROM {_ASSESSED.source}
), first_states AS (
    INSERT INTO lead_states (tenant_id, lead_id, state, score, grade, probability, factors, next_action, model_version,
                             activity_count, last_activity_at, forecast_at)
    SELECT %(tenant)s, lead_id, state, score, grade, probability, factors, next_action, model_version, activity_count,
           last_activity_at, %(now)s
    FROM assessed WHERE is_new
), next_states AS (
    UPDATE lead_states s
    SET (state, score, grade, probability, factors, next_action, model_version, activity_count, last_activity_at,
         forecast_at)
      = (r.state, r.score, r.grade, r.probability, r.factors, r.next_action, r.model_version, r.activity_count,
         r.last_activity_at, %(now)s)
    FROM assessed r WHERE s.tenant_id = %(tenant)s AND s.lead_id = r.lead_id AND NOT r.is_new
), stages AS (
    UPDATE leads l SET stage = r.stage
    FROM assessed r WHERE l.tenant_id = %(tenant)s AND l.id = r.lead_id AND r.stage_moved
)
INSERT INTO scores (tenant_id, lead_id, id, at, score, grade, probability, model_version, activity_id, cause)
SELECT %(tenant)s, lead_id, id, at, score, grade, probability, model_version, activity_id, cause
FROM {_SCORES.source}
""".encode()


async def lock_known(uow: UnitOfWork, lead_ids: Collection[UUID]) -> dict[UUID, Known]:
    """What is known of the leads, each locked until the commit, in an order that cannot deadlock."""
    return await receive_known(uow, await request_known(uow, lead_ids))


async def request_known(uow: UnitOfWork, lead_ids: Collection[UUID]) -> psycopg.AsyncCursor[Any] | None:
    """The first half of `lock_known`, for callers that send it together with other statements."""
    await uow.write_now()
    return await uow.connection.execute(_LOCK, (uow.tenant_id, list(lead_ids))) if lead_ids else None


async def receive_known(uow: UnitOfWork, cursor: psycopg.AsyncCursor[Any] | None) -> dict[UUID, Known]:
    """The second half of `lock_known`."""
    rows = [] if cursor is None else await cursor.fetchall()
    if not rows:
        return {}
    model = await model_named(uow, rows[0][-1])
    return {
        lead_id: Known(lead_id, owner_id, stage, state, score, count, latest, model, about(model, owner_id, custom))
        for lead_id, owner_id, stage, state, score, count, latest, custom, _ in rows
    }


def append_facts(
    uow: UnitOfWork, facts: Sequence[NewFact], known: Mapping[UUID, Known], *, show: bool = True
) -> dict[UUID, Assessment]:
    """Record `facts`, whose leads are all in `known`, and what they make of each lead.

    The rows are written with the commit (`UnitOfWork.write_behind`). With `show`, every lead that moved gets one live
    frame. Returns the assessments by lead.
    """
    now = uow.now()
    by_lead: dict[UUID, list[NewFact]] = defaultdict(list)
    for fact in facts:
        by_lead[fact.lead_id].append(fact)
    assessed = {lead_id: assess(known[lead_id], given, now) for lead_id, given in by_lead.items()}
    uow.write_behind(
        _WRITE,
        {
            "tenant": uow.tenant_id,
            "now": now,
            "actor_kind": uow.actor.kind,
            "actor_id": uow.actor.id,
            **_FACTS.parameters([_fact_row(fact) for fact in facts]),
            **_ASSESSED.parameters([_assessed_row(a, len(by_lead[a.known.lead_id])) for a in assessed.values()]),
            **_SCORES.parameters([_score_row(a) for a in assessed.values() if a.moved or a.known.state is None]),
        },
    )
    for a in assessed.values():
        if a.stage != a.known.stage and a.stage in TERMINAL_STAGES and a.known.owner_id is not None:
            uow.announce(LeadFreed(a.known.lead_id, a.known.owner_id))
    uow.announce(
        FactsRecorded(
            tuple(FactRecorded(f.id, f.lead_id, known[f.lead_id].owner_id, f.kind, f.occurred_at) for f in facts)
        )
    )
    if show:
        for assessment in assessed.values():
            uow.publish(_frame(assessment, now))
    return assessed


def _fact_row(fact: NewFact) -> dict[str, Any]:
    return {
        "id": fact.id,
        "lead_id": fact.lead_id,
        "kind": fact.kind,
        "occurred_at": fact.occurred_at,
        "source": fact.source,
        "payload": fact.payload,
    }


def _assessed_row(a: Assessment, facts: int) -> dict[str, Any]:
    return {
        "lead_id": a.known.lead_id,
        "is_new": a.known.state is None,
        "state": a.state,
        "stage": a.stage,
        "stage_moved": a.stage != a.known.stage,
        "score": a.forecast.score,
        "grade": a.forecast.grade,
        "probability": a.forecast.probability,
        "factors": list(a.forecast.factors),
        "next_action": a.next_action._asdict(),
        "model_version": a.forecast.model_version,
        "activity_count": a.known.activity_count + facts,
        "last_activity_at": a.last_activity_at,
    }


def _score_row(a: Assessment) -> dict[str, Any]:
    return {
        "lead_id": a.known.lead_id,
        "id": uuid7(),
        "at": a.judged_at,
        "score": a.forecast.score,
        "grade": a.forecast.grade,
        "probability": a.forecast.probability,
        "model_version": a.forecast.model_version,
        "activity_id": a.cause.id,
        "cause": a.cause.kind,
    }


def _frame(a: Assessment, now: datetime) -> Frame:
    last = a.last_fact
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
