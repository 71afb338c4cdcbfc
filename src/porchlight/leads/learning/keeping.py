"""Working out the track record, and keeping it, so that nobody waits for it when they look."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from porchlight.jobs.app import long_job, periodic
from porchlight.jobs.defer import defer
from porchlight.kit.database import UnitOfWork
from porchlight.kit.runtime import Runtime
from porchlight.leads.learning.tables import TrackRecord
from porchlight.leads.learning.train import retrain
from porchlight.leads.tables import Lead

STALE_AFTER: Final = timedelta(hours=36)
"""A night was missed: it is worked out when somebody looks."""

NIGHT: Final = timedelta(hours=4)
LOCK: Final = "learning"
"""Training and the record of one tenant follow one another."""


@long_job("learning.review")
async def review_forecasts(runtime: Runtime, tenant_id: UUID) -> None:
    """Work out how the tenant's forecasts have turned out so far, and keep it."""
    # The libraries of statistics take a second to load, and a server that only serves needs none.
    from porchlight.leads.learning.inputs import input_drift
    from porchlight.leads.learning.served import served_forecasts
    from porchlight.leads.learning.track_record import review

    async with runtime.database.unit_of_work(tenant_id) as uow:
        now = uow.now()
    served = await served_forecasts(runtime.database, tenant_id, now)
    record = await asyncio.to_thread(review, served)  # the resampling would hold up every other job
    record["drift"] = [asdict(one) for one in await input_drift(runtime.database, tenant_id, now)]
    async with runtime.database.unit_of_work(tenant_id) as uow:
        values = {"made_at": now, "record": orjson.loads(orjson.dumps(record))}
        statement = insert(TrackRecord).values(tenant_id=tenant_id, **values)
        await uow.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id"], set_=values))


@periodic("learning.nightly", "0 6 * * *")
async def nightly(uow: UnitOfWork) -> None:
    """Queue the night's work: each tenant at a time of its own, so that they do not all come at once."""
    later = timedelta(seconds=uow.tenant_id.int % NIGHT.total_seconds())
    await defer(uow, retrain, lock=LOCK, once="learning.retrain", not_before=uow.now() + later)
    await defer(uow, review_forecasts, lock=LOCK, once="learning.review", not_before=uow.now() + later)


async def train_soon(uow: UnitOfWork) -> None:
    """Queue a training now, and then the record anew."""
    await defer(uow, retrain, lock=LOCK, once="learning.retrain")
    await defer(uow, review_forecasts, lock=LOCK, once="learning.review")


async def current_record(uow: UnitOfWork) -> TrackRecord | None:
    """The record that was kept last; where there is none, or an old one, a new one is on its way."""
    found = await uow.session.get(TrackRecord, uow.tenant_id)
    if found is None or uow.now() - found.made_at > STALE_AFTER:
        await defer(uow, review_forecasts, lock=LOCK, once="learning.review")
    return found


async def closed_leads(uow: UnitOfWork) -> int:
    """Leads that have closed: what there is to learn from and to be measured by."""
    statement = select(func.count()).where(Lead.tenant_id == uow.tenant_id, Lead.stage == "closed")
    return int(await uow.session.scalar(statement) or 0)
