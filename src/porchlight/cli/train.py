"""`porchlight train`: learn from a tenant's history now instead of at night."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import orjson
import typer

from porchlight.cli.session import console, find_tenant, run
from porchlight.kit.runtime import Runtime
from porchlight.leads.learning.train import Trained
from porchlight.leads.learning.train import train as learn_now


def train(
    tenant: Annotated[str | None, typer.Option(help="Name or id of the tenant, where there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Learn from the history, compare with the model in service, and put the better one in service."""
    tenant_id = find_tenant(tenant)
    trained = run(lambda runtime: _train(runtime, tenant_id))
    if as_json:
        print(orjson.dumps(asdict(trained), option=orjson.OPT_INDENT_2).decode())
        return
    console.print(
        f"{trained.leads:,} leads, {trained.closings:,} of them closed, {trained.rows:,} moments to learn from."
    )
    console.print(trained.reason)
    console.print(f"[bold]{trained.in_service}[/] is in service.")


async def _train(runtime: Runtime, tenant_id: UUID) -> Trained:
    with console.status("Beginning") as status:
        return await learn_now(runtime.database, tenant_id, lambda words: status.update(f"{words} …"))
