"""`porchlight doctor`: what would keep this installation from working."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from shutil import disk_usage

import psycopg
import typer
from rich.table import Table

from porchlight.cli.session import console, settings
from porchlight.kit.database import libpq_url
from porchlight.kit.installation import Urls, urls
from porchlight.kit.settings import Settings
from porchlight.migrations import bring_up_to_date

OLDEST_SERVER = 150000
LEAST_DISK_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    passed: bool
    says: str


def doctor() -> None:
    """Check settings, database, roles, assets, mail and disk, and say what to do about each fault."""
    checks = list(_checks(settings()))
    table = Table(show_header=False, box=None)
    for check in checks:
        table.add_row("[green]ok[/]" if check.passed else "[red]fault[/]", check.name, check.says)
    console.print(table)
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _checks(found: Settings) -> Iterator[Check]:
    free = disk_usage(found.home_path).free
    yield Check("home", free > LEAST_DISK_BYTES, f"{found.home_path}, {free / 1e9:.0f} GB free")
    try:
        at = urls(found)
        bring_up_to_date(at, found.key)
        yield from (check(at) for check in _DATABASE_CHECKS)
    except Exception as error:
        yield Check(
            "database", False, f"{error}. Set PORCHLIGHT_DATABASE_URL, or leave it out to use the embedded one."
        )
    built = files("porchlight").joinpath("web/static/dist/manifest.json").is_file()
    yield Check("assets", built, "built" if built else "missing: run `make assets`, or install the wheel")
    yield Check(
        "mail", True, "by SMTP" if found.smtp_url else "to the console: set PORCHLIGHT_SMTP_URL to send for real"
    )
    loopback = any(name in found.public_url for name in ("127.0.0.1", "localhost"))
    says = f"{found.public_url}" + (
        ": links in e-mails lead nowhere until PORCHLIGHT_PUBLIC_URL is set" if loopback else ""
    )
    yield Check("address", not (loopback and found.smtp_url), says)


def _server(at: Urls) -> Check:
    with psycopg.connect(libpq_url(at.owner)) as connection:
        version = connection.info.server_version
    return Check("database", version >= OLDEST_SERVER, f"PostgreSQL {version // 10000}, database {at.database}")


def _role(at: Urls) -> Check:
    with psycopg.connect(libpq_url(at.app)) as connection:
        row = connection.execute(
            "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        seen = connection.execute("SELECT count(*) FROM tenants").fetchone()
    bound = row is not None and not row[0] and seen is not None and seen[0] == 0
    says = "the application's role is bound by row-level security"
    return Check(
        "roles", bound, says if bound else "PORCHLIGHT_APP_DATABASE_URL names a role that bypasses the tenants"
    )


_DATABASE_CHECKS: tuple[Callable[[Urls], Check], ...] = (_server, _role)
