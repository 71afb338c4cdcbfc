"""Time passes: forecasts are made anew for leads that nothing happened to, and what is out of date is dropped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from porchlight.jobs.app import long_job, periodic
from porchlight.jobs.defer import defer
from porchlight.kit.arrays import Recordset
from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.feed import prune_feed
from porchlight.kit.ids import uuid7
from porchlight.kit.runtime import Runtime
from porchlight.leads.assess import reassess
from porchlight.leads.tables import Score

STALE_AFTER = timedelta(hours=20)
AT_ONCE = 1_000

#: Points by which time alone must have moved a score before the change is worth a place in its history.
WORTH_NOTING = 1.0

_ANY_STALE: LiteralString = "SELECT EXISTS (SELECT 1 FROM lead_states WHERE tenant_id = %s AND forecast_at < %s)"
_STALE: LiteralString = """
SELECT lead_id, state, score FROM lead_states WHERE tenant_id = %s AND forecast_at < %s
ORDER BY forecast_at LIMIT %s FOR UPDATE SKIP LOCKED
"""
_FORECASTS = Recordset(
    "made",
    {
        "lead_id": "uuid",
        "score": "float8",
        "grade": "text",
        "probability": "float8",
        "factors": "float8[]",
        "next_action": "jsonb",
        "model_version": "text",
    },
)
_UPDATE = f"""
UPDATE lead_states s
SET (score, grade, probability, factors, next_action, model_version, forecast_at)
  = (made.score, made.grade, made.probability, made.factors, made.next_action, made.model_version, %(now)s)
FROM {_FORECASTS.source}
WHERE s.tenant_id = %(tenant)s AND s.lead_id = made.lead_id
""".encode()


@periodic("leads.upkeep", "17 * * * *")
async def upkeep(uow: UnitOfWork) -> None:
    await prune_feed(uow.connection, uow.tenant_id, uow.now())
    cursor = await uow.connection.execute(_ANY_STALE, (uow.tenant_id, uow.now() - STALE_AFTER))
    row = await cursor.fetchone()
    if row and row[0]:
        await defer(uow, reforecast, once="leads.reforecast")


@long_job("leads.reforecast")
async def reforecast(runtime: Runtime, tenant_id: UUID) -> None:
    """Forecast every lead anew whose forecast is a day old, in batches that hold no lock for long."""
    while True:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            if not await reforecast_some(uow):
                return


async def reforecast_some(uow: UnitOfWork) -> int:
    """Forecast some of the stalest leads as of now; returns how many there were."""
    now = uow.now()
    cursor = await uow.connection.execute(_STALE, (uow.tenant_id, now - STALE_AFTER, AT_ONCE))
    stale = await cursor.fetchall()
    rows: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for lead_id, state, score in stale:
        forecast, action = reassess(state, now)
        common = {
            "lead_id": lead_id,
            "score": forecast.score,
            "grade": forecast.grade,
            "probability": forecast.probability,
            "model_version": forecast.model_version,
        }
        rows.append(common | {"factors": list(forecast.factors), "next_action": action._asdict()})
        if abs(forecast.score - score) >= WORTH_NOTING:
            moved = {"tenant_id": uow.tenant_id, "id": uuid7(), "at": now, "activity_id": None, "cause": "time"}
            scores.append(common | moved)
    if rows:
        await uow.connection.execute(_UPDATE, {"tenant": uow.tenant_id, "now": now, **_FORECASTS.parameters(rows)})
        await insert_rows(uow.connection, Score, scores)
    return len(rows)
