"""`porchlight audit`: the log of who did what."""

from __future__ import annotations

from typing import Annotated

import typer

from porchlight.audit.verify import Fault, verify
from porchlight.cli.session import console, find_tenant, run
from porchlight.kit.runtime import Runtime

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.command("verify")
def verify_log(
    tenant: Annotated[str | None, typer.Option(help="Name or id of the tenant, where there are several.")] = None,
) -> None:
    """Check the whole chain, and name every entry that is altered, missing or out of order."""
    tenant_id = find_tenant(tenant)

    async def work(runtime: Runtime) -> tuple[int, list[Fault]]:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            return await verify(uow)

    count, faults = run(work)
    for fault in faults:
        console.print(f"[red]{fault.kind}[/] {fault.sentence}")
    if faults:
        raise typer.Exit(1)
    console.print(f"{count:,} entries, every one in its place and unaltered.")
