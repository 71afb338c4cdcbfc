from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from porchlight.kit.database import Base

TIME = DateTime(timezone=True)


class Message(Base):
    """One outward communication: the outbox, and the record of what became of it.

    `status` is queued (may leave at `not_before`), deferred (not allowed before `not_before`), sending, sent, refused
    (by the permit), failed (by the world) or uncertain (nobody knows; never sent again). `trace` holds every finding of
    the last decision, `code` and `reason` say why the status is what it is. `circumstances` is what the sender knew of
    the recipient (places, clues, time of the inquiry) and is needed to decide anew.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("tenant_id", "idempotency_key"),
        Index("ix_messages_lead", "tenant_id", "lead_id", "created_at"),
        Index("ix_messages_to", "tenant_id", "to_address", "sending_at"),
        Index("ix_messages_due", "tenant_id", "not_before", postgresql_where=text("status IN ('queued', 'deferred')")),
        Index("ix_messages_sending", "tenant_id", "sending_at", postgresql_where=text("status = 'sending'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID]
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    to_address: Mapped[str] = mapped_column(Text)
    sender_name: Mapped[str] = mapped_column(Text)
    reply_to: Mapped[str | None] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    body_text: Mapped[str] = mapped_column(Text)
    body_html: Mapped[str | None] = mapped_column(Text)
    automated: Mapped[bool] = mapped_column(Boolean)
    discloses_automation: Mapped[bool] = mapped_column(Boolean)
    circumstances: Mapped[dict[str, Any]] = mapped_column(JSONB)
    idempotency_key: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    not_before: Mapped[datetime] = mapped_column(TIME)
    trace: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    code: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    sending_at: Mapped[datetime | None] = mapped_column(TIME)
    sent_at: Mapped[datetime | None] = mapped_column(TIME)
    provider_message_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIME)


class ConsentEntry(Base):
    """A line of the consent ledger, never changed: who agreed to what or took it back, when, by what words.

    `basis` is express or written, and null where consent is withdrawn. `wording` is the text the person was shown.
    """

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_contact", "tenant_id", "contact_kind", "contact_value"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID | None]
    contact_kind: Mapped[str] = mapped_column(Text)
    contact_value: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    basis: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    wording: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIME)
    recorded_at: Mapped[datetime] = mapped_column(TIME)


class Suppression(Base):
    """A contact point that must be left alone, as a keyed hash: it outlives the erasure of everything else about the
    person, so that the next import does not write to them again."""

    __tablename__ = "suppressions"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_kind: Mapped[str] = mapped_column(Text, primary_key=True)
    address_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(TIME)
