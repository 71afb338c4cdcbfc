"""The listening end of the feed: one connection per process, and whoever wants to hear."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import psycopg
import structlog

from porchlight.kit.database import Database
from porchlight.kit.feed import CHANNEL, Notice, parse_notice

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS = (0.1, 0.5, 2.0, 5.0)


class Bus:
    """Hears every notice of the database. Losing the connection loses no fact: `on_gap` says that some went unheard."""

    def __init__(self, database: Database, *, on_notice: Callable[[Notice], None], on_gap: Callable[[], None]) -> None:
        self._database = database
        self._on_notice = on_notice
        self._on_gap = on_gap
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    async def start(self) -> None:
        """Start listening; returns once it does."""
        self._task = asyncio.create_task(self._run(), name="bus")
        await asyncio.wait_for(self.listening.wait(), timeout=30)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        tries = 0
        while True:
            try:
                connection = await self._database.connect_alone()
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self.listening.set()
                    tries = 0
                    self._on_gap()
                    async for notice in connection.notifies():
                        self._on_notice(parse_notice(notice.payload))
            except psycopg.OperationalError as error:
                self.listening.clear()
                delay = _RECONNECT_SECONDS[min(tries, len(_RECONNECT_SECONDS) - 1)]
                tries += 1
                log.warning("bus.lost", error=str(error), retry_seconds=delay)
                await asyncio.sleep(delay)
