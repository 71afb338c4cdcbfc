"""What a lead that comes in says about itself, as facts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from porchlight.kit.ids import uuid7
from porchlight.leads.assess import NewFact
from porchlight.leads.inputs import LeadInput


def touch_facts(lead_id: UUID, given: LeadInput, door: str, now: datetime, *, first: bool) -> list[NewFact]:
    """The facts in one touch, in the order in which they happened; at least the touch itself."""
    at = min(given.created_at or now, now)
    return [
        NewFact(uuid7(), lead_id, kind, min(when or at, now), payload, given.source)
        for kind, when, payload in _said(given, door, "lead.captured" if first else "lead.inquired")
    ]


def _said(given: LeadInput, door: str, kind: str) -> Iterator[tuple[str, datetime | None, dict[str, Any]]]:
    said = {"door": door, "message": given.message, "listing_key": given.listing_key}
    yield kind, None, {name: value for name, value in said.items() if value is not None}
    if given.criteria:
        yield "criteria.stated", None, dict(given.criteria)
    if given.notes:
        yield "note.added", None, {"text": given.notes}
    if given.stage is not None and given.stage != "new" and given.outcome is None:
        yield "stage.changed", None, {"to": given.stage}
    for consent in given.consents:
        yield "consent.given", consent.at, {"channel": consent.channel, "text": consent.wording or ""}
    for channel in given.opted_out:
        yield "consent.withdrawn", None, {"channel": channel}
    if given.outcome is not None:
        yield ("deal.closed" if given.outcome == "won" else "lead.lost"), given.outcome_at, {}
