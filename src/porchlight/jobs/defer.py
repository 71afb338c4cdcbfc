"""Deferring a job: in the caller's transaction, so that nothing is queued for what did not happen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from procrastinate.exceptions import AlreadyEnqueued

from porchlight.jobs.app import Job
from porchlight.kit.database import UnitOfWork


async def defer(
    uow: UnitOfWork,
    job: Job,
    *,
    lock: str | None = None,
    once: str | None = None,
    not_before: datetime | None = None,
    **arguments: Any,
) -> None:
    """Queue `job` for this tenant, to run after the commit and not before `not_before`.

    Jobs with the same `lock` never run two at a time; with the same `once`, a second is not queued while one waits.
    Ids and times among `arguments` are passed as text.
    """
    deferrer = job.task.configure(
        lock=None if lock is None else f"{uow.tenant_id}:{lock}",
        queueing_lock=None if once is None else f"{uow.tenant_id}:{once}",
        schedule_at=not_before,
        connection=uow.connection,
    )
    texts = {
        name: value if isinstance(value, int | float | list | dict) else str(value) for name, value in arguments.items()
    }
    if once is None:
        await deferrer.defer_async(tenant_id=str(uow.tenant_id), **texts)
        return
    try:
        # A duplicate lock aborts the transaction it happens in, so it happens in one of its own.
        async with uow.connection.transaction():
            await deferrer.defer_async(tenant_id=str(uow.tenant_id), **texts)
    except AlreadyEnqueued:
        return
