"""`porchlight init`: the first tenant, its admin, and a key."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer

from porchlight.accounts.manage import create_api_key, create_tenant, create_user
from porchlight.accounts.permissions import Permission, Role
from porchlight.cli.session import console, run
from porchlight.kit.ids import uuid7
from porchlight.kit.runtime import Runtime


def init(
    tenant: Annotated[str, typer.Option(help="Name of the brokerage.", prompt=True)],
    email: Annotated[str, typer.Option(help="E-mail address of its first admin.", prompt=True)],
    password: Annotated[
        str, typer.Option(help="The admin's password, 10 characters or more.", prompt=True, hide_input=True)
    ],
    time_zone: Annotated[str, typer.Option(help="IANA time zone of the brokerage.")] = "America/New_York",
    region: Annotated[str, typer.Option(help="Country whose phone numbers need no country code.")] = "US",
    postal_address: Annotated[str, typer.Option(help="Postal address for the foot of every e-mail.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a brokerage with its first admin and an API key that may do everything."""

    async def work(runtime: Runtime) -> dict[str, str]:
        tenant_id = uuid7()
        async with runtime.database.unit_of_work(tenant_id) as uow:
            create_tenant(uow, tenant, time_zone=time_zone, region=region, postal_address=postal_address)
            await uow.session.flush()
            admin = await create_user(
                uow, email=email, name=email.partition("@")[0], role=Role.ADMIN, password=password
            )
            key = await create_api_key(uow, "first key", Permission, admin.id)
        return {"tenant_id": str(tenant_id), "user_id": str(admin.id), "api_key": key.secret}

    made = run(work)
    if as_json:
        typer.echo(orjson.dumps(made).decode())
        return
    console.print(f"[bold]{tenant}[/] is ready. Sign in as {email}, or use this key, which is shown only now:")
    typer.echo(made["api_key"])
