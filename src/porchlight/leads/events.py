"""What this layer announces to the layers above."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from porchlight.kit.events import Event
from porchlight.leads.inputs import LeadInput

Door = Literal["api", "hook", "import", "form"]


class Capture(NamedTuple):
    """What became of one incoming lead: a new lead, a further touch of a known one, or one that was here already."""

    lead_id: UUID
    outcome: Literal["created", "matched", "duplicate"]
    given: LeadInput


@dataclass(frozen=True, slots=True)
class LeadsArriving(Event):
    """New open leads are about to be written. Who gives them to agents now fills in `owners`: a lead that is written
    with its owner need not be written twice."""

    captures: tuple[Capture, ...]
    door: Door
    live: bool
    owners: dict[UUID, UUID]


@dataclass(frozen=True, slots=True)
class LeadsCaptured(Event):
    """Leads came in together. `live` says that somebody is waiting for an answer; an imported book is not live."""

    captures: tuple[Capture, ...]
    door: Door
    live: bool


@dataclass(frozen=True, slots=True)
class FactRecorded:
    """One fact, as those above need it."""

    activity_id: UUID
    lead_id: UUID
    owner_id: UUID | None
    kind: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class FactsRecorded(Event):
    facts: tuple[FactRecorded, ...]


@dataclass(frozen=True, slots=True)
class LeadFreed(Event):
    """An agent has room again: a lead of theirs was closed, lost, or given to somebody else."""

    lead_id: UUID
    owner_id: UUID
