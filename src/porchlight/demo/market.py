"""What somebody looking for a home finds on the site, and which of it they open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import exp, log
from random import Random
from typing import Any

from porchlight.demo.leads import Truth
from porchlight.demo.listings import Listing
from porchlight.demo.places import ZONE

_SHOWN_AFTER_OFFER = timedelta(days=35)
"""How long the site shows a home that is spoken for, so that there is always something to look at."""


@dataclass(slots=True)
class Market:
    """The listings, with a memory of what was shown on which day."""

    listings: Sequence[Listing]
    _shown: dict[tuple[date, bool], list[Listing]] = field(default_factory=dict)

    def shown(self, day: date, *, open_only: bool = False) -> list[Listing]:
        """Homes on the site that day; with `open_only` only those that can be toured."""
        key = (day, open_only)
        if key not in self._shown:
            grace = timedelta() if open_only else _SHOWN_AFTER_OFFER
            self._shown[key] = [
                home for home in self.listings if home.on_market_date <= day <= home.off_market_date + grace
            ]
        return self._shown[key]

    def found(
        self, truth: Truth, at: datetime, rng: Random, count: int = 1, *, open_only: bool = False
    ) -> list[Listing]:
        """Homes that this lead opens, those to their taste more often; may repeat one, may be empty."""
        homes = self.shown(at.astimezone(ZONE).date(), open_only=open_only)
        if not homes:
            return []
        return rng.choices(homes, [_appeal(truth, home) for home in homes], k=count)

    def asked_about(self, truth: Truth, at: datetime, rng: Random) -> Listing | None:
        """The home this lead asks about as they come in, for doors where people ask about a home."""
        asks = rng.random() < truth.source.listing and truth.intent == "buy"
        return next(iter(self.found(truth, at, rng, open_only=True)), None) if asks else None


def touch(home: Listing) -> dict[str, Any]:
    """The payload of an activity that concerns a listing."""
    return {
        "listing_key": home.listing_key,
        "list_price": home.list_price,
        "city": home.city,
        "area": home.area,
        "bedrooms_total": home.bedrooms_total,
        "property_type": home.property_sub_type,
    }


def _appeal(truth: Truth, home: Listing) -> float:
    """How much a home attracts: its price against the budget, the area, the kind of home, the bedrooms."""
    gap = log(home.list_price / truth.budget)
    price = exp(-((gap / (0.12 if gap > 0 else 0.22)) ** 2) / 2)
    area = truth.tastes.get(home.area, 0.03)
    kind = 1.0 if home.property_sub_type == truth.property_sub_type else 0.15
    rooms = 1.0 if home.bedrooms_total >= truth.bedrooms_min else 0.2
    return 1e-6 + price * area * kind * rooms
