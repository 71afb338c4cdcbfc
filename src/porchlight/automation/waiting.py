"""Who waits for an answer, as routing and the first response see it."""

from __future__ import annotations

from datetime import datetime, timedelta

from porchlight.leads.events import Capture

WAITS_FOR = timedelta(hours=24)
"""After a day without an answer nobody sits waiting for one; an older inquiry is a record that comes in late."""


def waits_for_answer(capture: Capture, live: bool, now: datetime) -> bool:
    """Whether a new lead wrote by a live door and not long ago. An old book sent through the API did not."""
    wrote_at = capture.given.created_at
    return live and capture.outcome == "created" and (wrote_at is None or now - wrote_at < WAITS_FOR)
