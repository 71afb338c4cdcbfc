"""The one shape of a lead coming in: files, hooks and the API all make `LeadInput`s, and capture takes nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from porchlight.intelligence.conversion.kinds import Stage
from porchlight.leads.contact_points import ContactPoint

Channel = Literal["email", "sms", "call"]
Outcome = Literal["won", "lost"]

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Address(NamedTuple):
    """Where a person lives or wants to be written to, as it was given; not where they look for a home."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Consent(NamedTuple):
    """A person's agreement to be contacted on a channel. `wording` is what they agreed to, where it is known."""

    channel: Channel
    at: datetime | None = None
    wording: str | None = None


class LeadInput(NamedTuple):
    """A lead as a door received it, normalised and not yet matched with the leads that are there.

    - `external_id` is unique within `origin`, the system that gave it (`import:crm-export`, `meta`, `adf:Portal`); the
      same pair is the same touch, however often it arrives.
    - `source` is where the person came from in the team's words (`Zillow`, `Open house`).
    - `contact_points` are without repeats, the most important first; there may be none.
    - `criteria` is what the person said they want, with the keys of the `criteria.stated` activity's payload.
    - `notes` is what the team wrote, `message` what the person wrote.
    - `opted_out` are the channels the person refuses; it outranks `consents`.
    - `outcome` is a past result, for learning; `outcome_at` is None where only the result is known.
    - `custom` keeps everything that has no field of its own, also values that could not be read
      (`invalid_email`, `invalid_phone` ...): nothing that was sent is lost.
    """

    origin: str
    external_id: str
    source: str
    full_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    contact_points: tuple[ContactPoint, ...] = ()
    address: Address | None = None
    created_at: datetime | None = None
    message: str | None = None
    notes: str | None = None
    listing_key: str | None = None
    criteria: Mapping[str, Any] = NOTHING
    stage: Stage | None = None
    owner_email: str | None = None
    tags: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    opted_out: tuple[Channel, ...] = ()
    outcome: Outcome | None = None
    outcome_at: datetime | None = None
    custom: Mapping[str, Any] = NOTHING
