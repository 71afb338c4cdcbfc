"""What commands share: settings, a runtime on an up-to-date database, and errors as sentences."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console

from porchlight.kit.database import libpq_url
from porchlight.kit.errors import PorchlightError
from porchlight.kit.installation import Urls, urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.kit.telemetry import configure_logging
from porchlight.main import build
from porchlight.migrations import bring_up_to_date

T = TypeVar("T")

#: Words for people go here; standard output is for what programs read.
console = Console(stderr=True)


def fail(sentence: str) -> NoReturn:
    console.print(f"[bold red]Error:[/] {sentence}")
    raise typer.Exit(1)


def settings() -> Settings:
    try:
        found = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        fail(f"PORCHLIGHT_{str(first['loc'][0]).upper()}: {first['msg']}. See docs/reference/settings.md.")
    configure_logging(found.log_format, found.log_level)
    return found


def prepared() -> tuple[Settings, Urls]:
    """The settings, and the database they name, started and migrated."""
    found = settings()
    try:
        at = urls(found)
        bring_up_to_date(at, found.key)
    except psycopg.OperationalError as error:
        fail(f"The database does not answer ({str(error).strip()}). Is PORCHLIGHT_DATABASE_URL right, and is it up?")
    return found, at


def run(work: Callable[[Runtime], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on a runtime of its own; an expected failure is printed as its sentence and ends with status 1."""
    found, at = prepared()

    async def main() -> T:
        runtime = build(found, at=at)
        try:
            return await work(runtime)
        finally:
            await runtime.database.close()

    try:
        return asyncio.run(main())
    except PorchlightError as error:
        fail(f"{error.title}. {error.detail}")


def find_tenant(named: str | None) -> UUID:
    """The tenant of that name or id; without one, the only tenant there is."""
    _, at = prepared()
    with psycopg.connect(libpq_url(at.owner)) as connection:
        tenants = connection.execute("SELECT tenant_id, name FROM tenants ORDER BY name").fetchall()
    if named is None and len(tenants) == 1:
        return UUID(str(tenants[0][0]))
    wanted = [tenant_id for tenant_id, name in tenants if named in (name, str(tenant_id))]
    if len(wanted) == 1:
        return UUID(str(wanted[0]))
    if not tenants:
        fail("There is no tenant yet; make one with `porchlight init`.")
    choices = ", ".join(f"{name} ({tenant_id})" for tenant_id, name in tenants)
    fail(f"Say which tenant with --tenant: {choices}.")
