"""The composition root: the one place that knows every part and wires them together."""

from __future__ import annotations

from porchlight.kit.clock import Clock, SystemClock
from porchlight.kit.database import Database
from porchlight.kit.events import Events
from porchlight.kit.installation import Urls, urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings


def build(settings: Settings, *, clock: Clock | None = None, at: Urls | None = None) -> Runtime:
    """Everything a process needs, wired, on the database `at` or else the one the settings name."""
    found = at or urls(settings)
    clock = clock or SystemClock()
    events = Events()
    database = Database(found.app, events=events, clock=clock, pool_size=settings.database_pool_size)
    return Runtime(settings=settings, database=database, clock=clock, worker_url=found.worker)
