from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from porchlight.kit.database import Base


class FeedFrame(Base):
    """A live frame as it went out; `audience` is a comma-separated list of owners, NULL for the whole tenant."""

    __tablename__ = "feed"
    __table_args__ = (Index("ix_feed_at", "tenant_id", "at"),)

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lead_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    audience: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)


class FeedHead(Base):
    """The newest number given, one row per tenant."""

    __tablename__ = "feed_heads"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
