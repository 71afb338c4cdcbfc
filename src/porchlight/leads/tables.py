from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, DateTime, Float, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from porchlight.intelligence.conversion import Grade, Stage
from porchlight.kit.database import Base
from porchlight.leads.contact_points import ContactKind


class Lead(Base):
    """A person's pursuit. `source` and `external_id` are those of the first touch and are never overwritten.

    `search` finds words of the name, and contact points whole or by their beginning.
    """

    __tablename__ = "leads"
    __table_args__ = (
        Index("ix_leads_owner", "tenant_id", "owner_id", "stage"),
        Index("ix_leads_source", "tenant_id", "source"),
        Index("ix_leads_captured", "tenant_id", text("captured_at DESC"), "id"),
        Index(
            "ix_leads_waiting",
            "tenant_id",
            "captured_at",
            postgresql_where=text("owner_id IS NULL AND stage NOT IN ('closed', 'lost')"),
        ),
        Index("ix_leads_search", "search", postgresql_using="gin"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    name: Mapped[str | None] = mapped_column(Text)
    given_name: Mapped[str | None] = mapped_column(Text)
    family_name: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[Stage] = mapped_column(Text)
    owner_id: Mapped[UUID | None]
    captured_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    custom: Mapped[dict[str, Any]] = mapped_column(JSONB)
    search_text: Mapped[str] = mapped_column(Text)
    search: Mapped[Any] = mapped_column(TSVECTOR, Computed("to_tsvector('simple', search_text)", persisted=True))


class ContactPoint(Base):
    """An e-mail address or phone number, normalised; it belongs to one lead of the tenant."""

    __tablename__ = "contact_points"
    __table_args__ = (Index("ix_contact_points_lead", "tenant_id", "lead_id"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[ContactKind] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Text, primary_key=True)
    lead_id: Mapped[UUID]
    raw: Mapped[str] = mapped_column(Text)
    added_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Inbound(Base):
    """What came in, as it came in: stored before anything is made of it, once per origin and external id.

    `kind` is `lead`, `activity`, or `delivery` (a hook's whole body); `status` is `done`, `pending` or `failed`.
    """

    __tablename__ = "inbound"
    __table_args__ = (
        Index("uq_inbound_external", "tenant_id", "external_id", "kind", "origin", unique=True),
        Index("ix_inbound_open", "tenant_id", "received_at", postgresql_where=text("status <> 'done'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    door: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str] = mapped_column(Text)
    payload: Mapped[Any] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lead_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)


class Activity(Base):
    """A fact about a lead. Never changed, never deleted: the application's role has no right to."""

    __tablename__ = "activities"
    __table_args__ = (Index("ix_activities_lead", "tenant_id", "lead_id", text("occurred_at DESC"), text("id DESC")),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    source: Mapped[str] = mapped_column(Text)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)


class LeadState(Base):
    """A lead's State and the Forecast made of it: the one row that each new fact locks.

    `factors` are the eight signed log-odds in the order of `intelligence.conversion.FACTORS`.
    """

    __tablename__ = "lead_states"
    __table_args__ = (
        Index("ix_lead_states_score", "tenant_id", text("score DESC"), "lead_id"),
        Index("ix_lead_states_forecast_at", "tenant_id", "forecast_at"),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[bytes] = mapped_column(LargeBinary)
    score: Mapped[float] = mapped_column(Float(53))
    grade: Mapped[Grade] = mapped_column(Text)
    probability: Mapped[float] = mapped_column(Float(53))
    factors: Mapped[list[float]] = mapped_column(ARRAY(Float(53)))
    next_action: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    model_version: Mapped[str] = mapped_column(Text)
    activity_count: Mapped[int] = mapped_column(Integer)
    last_activity_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    forecast_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Score(Base):
    """One change of a lead's score, and the fact that caused it (none where only time has passed)."""

    __tablename__ = "scores"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    score: Mapped[float] = mapped_column(Float(53))
    grade: Mapped[Grade] = mapped_column(Text)
    probability: Mapped[float] = mapped_column(Float(53))
    model_version: Mapped[str] = mapped_column(Text)
    activity_id: Mapped[UUID | None]
    cause: Mapped[str] = mapped_column(Text)


class Hook(Base):
    """A door for one outside system: the address holds a token, whose hash is kept; `field_map` reads generic JSON."""

    __tablename__ = "hooks"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    key_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    field_map: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Import(Base):
    """A file on its way in. `rows_done` is where a run that was cut off goes on; `rejects` is the rejects file."""

    __tablename__ = "imports"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    filename: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rows_total: Mapped[int | None] = mapped_column(BigInteger)
    rows_done: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int] = mapped_column(BigInteger)
    matched: Mapped[int] = mapped_column(BigInteger)
    rejected: Mapped[int] = mapped_column(BigInteger)
    rejects: Mapped[str | None] = mapped_column(Text, deferred=True)  # megabytes, that no list needs
    error: Mapped[str | None] = mapped_column(Text)


class ImportChunk(Base):
    """A piece of an uploaded file, kept until its import is done, so that any worker can read it."""

    __tablename__ = "import_chunks"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
