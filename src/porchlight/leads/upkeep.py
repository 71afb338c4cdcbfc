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
from porchlight.leads.learning.versions import ModelChanged
from porchlight.leads.serving import about, model_in_service
from porchlight.leads.tables import Score

STALE_AFTER = timedelta(hours=20)
AT_ONCE = 1_000

#: Points by which time alone must have moved a score before the change is worth a place in its history.
WORTH_NOTING = 1.0

_ANY_STALE: LiteralString = "SELECT EXISTS (SELECT 1 FROM lead_states WHERE tenant_id = %s AND forecast_at < %s)"
#: In one walk over all leads: each batch goes on after the one before it.
_STALE: LiteralString = """
SELECT s.lead_id, s.state, s.score, s.model_version, l.owner_id, l.custom
FROM lead_states s JOIN leads l ON l.tenant_id = s.tenant_id AND l.id = s.lead_id
WHERE s.tenant_id = %s AND s.lead_id > %s AND (s.forecast_at < %s OR s.model_version <> %s)
ORDER BY s.lead_id LIMIT %s FOR UPDATE OF s SKIP LOCKED
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


async def on_model_changed(uow: UnitOfWork, event: ModelChanged) -> None:
    """Another model serves: every forecast is made anew."""
    await defer(uow, reforecast, once="leads.reforecast")


@long_job("leads.reforecast")
async def reforecast(runtime: Runtime, tenant_id: UUID) -> None:
    """Forecast every lead anew whose forecast is a day old or another model's; no batch holds a lock for long."""
    after: UUID | None = UUID(int=0)
    while after is not None:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            after = await reforecast_some(uow, after)


async def reforecast_some(uow: UnitOfWork, after: UUID) -> UUID | None:
    """Forecast the next leads after `after` as of now, where it is due; returns the last of them, None at the end."""
    now = uow.now()
    model = await model_in_service(uow)
    cursor = await uow.connection.execute(_STALE, (uow.tenant_id, after, now - STALE_AFTER, model.version, AT_ONCE))
    stale = await cursor.fetchall()
    rows: list[dict[str, Any]] = []
    scores: list[dict[str, Any]] = []
    for lead_id, state, score, version, owner_id, custom in stale:
        forecast, action = reassess(state, now, model, about(model, owner_id, custom))
        common = {
            "lead_id": lead_id,
            "score": forecast.score,
            "grade": forecast.grade,
            "probability": forecast.probability,
            "model_version": forecast.model_version,
        }
        rows.append(common | {"factors": list(forecast.factors), "next_action": action._asdict()})
        if abs(forecast.score - score) >= WORTH_NOTING:
            cause = "time" if version == model.version else "model"
            moved = {"tenant_id": uow.tenant_id, "id": uuid7(), "at": now, "activity_id": None, "cause": cause}
            scores.append(common | moved)
    if rows:
        await uow.connection.execute(_UPDATE, {"tenant": uow.tenant_id, "now": now, **_FORECASTS.parameters(rows)})
        await insert_rows(uow.connection, Score, scores)
    return rows[-1]["lead_id"] if rows else None
