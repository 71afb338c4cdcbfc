"""What a running process holds: made once by `main.build`, handed to the faces and the jobs."""

from __future__ import annotations

from dataclasses import dataclass

from porchlight.kit.clock import Clock
from porchlight.kit.database import Database
from porchlight.kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    database: Database
    clock: Clock
    worker_url: str
