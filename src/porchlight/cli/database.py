"""`porchlight db`: the schema."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from porchlight.cli.session import console, fail, prepared
from porchlight.kit.installation import urls
from porchlight.kit.settings import Settings
from porchlight.migrations import bring_up_to_date, differences

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the database up to date; `serve` and `worker` do it by themselves."""
    prepared()
    console.print("The database is up to date.")


@app.command()
def check() -> None:
    """Fail unless the migrations make exactly the tables that the models describe (on an empty database)."""
    with tempfile.TemporaryDirectory(prefix="porchlight-check-") as home:
        empty = Settings(home=Path(home), database_url=None, app_database_url=None, worker_database_url=None)
        at = urls(empty)
        bring_up_to_date(at, empty.key)
        found = differences(at)
    if found:
        fail("Models and migrations differ:\n" + "\n".join(f"  {difference}" for difference in found))
    console.print("Models and migrations agree.")
