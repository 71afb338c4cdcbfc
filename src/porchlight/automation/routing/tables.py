from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, DateTime, Float, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from porchlight.kit.database import Base


class RoutingSeat(Base):
    """A user who takes leads, and on which terms. `credit` is how much of their fair share they are owed, in leads."""

    __tablename__ = "routing_seats"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    weight: Mapped[float] = mapped_column(Float(53))
    capacity: Mapped[int | None] = mapped_column(Integer)
    working_hours: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    time_zone: Mapped[str] = mapped_column(Text)
    away_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_active: Mapped[bool] = mapped_column(Boolean)
    credit: Mapped[float] = mapped_column(Float(53))


class Assignment(Base):
    """Who was given a lead, by which rule, and what was made of everyone who was considered.

    `considered` is a trace of `choose`; it is empty where a person decided, whose words are then in `reason`. It is
    read whole and never searched, so it is kept as it was written: taking it apart costs more than the rest of the row.
    """

    __tablename__ = "assignments"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    lead_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None]
    previous_user_id: Mapped[UUID | None]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    rule: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    considered: Mapped[list[Any]] = mapped_column(JSON)
    actor_kind: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID | None]
