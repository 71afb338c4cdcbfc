"""The one registry of activity kinds: payload models, meanings, who acted, and the stage a kind implies.

Payloads are checked strictly and handed on exactly as they came: a fact is never rewritten, so nothing is coerced,
keys that the model does not know are kept, and a null means the same as a missing key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

Stage = Literal["new", "contacted", "engaged", "appointment", "touring", "offer", "under_contract", "closed", "lost"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
"""Every stage in the order of the pipeline; `lost` stands last because any stage can end in it."""
TERMINAL_STAGES: Final[tuple[Stage, ...]] = ("closed", "lost")
OPEN_STAGES: Final[tuple[Stage, ...]] = tuple(stage for stage in STAGES if stage not in TERMINAL_STAGES)

Intent = Literal["buy", "sell", "rent"]
Financing = Literal["cash", "preapproved", "applying", "none"]


class Direction(StrEnum):
    """Whose deed a fact records."""

    LEAD = "lead"
    TEAM = "team"
    SYSTEM = "system"


def _instant(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("instant", "must be an ISO 8601 date and time, as 2026-03-01T15:00:00Z") from error
    if moment.tzinfo is None:
        raise PydanticCustomError("instant", "needs an offset from UTC, as 2026-03-01T15:00:00Z")
    return value


Instant = Annotated[str, AfterValidator(_instant)]
Name = Annotated[str, Field(max_length=120)]
Key = Annotated[str, Field(max_length=255)]
Text = Annotated[str, Field(max_length=100_000)]
Money = Annotated[float, Field(ge=0, le=1e12)]
"""An amount in whole currency units, as RESO's ListPrice: a market quantity, not a ledger entry."""
Seconds = Annotated[float, Field(ge=0, le=7 * 86_400)]


class Payload(BaseModel):
    """No known field; whatever else a source sends is kept."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, frozen=True)


class Assignment(Payload):
    to: Key | None = None
    from_: Key | None = Field(None, alias="from")


class Reason(Payload):
    reason: Annotated[str, Field(max_length=500)] | None = None


class StageChange(Payload):
    from_: Stage | None = Field(None, alias="from")
    to: Stage | None = None


class Criteria(Payload):
    intent: Intent | None = None
    price_min: Money | None = None
    price_max: Money | None = None
    areas: Annotated[list[Name], Field(max_length=50)] | None = None
    bedrooms_min: Annotated[float, Field(ge=0, le=100)] | None = None
    bathrooms_min: Annotated[float, Field(ge=0, le=100)] | None = None
    property_type: Name | None = None
    timeframe_days: Annotated[float, Field(ge=0, le=3650)] | None = None
    financing: Financing | None = None


class ListingTouch(Payload):
    listing_key: Key | None = None
    list_price: Money | None = None
    city: Name | None = None
    area: Name | None = None
    bedrooms_total: Annotated[float, Field(ge=0, le=1000)] | None = None
    property_type: Name | None = None
    seconds: Seconds | None = None


class MessageOut(Payload):
    channel: Name | None = None
    message_id: Key | None = None
    automated: bool | None = None
    purpose: Name | None = None


class MessageIn(Payload):
    channel: Name | None = None
    message_id: Key | None = None
    text: Text | None = None


class CallAttempt(Payload):
    outcome: Name | None = None


class Call(Payload):
    seconds: Seconds | None = None
    direction: Literal["inbound", "outbound"] | None = None


class Meeting(Payload):
    at: Instant | None = None


class Tour(Meeting):
    listing_key: Key | None = None


class Amount(Payload):
    amount: Money | None = None


class Valuation(Payload):
    address: Annotated[str, Field(max_length=500)] | None = None


class Closing(Payload):
    price: Money | None = None


class Note(Payload):
    text: Text | None = None


class Consent(Payload):
    channel: Name | None = None
    purpose: Name | None = None
    text: Text | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One activity kind. `stage` is what the fact implies: a lead is at least that far once it has happened."""

    name: str
    model: type[Payload]
    meaning: str
    direction: Direction
    stage: Stage | None = None


_LEAD, _TEAM, _SYSTEM = Direction.LEAD, Direction.TEAM, Direction.SYSTEM

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("lead.captured", Payload, "The lead came in for the first time.", _LEAD, "new"),
        Kind("lead.inquired", Payload, "A known lead came in again by any door.", _LEAD),
        Kind("lead.assigned", Assignment, "The lead was given to an agent, or taken from one.", _SYSTEM),
        Kind("lead.lost", Reason, "The pursuit ended without a deal.", _TEAM, "lost"),
        Kind("lead.reopened", Payload, "A lost or closed lead is worked again, from the start.", _TEAM, "new"),
        Kind("stage.changed", StageChange, "Somebody set the stage by hand; it stands until later facts.", _TEAM),
        Kind("criteria.stated", Criteria, "The lead said what they want, by when and how they pay.", _LEAD),
        Kind("search.performed", Criteria, "The lead ran a search for homes.", _LEAD),
        Kind("listing.viewed", ListingTouch, "The lead looked at a listing.", _LEAD),
        Kind("listing.saved", ListingTouch, "The lead marked a listing as a favourite.", _LEAD),
        Kind("listing.shared", ListingTouch, "The lead sent a listing to somebody else.", _LEAD),
        Kind("listing.dismissed", ListingTouch, "The lead said no to a listing.", _LEAD),
        Kind("listing.inquired", ListingTouch, "The lead asked about a listing.", _LEAD),
        Kind("message.sent", MessageOut, "We wrote to the lead.", _TEAM, "contacted"),
        Kind("message.delivered", MessageOut, "Our message arrived.", _SYSTEM),
        Kind("message.opened", MessageOut, "Our message was opened, by the lead or by their mail program.", _LEAD),
        Kind("message.clicked", MessageOut, "The lead followed a link in our message.", _LEAD),
        Kind("message.bounced", MessageOut, "Our message could not be delivered.", _SYSTEM),
        Kind("message.received", MessageIn, "The lead wrote to us.", _LEAD, "engaged"),
        Kind("call.attempted", CallAttempt, "We called and did not speak to the lead.", _TEAM, "contacted"),
        Kind("call.held", Call, "We spoke with the lead.", _LEAD, "engaged"),
        Kind("appointment.booked", Meeting, "A meeting was agreed, for the time in `at`.", _LEAD, "appointment"),
        Kind("appointment.held", Meeting, "The meeting took place.", _LEAD, "appointment"),
        Kind("appointment.missed", Meeting, "The lead did not come to the meeting.", _LEAD),
        Kind("appointment.cancelled", Meeting, "The meeting was called off.", _LEAD),
        Kind("tour.booked", Tour, "A tour of a home was agreed, for the time in `at`.", _LEAD, "appointment"),
        Kind("tour.held", Tour, "The lead toured a home.", _LEAD, "touring"),
        Kind("tour.cancelled", Tour, "The tour was called off.", _LEAD),
        Kind("financing.preapproved", Amount, "A lender pre-approved the lead.", _LEAD),
        Kind("valuation.requested", Valuation, "The lead asked what their home is worth.", _LEAD, "engaged"),
        Kind("competitor.mentioned", Payload, "The lead mentioned another agent or brokerage.", _LEAD),
        Kind("offer.made", Amount, "The lead made an offer, or received one as a seller.", _LEAD, "offer"),
        Kind("offer.accepted", Amount, "An offer was accepted.", _SYSTEM, "under_contract"),
        Kind("contract.signed", Payload, "The purchase contract was signed.", _LEAD, "under_contract"),
        Kind("deal.closed", Closing, "The deal closed: the lead converted.", _SYSTEM, "closed"),
        Kind("note.added", Note, "Somebody on the team wrote a note.", _TEAM),
        Kind("consent.given", Consent, "The lead agreed to be contacted.", _LEAD),
        Kind("consent.withdrawn", Consent, "The lead asked not to be contacted.", _LEAD),
        Kind("profile.updated", Payload, "Details of the lead's record changed.", _SYSTEM),
    )
}

STAGE_SETTING_KINDS: Final = frozenset({"stage.changed", "lead.lost", "lead.reopened", "deal.closed"})
"""Kinds that put a lead into a stage, also backwards; all others only carry it forward."""


class UnknownKind(ValueError):  # noqa: N818
    """The kind is not in the registry; `close_matches` are the registered names most like it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.close_matches = tuple(get_close_matches(kind, KINDS, n=3, cutoff=0.5))
        hint = f"; did you mean {' or '.join(self.close_matches)}?" if self.close_matches else ""
        super().__init__(f"unknown activity kind {kind!r}{hint}")


class BadPayload(ValueError):  # noqa: N818
    """A payload does not fit its kind; `field` is the dotted path of the first field at fault."""

    def __init__(self, kind: str, field: str, message: str) -> None:
        self.kind = kind
        self.field = field
        self.message = message
        super().__init__(f"{kind}: {field}: {message}" if field else f"{kind}: {message}")


_VALIDATORS: Final = {name: kind.model.__pydantic_validator__.validate_python for name, kind in KINDS.items()}


def validate_payload(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload itself, once it fits its kind.

    Raises `UnknownKind` or `BadPayload`. The overall size of a payload is the door's to limit.
    """
    validate = _VALIDATORS.get(kind)
    if validate is None:
        raise UnknownKind(kind)
    try:
        validate(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise BadPayload(kind, ".".join(str(part) for part in first["loc"]), first["msg"]) from error
    return payload


def implied_stage(kind: str, payload: Mapping[str, Any]) -> Stage | None:
    """The stage a lead has at least reached once this fact has happened, or None where it says nothing about it."""
    entry = KINDS.get(kind)
    if entry is None or payload.get("automated"):
        return None  # an automatic reply is not yet anybody's contact
    if kind == "stage.changed":
        to: Stage | None = payload.get("to")
        return to
    return entry.stage
