"""The demo's market: neighbourhoods and towns of the Portland, Oregon, metropolitan area.

Coordinates are rough centres and prices rough levels of the mid-2020s: enough for a map and a price range that look
right, not market data. Street names are invented, so that no listing is anybody's home.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

ZONE_NAME = "America/Los_Angeles"
ZONE = ZoneInfo(ZONE_NAME)
STATE = "OR"


@dataclass(frozen=True, slots=True)
class Area:
    """A place to live. `price` is the middle price of a detached house in dollars.

    `attached` is the share of townhouses and condominiums among its listings; `built` the usual range of years;
    `prefix` the quadrant that streets carry.
    """

    name: str
    city: str
    postal_code: str
    latitude: float
    longitude: float
    price: int
    attached: float
    built: tuple[int, int]
    prefix: str = ""


AREAS: tuple[Area, ...] = (
    Area("Pearl District", "Portland", "97209", 45.529, -122.683, 890_000, 0.95, (1998, 2021), "NW"),
    Area("Nob Hill", "Portland", "97210", 45.531, -122.700, 935_000, 0.60, (1905, 1990), "NW"),
    Area("Irvington", "Portland", "97212", 45.541, -122.651, 865_000, 0.15, (1908, 1940), "NE"),
    Area("Laurelhurst", "Portland", "97232", 45.527, -122.624, 845_000, 0.05, (1910, 1945), "NE"),
    Area("Alberta Arts", "Portland", "97211", 45.559, -122.645, 610_000, 0.25, (1910, 2019), "NE"),
    Area("Kenton", "Portland", "97217", 45.583, -122.686, 485_000, 0.25, (1915, 2020), "N"),
    Area("St. Johns", "Portland", "97203", 45.590, -122.754, 445_000, 0.25, (1912, 2021), "N"),
    Area("Hawthorne", "Portland", "97214", 45.512, -122.629, 640_000, 0.30, (1905, 2018), "SE"),
    Area("Sellwood-Moreland", "Portland", "97202", 45.467, -122.653, 650_000, 0.30, (1908, 2020), "SE"),
    Area("Woodstock", "Portland", "97206", 45.479, -122.612, 530_000, 0.10, (1920, 2016), "SE"),
    Area("Montavilla", "Portland", "97215", 45.519, -122.578, 490_000, 0.15, (1920, 2018), "SE"),
    Area("Lents", "Portland", "97266", 45.480, -122.567, 425_000, 0.25, (1925, 2021), "SE"),
    Area("Multnomah Village", "Portland", "97219", 45.468, -122.711, 615_000, 0.20, (1930, 2015), "SW"),
    Area("Hillsdale", "Portland", "97239", 45.479, -122.696, 695_000, 0.30, (1940, 2010), "SW"),
    Area("Lake Oswego", "Lake Oswego", "97034", 45.416, -122.668, 985_000, 0.25, (1950, 2019)),
    Area("West Linn", "West Linn", "97068", 45.365, -122.639, 815_000, 0.10, (1975, 2020)),
    Area("Beaverton", "Beaverton", "97007", 45.463, -122.868, 575_000, 0.25, (1975, 2020)),
    Area("Cedar Mill", "Portland", "97229", 45.537, -122.808, 745_000, 0.20, (1980, 2021)),
    Area("Orenco", "Hillsboro", "97124", 45.531, -122.915, 545_000, 0.55, (1997, 2022)),
    Area("Tigard", "Tigard", "97223", 45.431, -122.787, 570_000, 0.20, (1975, 2021)),
    Area("Milwaukie", "Milwaukie", "97222", 45.446, -122.626, 500_000, 0.15, (1945, 2018)),
    Area("Happy Valley", "Happy Valley", "97086", 45.446, -122.521, 665_000, 0.15, (1995, 2023)),
    Area("Gresham", "Gresham", "97030", 45.503, -122.433, 455_000, 0.25, (1970, 2021)),
    Area("Oregon City", "Oregon City", "97045", 45.340, -122.588, 540_000, 0.10, (1970, 2022)),
)

STREETS = (
    "Alderquill", "Bramblewick", "Candlemoss", "Drumfern", "Elderlark", "Fennelgate", "Goosefoot", "Harrowfen",
    "Inkberry", "Juniperdale", "Kettlebrook", "Larkmoor", "Mossgarden", "Nettlecombe", "Otterslide", "Pipersnest",
    "Quailbush", "Rookhaven", "Saltgrass", "Tanglewing", "Umbervale", "Vetchfield", "Wrenhollow", "Yarrowmead",
)  # fmt: skip
STREET_TYPES = ("St", "St", "Ave", "Ave", "Ct", "Ln", "Pl", "Ter", "Way")

ELSEWHERE: tuple[tuple[str, str, str], ...] = (
    # city, state, postal code: where people move from
    ("Vancouver", "WA", "98660"),
    ("Seattle", "WA", "98103"),
    ("Tacoma", "WA", "98403"),
    ("Oakland", "CA", "94611"),
    ("San Jose", "CA", "95125"),
    ("Los Angeles", "CA", "90039"),
    ("Sacramento", "CA", "95816"),
    ("Boise", "ID", "83702"),
    ("Denver", "CO", "80205"),
    ("Phoenix", "AZ", "85014"),
    ("Austin", "TX", "78704"),
    ("Chicago", "IL", "60640"),
    ("Brooklyn", "NY", "11215"),
    ("Honolulu", "HI", "96816"),
)

AREA_CODES = {
    "OR": ("503", "971", "541", "458"),
    "WA": ("360", "564", "206", "253", "425", "509"),
    "CA": ("510", "408", "213", "323", "916", "415", "619", "714", "818", "925"),
    "ID": ("208", "986"),
    "CO": ("303", "720", "970"),
    "AZ": ("602", "480", "520"),
    "TX": ("512", "737", "214", "713", "210"),
    "IL": ("312", "773", "847"),
    "NY": ("718", "917", "646", "212"),
    "HI": ("808",),
}
"""Telephone area codes by state, the home metropolitan area's first."""

LIVE_AREA_CODES = (
    "209", "424", "530", "559", "562", "626", "628", "650", "657", "661", "669", "707", "747", "760", "775", "805",
    "831", "858", "909", "949", "951",
)  # fmt: skip
"""Area codes of the Pacific time zone that no lead of the past has: those of leads who come in while one watches."""
