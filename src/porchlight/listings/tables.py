from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Float, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from porchlight.kit.database import Base


class Listing(Base):
    """One listing. Prices are in the smallest unit of `currency`."""

    __tablename__ = "listings"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    listing_key: Mapped[str] = mapped_column(Text, primary_key=True)
    standard_status: Mapped[str] = mapped_column(Text)
    list_price_minor: Mapped[int] = mapped_column(BigInteger)
    close_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    property_type: Mapped[str | None] = mapped_column(Text)
    unparsed_address: Mapped[str] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    state_or_province: Mapped[str | None] = mapped_column(Text)
    postal_code: Mapped[str | None] = mapped_column(Text)
    latitude: Mapped[float | None] = mapped_column(Float(53))
    longitude: Mapped[float | None] = mapped_column(Float(53))
    bedrooms_total: Mapped[int | None] = mapped_column(Integer)
    bathrooms_total_integer: Mapped[int | None] = mapped_column(Integer)
    living_area: Mapped[float | None] = mapped_column(Float(53))
    year_built: Mapped[int | None] = mapped_column(Integer)
    on_market_date: Mapped[date | None] = mapped_column(Date)
    close_date: Mapped[date | None] = mapped_column(Date)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
