"""Homes on the demo's market, with fields named as in the RESO Data Dictionary (in snake_case)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import log
from random import Random

from porchlight.demo.places import AREAS, STATE, STREET_TYPES, STREETS, Area
from porchlight.demo.seasons import day_in_season

HOUSE, TOWNHOUSE, CONDO = "Single Family Residence", "Townhouse", "Condominium"
"""Values of RESO's PropertySubType."""

_BACK_UP_OFFER_DAYS = 7
"""Days after an accepted offer for which a listing stays "under contract" before it is "pending"."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A home for sale. Prices are whole dollars, `living_area` square feet. `area` is the neighbourhood's name.

    `days_on_market` count from `on_market_date` until it went under contract, was taken off, or now.
    """

    listing_key: str
    standard_status: str
    list_price: int
    original_list_price: int
    property_type: str
    property_sub_type: str
    bedrooms_total: int
    bathrooms_total_integer: int
    living_area: int
    year_built: int
    unparsed_address: str
    area: str
    city: str
    state_or_province: str
    postal_code: str
    latitude: float
    longitude: float
    on_market_date: date
    close_date: date | None
    close_price: int | None
    days_on_market: int
    public_remarks: str

    @property
    def off_market_date(self) -> date:
        """The last day on which people could tour it."""
        return self.on_market_date + timedelta(days=self.days_on_market)


def make_listings(rng: Random, today: date, count: int) -> tuple[Listing, ...]:
    """Listings of the last 18 months, the newest in greater number so that there are homes to look at now."""
    listings = []
    for number in range(count):
        recent = number >= count * 0.62
        first_day = day_in_season(rng, today - timedelta(days=80 if recent else 620), today - timedelta(days=1))
        listings.append(_listing(rng, f"WR{240_000 + number * 7}", first_day, today))
    return tuple(sorted(listings, key=lambda listing: (listing.on_market_date, listing.listing_key)))


def _listing(rng: Random, key: str, first_day: date, today: date) -> Listing:
    area = rng.choice(AREAS)
    sub_type = _sub_type(rng, area)
    bedrooms = _bedrooms(rng, sub_type)
    bathrooms = max(1, min(4, round(bedrooms * 0.55 + rng.uniform(0.1, 1.1))))
    living_area = round(_size(rng, sub_type, bedrooms) / 10) * 10
    year_built = rng.randint(*area.built)
    original_price = asking_price(area, sub_type, living_area) * rng.lognormvariate(0.0, 0.11)
    days_to_offer = max(3, round(rng.lognormvariate(log(32), 0.75)))
    cuts = min(3, days_to_offer // 35) if rng.random() < 0.7 else 0
    list_price = original_price * (1 - 0.025) ** cuts
    status, close_date, days_on_market = _status(rng, first_day, days_to_offer, today)
    return Listing(
        listing_key=key,
        standard_status=status,
        list_price=_as_advertised(list_price),
        original_list_price=_as_advertised(original_price),
        property_type="Residential",
        property_sub_type=sub_type,
        bedrooms_total=bedrooms,
        bathrooms_total_integer=bathrooms,
        living_area=living_area,
        year_built=year_built,
        unparsed_address=_address(rng, area, sub_type),
        area=area.name,
        city=area.city,
        state_or_province=STATE,
        postal_code=area.postal_code,
        latitude=round(area.latitude + rng.gauss(0, 0.006), 6),
        longitude=round(area.longitude + rng.gauss(0, 0.008), 6),
        on_market_date=first_day,
        close_date=close_date,
        close_price=round(list_price * rng.gauss(0.993, 0.022) / 500) * 500 if close_date else None,
        days_on_market=days_on_market,
        public_remarks=_remarks(rng, area, sub_type, year_built),
    )


def asking_price(area: Area, sub_type: str, living_area: float) -> float:
    """The usual asking price: the area's level, less than in proportion to size, and less for attached homes."""
    level = {HOUSE: 1.0, TOWNHOUSE: 0.86, CONDO: 0.74}[sub_type]
    usual_size = {HOUSE: 1950, TOWNHOUSE: 1550, CONDO: 1050}[sub_type]
    return area.price * level * float((living_area / usual_size) ** 0.7)


def _status(rng: Random, first_day: date, days_to_offer: int, today: date) -> tuple[str, date | None, int]:
    """Standard status, close date and days on market as of today."""
    age = (today - first_day).days
    if days_to_offer >= age:
        return "Active", None, age
    if rng.random() < 0.08:
        return rng.choice(("Withdrawn", "Expired")), None, days_to_offer
    close_date = first_day + timedelta(days=days_to_offer + rng.randint(24, 48))
    if close_date > today:
        fresh = age - days_to_offer < _BACK_UP_OFFER_DAYS
        return "Active Under Contract" if fresh else "Pending", None, days_to_offer
    return "Closed", close_date, days_to_offer


def _sub_type(rng: Random, area: Area) -> str:
    if rng.random() >= area.attached:
        return HOUSE
    return rng.choices((TOWNHOUSE, CONDO), (1.0, 3.0 if area.attached > 0.5 else 0.7))[0]


def _bedrooms(rng: Random, sub_type: str) -> int:
    weights = {HOUSE: (0, 12, 42, 34, 12), TOWNHOUSE: (0, 40, 55, 5, 0), CONDO: (38, 50, 12, 0, 0)}[sub_type]
    return rng.choices((1, 2, 3, 4, 5), weights)[0]


def _size(rng: Random, sub_type: str, bedrooms: int) -> float:
    base, per_bedroom = {HOUSE: (480, 480), TOWNHOUSE: (500, 390), CONDO: (330, 400)}[sub_type]
    return (base + per_bedroom * bedrooms) * rng.lognormvariate(0.0, 0.13)


def _as_advertised(price: float) -> int:
    """Rounded as asking prices are: to 5,000, often one hundred dollars short."""
    rounded = max(50_000, round(price / 5_000) * 5_000)
    return rounded - 100 if (rounded // 5_000) % 3 == 0 else rounded


def _address(rng: Random, area: Area, sub_type: str) -> str:
    street = f"{rng.randint(101, 9899)} {area.prefix} {rng.choice(STREETS)} {rng.choice(STREET_TYPES)}".replace(
        "  ", " "
    )
    return f"{street} #{rng.randint(101, 1207)}" if sub_type == CONDO else street


_KITCHENS: Sequence[str] = (
    "Remodelled kitchen with quartz counters and a gas range.",
    "Original built-ins and a light-filled kitchen with room to cook.",
    "Open kitchen with a large island and a walk-in pantry.",
    "Updated kitchen and new appliances that stay.",
)
_OUTDOORS = {
    HOUSE: (
        "Covered porch, raised beds and a level, fenced yard.",
        "Deep lot with mature fruit trees and a detached garage.",
        "South-facing deck over a garden with drip irrigation.",
        "Corner lot with a separate studio, wired and heated.",
    ),
    TOWNHOUSE: (
        "Private patio and an attached garage with EV charging.",
        "Balcony off the living room and a small fenced garden.",
        "Low HOA dues; roof and siding replaced recently.",
    ),
    CONDO: (
        "Balcony with a view of the hills; deeded parking and storage.",
        "Building has a roof deck, bike storage and a package room.",
        "Tall windows, in-unit laundry and secure parking.",
    ),
}
_SYSTEMS = (
    "Newer furnace and heat pump; sewer scope on file.",
    "Fresh paint, refinished oak floors and a dry basement.",
    "Main-level bedroom, and a finished lower level with its own bath.",
    "Solar panels are owned; earthquake strapping done.",
)


def _remarks(rng: Random, area: Area, sub_type: str, year_built: int) -> str:
    home = {HOUSE: "house", TOWNHOUSE: "townhouse", CONDO: "condominium"}[sub_type]
    return " ".join(
        (
            f"{year_built} {home} in {area.name}.",
            rng.choice(_KITCHENS),
            rng.choice(_OUTDOORS[sub_type]),
            rng.choice(_SYSTEMS),
        )
    )
