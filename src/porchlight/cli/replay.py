"""`porchlight replay`: take in again what failed, and rebuild states from their facts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, LiteralString
from uuid import UUID

import typer

from porchlight.cli.session import console, find_tenant, run
from porchlight.integrations import deliveries
from porchlight.kit.runtime import Runtime
from porchlight.leads.locality import reading_of
from porchlight.leads.replay import AT_ONCE, OpenItem, open_items, refold, replay_activities

_FIRST = UUID(int=0)


def replay(
    failed: Annotated[
        bool, typer.Option("--failed", help="Only what failed; without it also what was never finished.")
    ] = False,
    source: Annotated[str | None, typer.Option(help="Only what came from this source, such as meta.")] = None,
    states: Annotated[
        bool, typer.Option("--states", help="Rebuild every lead's state and forecast from its facts instead.")
    ] = False,
    tenant: Annotated[str | None, typer.Option(help="Name or id of the tenant, where there are several.")] = None,
) -> None:
    """Take in again what came in and is not done. What is in already is left alone, so it can be run at any time."""
    tenant_id = find_tenant(tenant)
    if states:
        leads, changed = run(lambda runtime: _rebuild(runtime, tenant_id))
        console.print(f"{leads:,} leads rebuilt from their facts; {changed:,} had another state before.")
        return
    found, done = run(lambda runtime: _replay(runtime, tenant_id, source, failed))
    console.print(f"{found:,} items were not done; {done:,} of them are now.")


async def _replay(runtime: Runtime, tenant_id: UUID, source: str | None, failed_only: bool) -> tuple[int, int]:
    async def activities(items: Sequence[OpenItem]) -> int:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            return await replay_activities(uow, items, (await reading_of(uow)).region)

    async def hooks(items: Sequence[OpenItem]) -> int:
        return await deliveries.replay(runtime, tenant_id, items)

    # Deliveries first: they bring the leads that activities may have been waiting for.
    kinds: dict[str, Callable[[Sequence[OpenItem]], Awaitable[int]]] = {"delivery": hooks, "activity": activities}
    found = done = 0
    for kind, again in kinds.items():
        after = _FIRST
        while True:
            async with runtime.database.unit_of_work(tenant_id) as uow:
                items = await open_items(uow, kind, after=after, source=source, failed_only=failed_only)
            if not items:
                break
            found += len(items)
            done += await again(items)
            after = items[-1].id
    return found, done


_LEADS: LiteralString = "SELECT id FROM leads WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s"


async def _rebuild(runtime: Runtime, tenant_id: UUID) -> tuple[int, int]:
    leads = changed = 0
    after = _FIRST
    while True:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            cursor = await uow.connection.execute(_LEADS, (tenant_id, after, AT_ONCE))
            ids = [row[0] for row in await cursor.fetchall()]
            if not ids:
                return leads, changed
            changed += len(await refold(uow, ids))
        leads += len(ids)
        after = ids[-1]
