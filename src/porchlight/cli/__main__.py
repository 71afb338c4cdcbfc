from __future__ import annotations

from porchlight.cli import app

app()
