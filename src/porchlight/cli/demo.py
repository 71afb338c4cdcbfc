"""Filling in the demo brokerage, with a progress bar, before the server starts."""

from __future__ import annotations

import asyncio

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from porchlight.cli.session import console
from porchlight.demo.load import OWNER_EMAIL, SignIn, is_loaded, load
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import kept_secret

_PASSWORD_LENGTH = 12


def prepare_demo(runtime: Runtime) -> SignIn:
    """Make the demo brokerage unless it is there; its password is made once and kept in the home."""
    password = kept_secret(runtime.settings.home_path / "demo.password").decode()[:_PASSWORD_LENGTH]

    async def main() -> None:
        try:
            if await is_loaded(runtime):
                return
            columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            with Progress(*columns, console=console, transient=True) as bar:
                task = bar.add_task("A brokerage opens", total=1.0)
                await load(runtime, password, lambda words, share: bar.update(task, description=words, completed=share))
        finally:
            # The server has an event loop of its own, and connections belong to the loop they were made in.
            await runtime.database.close()

    asyncio.run(main())
    return SignIn(OWNER_EMAIL, password)
