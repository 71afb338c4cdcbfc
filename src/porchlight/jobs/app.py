"""Jobs: named functions that run in the background, each in a unit of work of its tenant.

A job takes ids, loads what it needs, and returns early when its work is already done: it may run more than once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, LiteralString, cast
from uuid import UUID

import procrastinate
import psycopg
import structlog

from porchlight.kit.database import SYSTEM, UnitOfWork, libpq_url
from porchlight.kit.runtime import Runtime
from porchlight.kit.telemetry import JOBS

log = structlog.get_logger(__name__)

#: Every job is declared here at import. Deferring uses the caller's connection, so only a worker opens this app.
queue = procrastinate.App(connector=procrastinate.PsycopgConnector())

RETRY = procrastinate.RetryStrategy(max_attempts=6, exponential_wait=5)


@dataclass(frozen=True, slots=True)
class Job:
    """A declared job; `jobs.defer.defer` is the only way to run one."""

    name: str
    task: Any


def job(name: str, *, on: str = "default") -> Callable[[Callable[..., Awaitable[None]]], Job]:
    """Declare `async def f(uow, **ids)` as a job that runs as one transaction of its tenant."""

    def declare(function: Callable[..., Awaitable[None]]) -> Job:
        async def one_transaction(runtime: Runtime, tenant_id: UUID, **arguments: Any) -> None:
            async with runtime.database.unit_of_work(tenant_id) as uow:
                await function(uow, **arguments)

        return _declare(name, on, one_transaction)

    return declare


def long_job(name: str, *, on: str = "default") -> Callable[[Callable[..., Awaitable[None]]], Job]:
    """Declare `async def f(runtime, tenant_id, **ids)`, a job that opens its own units of work."""
    return lambda function: _declare(name, on, function)


def periodic(name: str, cron: str) -> Callable[[Callable[..., Awaitable[None]]], Job]:
    """Declare `async def f(uow)`, run for every tenant at the times of `cron` (five or six fields, UTC)."""

    def declare(function: Callable[[UnitOfWork], Awaitable[None]]) -> Job:
        async def every_tenant(context: procrastinate.JobContext, /, timestamp: int) -> None:
            runtime = _runtime(context)
            for tenant_id in await tenant_ids(runtime):
                try:
                    async with runtime.database.unit_of_work(tenant_id, SYSTEM) as uow:
                        await function(uow)
                except Exception:
                    # One tenant's trouble must not keep the others from their turn.
                    log.exception("periodic.failed", job=name, tenant_id=str(tenant_id))
                    JOBS.labels(name, "failed").inc()
            JOBS.labels(name, "done").inc()

        task = queue.task(name=name, pass_context=True, queue="periodic", queueing_lock=name, lock=name)(every_tenant)
        return Job(name, queue.periodic(cron=cron)(task))

    return declare


def _declare(name: str, on: str, function: Callable[..., Awaitable[None]]) -> Job:
    async def run(context: procrastinate.JobContext, /, tenant_id: str, **arguments: Any) -> None:
        with structlog.contextvars.bound_contextvars(job=name, tenant_id=tenant_id):
            try:
                await function(_runtime(context), UUID(tenant_id), **arguments)
            except BaseException:
                JOBS.labels(name, "failed").inc()
                raise
        JOBS.labels(name, "done").inc()

    return Job(name, queue.task(name=name, pass_context=True, queue=on, retry=RETRY)(run))


def _runtime(context: procrastinate.JobContext) -> Runtime:
    return cast(Runtime, context.additional_context["runtime"])


_TENANTS: LiteralString = "SELECT tenant_id FROM tenant_ids() AS t (tenant_id)"


async def tenant_ids(runtime: Runtime) -> list[UUID]:
    """Every tenant. Only the worker's role may ask."""
    async with await psycopg.AsyncConnection.connect(libpq_url(runtime.worker_url), autocommit=True) as connection:
        cursor = await connection.execute(_TENANTS)
        return [row[0] for row in await cursor.fetchall()]
