"""The API's words for leads and their facts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from porchlight.intelligence.conversion import Grade, Stage

Short = Annotated[str, StringConstraints(max_length=255)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Long = Annotated[str, StringConstraints(max_length=20_000)]
ChannelName = Literal["email", "sms", "call"]


class AddressIn(BaseModel):
    street: Short | None = None
    city: Short | None = None
    state: Short | None = None
    postal_code: Short | None = None
    country: Short | None = None


class ConsentIn(BaseModel):
    """A person's agreement to be contacted on a channel, with the words they agreed to."""

    channel: ChannelName
    wording: Long | None = None
    at: AwareDatetime | None = None


class LeadIn(BaseModel):
    """A lead coming in. Fields that are not listed here become custom fields."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "external_id": "web-1042",
                "source": "website",
                "name": "Maria Lopez",
                "email": "maria.lopez@example.com",
                "phone": "+1 305 555 0134",
                "message": "Is the two-bedroom on Oak Avenue still available?",
                "criteria": {"intent": "buy", "price_max": 450000, "areas": ["Brickell"], "timeframe_days": 60},
                "consents": [{"channel": "sms", "wording": "I agree to receive texts from Harbor Realty."}],
            }
        },
    )

    external_id: Id | None = Field(default=None, description="Your id of this lead; the same one twice is one touch.")
    source: Id = Field(default="api", description="Where the lead came from.")
    name: Short | None = None
    first_name: Short | None = None
    last_name: Short | None = None
    email: Short | None = None
    emails: list[Short] = Field(default_factory=list, max_length=20)
    phone: Short | None = None
    phones: list[Short] = Field(default_factory=list, max_length=20)
    address: AddressIn | None = None
    message: Long | None = None
    notes: Long | None = None
    listing_key: Short | None = None
    criteria: dict[str, Any] = Field(default_factory=dict, description="As in the payload of criteria.stated.")
    stage: Stage | None = None
    owner_email: Short | None = Field(default=None, description="An agent who already looks after this person.")
    tags: list[Short] = Field(default_factory=list, max_length=100)
    consents: list[ConsentIn] = Field(default_factory=list, max_length=20)
    opted_out: list[ChannelName] = Field(default_factory=list, max_length=3)
    created_at: AwareDatetime | None = None
    custom: dict[str, Any] = Field(default_factory=dict)


class ActivityIn(BaseModel):
    """A fact about a lead, named by `lead_id`, `lead_external_id`, `email` or `phone`.

    `external_id` is your id of the fact, and makes sending it again harmless. Where none of the four is given,
    `external_id` names the lead.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "email": "maria.lopez@example.com",
                "kind": "listing.viewed",
                "occurred_at": "2026-03-10T15:04:05Z",
                "external_id": "view-88213",
                "payload": {"listing_key": "MLS-1001", "list_price": 439000, "city": "Miami", "bedrooms_total": 2},
            }
        },
    )

    lead_id: UUID | None = None
    lead_external_id: Id | None = None
    email: Short | None = None
    phone: Short | None = None
    external_id: Id | None = None
    source: Id = "api"
    kind: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    occurred_at: AwareDatetime | None = Field(default=None, description="Now, where it is left out.")
    payload: dict[str, Any] = Field(default_factory=dict)


class ErrorOut(BaseModel):
    code: str
    detail: str
    field: str | None = None


class NoticeOut(BaseModel):
    """A value that could not be read as its field; it is kept as a custom field."""

    field: str
    detail: str


class LeadResult(BaseModel):
    status: Literal["created", "matched", "duplicate", "error"]
    id: UUID | None = None
    external_id: str | None = None
    notices: list[NoticeOut] = []
    error: ErrorOut | None = None


class LeadResults(BaseModel):
    items: list[LeadResult]


class ActivityResultOut(BaseModel):
    status: Literal["recorded", "duplicate", "error"]
    activity_id: UUID | None = None
    lead_id: UUID | None = None
    score: float | None = None
    grade: str | None = None
    probability: float | None = None
    error: ErrorOut | None = None


class ActivityResults(BaseModel):
    items: list[ActivityResultOut]


class NextActionOut(BaseModel):
    kind: str
    title: str
    why: str


class LeadOut(BaseModel):
    """A lead in a list. `score` 50 is an average lead; `probability` is that of converting within 90 days."""

    id: UUID
    external_id: str | None
    name: str | None
    score: float
    grade: Grade
    probability: float
    stage: Stage
    owner_id: UUID | None
    owner_name: str | None
    source: str
    captured_at: datetime
    last_activity_at: datetime
    next_action: NextActionOut | None
    reasons: list[str]


class LeadPage(BaseModel):
    items: list[LeadOut]
    next_cursor: str | None


class ContactPointOut(BaseModel):
    kind: Literal["email", "phone"]
    value: str
    raw: str


class FactorOut(BaseModel):
    """A factor's signed log-odds; the eight add up to the score: `score = 100 / (1 + exp(-sum))`."""

    name: str
    log_odds: float
    reasons: list[str]


class ForecastOut(BaseModel):
    score: float
    grade: Grade
    probability: float
    base_probability: float
    horizon_days: int = 90
    model_version: str
    made_at: datetime
    factors: list[FactorOut]


class LeadDetail(LeadOut):
    first_name: str | None
    last_name: str | None
    address: dict[str, Any] | None
    tags: list[str]
    contact_points: list[ContactPointOut]
    custom: dict[str, Any]
    forecast: ForecastOut
    activity_count: int


class ActivityOut(BaseModel):
    id: UUID
    kind: str
    occurred_at: datetime
    recorded_at: datetime
    source: str
    actor: str
    payload: dict[str, Any]


class ActivityPage(BaseModel):
    items: list[ActivityOut]
    next_cursor: str | None


class ScoreOut(BaseModel):
    at: datetime
    score: float
    grade: Grade
    probability: float
    model_version: str
    cause: str
    activity_id: UUID | None


class ScorePage(BaseModel):
    items: list[ScoreOut]
    next_cursor: str | None
