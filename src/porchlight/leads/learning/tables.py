from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from porchlight.kit.database import Base

VersionKind = Literal["prior", "own"]
VersionStatus = Literal["candidate", "in_service", "retired", "rejected"]


class ModelVersion(Base):
    """A model that could forecast this tenant's leads: the documented prior, or one learned from their own history.

    - `learned_until` is the moment up to which it has seen what happened (None for the prior, which has seen nothing);
      a forecast proves something about a model only if it was made after that.
    - `rows` and `outcomes` count what it learned from; `model` is its JSON, and is dropped with versions that will not
      come back; `card` is what it says of itself.
    - `verdict` says why it has its status: `{"reason", …}`, with the numbers of the comparison that decided.
    """

    __tablename__ = "model_versions"
    __table_args__ = (
        Index("uq_model_versions_version", "tenant_id", "version", unique=True),
        Index("uq_model_versions_in_service", "tenant_id", unique=True, postgresql_where=text("status = 'in_service'")),
    )

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(Text)
    kind: Mapped[VersionKind] = mapped_column(Text)
    status: Mapped[VersionStatus] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    learned_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rows: Mapped[int] = mapped_column(BigInteger)
    outcomes: Mapped[int] = mapped_column(BigInteger)
    # As it was written, because it must add up to its version to the bit; up to megabytes, that no list needs.
    model: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    card: Mapped[dict[str, Any]] = mapped_column(JSONB)
    verdict: Mapped[dict[str, Any]] = mapped_column(JSONB)
    promoted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    promoted_by: Mapped[UUID | None]
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


FEWEST_CLOSINGS: Final = 20
"""Below this many leads that closed, an interval says more about luck than about the score."""


class TrackRecord(Base):
    """How the forecasts of a tenant have turned out, worked out as of `made_at`; one row, replaced each night."""

    __tablename__ = "track_records"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)
