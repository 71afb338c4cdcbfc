"""Where a recipient may be: time zones and US states, from an address, from telephone numbers, or by default.

A person may be in any of the places found, so a message must be in hours in all of them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import PhoneNumberType
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_geographical_number

_NOWHERE_IN_PARTICULAR = frozenset(
    {
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.UAN,
        PhoneNumberType.VOIP,
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """A zone of the IANA database, with the US state whose law holds there, where one is known."""

    zone: str
    state: str | None = None

    @property
    def name(self) -> str:
        """What a person would call it: the state, or the city that names the zone."""
        if self.state is not None:
            return us_places().by_name[self.state.lower()].name
        return self.zone.rpartition("/")[2].replace("_", " ")


@dataclass(frozen=True, slots=True)
class Clue:
    """What one piece of evidence said. `basis` is `state`, `postal_code`, `phone` or `tenant`; `value` is what was read
    from it, never more of a number than its first digits."""

    basis: str
    value: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """All the places a recipient may be in (never empty), and the clues that named them."""

    places: tuple[Place, ...]
    clues: tuple[Clue, ...]

    @classmethod
    def from_clues(cls, clues: tuple[Clue, ...]) -> Whereabouts:
        return cls(tuple(sorted({place for clue in clues for place in clue.places}, key=_order)), clues)

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(sorted({place.zone for place in self.places}))


@dataclass(frozen=True, slots=True)
class StateRow:
    code: str
    name: str
    zones: tuple[str, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(Place(zone, self.code) for zone in self.zones)


@dataclass(frozen=True, slots=True)
class UsPlaces:
    by_name: Mapping[str, StateRow]
    """Keyed by the code and by the name, both in lower case."""
    by_zip_prefix: Mapping[str, StateRow]
    by_area_code: Mapping[str, StateRow]


@cache
def us_places() -> UsPlaces:
    """The table `data/us_places.toml`."""
    document = tomllib.loads(resources.files(__package__).joinpath("data/us_places.toml").read_text("utf-8"))
    by_name: dict[str, StateRow] = {}
    by_zip_prefix: dict[str, StateRow] = {}
    by_area_code: dict[str, StateRow] = {}
    for code, entry in document.items():
        row = StateRow(code, entry["name"], tuple(entry["zones"]))
        by_name[code.lower()] = by_name[row.name.lower()] = row
        for prefix in entry["zip"]:
            first, _, last = prefix.partition("-")
            for number in range(int(first), int(last or first) + 1):
                by_zip_prefix[f"{number:0{len(first)}}"] = row
        by_area_code.update((str(area_code), row) for area_code in entry["area_codes"])
    return UsPlaces(by_name, by_zip_prefix, by_area_code)


def whereabouts(
    *,
    tenant_zone: str,
    state: str | None = None,
    postal_code: str | None = None,
    phones: Iterable[str] = (),
) -> Whereabouts:
    """Where a person with this address and these telephone numbers (E.164) may be; the tenant's zone if nothing says.

    An address names its state's zones, a number those of its area code's state and those the numbering plan gives it;
    all count, because a number moves with its owner and a state can keep two zones. What cannot be read is no clue.

    Source: 47 CFR 64.1200(c)(1) speaks of the called party's location; that address comes before area code, and that
    a disagreement narrows the hours, is the careful reading of it.
    """
    found = [_state_clue(state), _postal_code_clue(postal_code), *(_phone_clue(phone) for phone in phones)]
    clues = tuple(clue for clue in found if clue is not None)
    if not clues:
        clues = (Clue("tenant", tenant_zone, (Place(tenant_zone),)),)
    return Whereabouts.from_clues(clues)


def _order(place: Place) -> tuple[str, str]:
    return place.zone, place.state or ""


def _state_clue(state: str | None) -> Clue | None:
    row = us_places().by_name.get((state or "").strip().lower())
    return Clue("state", row.code, row.places) if row else None


def _postal_code_clue(postal_code: str | None) -> Clue | None:
    digits = (postal_code or "").strip().partition("-")[0]
    if len(digits) != 5 or not (digits.isascii() and digits.isdigit()):
        return None
    prefixes = us_places().by_zip_prefix
    row = prefixes.get(digits) or prefixes.get(digits[:3])
    return Clue("postal_code", f"{digits[:3]}xx", row.places) if row else None


def _phone_clue(phone: str) -> Clue | None:
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.number_type(number) in _NOWHERE_IN_PARTICULAR:
        return None
    national = phonenumbers.national_significant_number(number)
    area_code = national[:3] if number.country_code == 1 else ""
    row = us_places().by_area_code.get(area_code)
    zones = {zone for zone in time_zones_for_geographical_number(number) if _known(zone)}
    # Where a state's area code crosses a zone border, the numbering plan's data names one side only.
    places = {Place(zone, row.code if row else None) for zone in zones} | set(row.places if row else ())
    if not places:
        return None
    return Clue("phone", f"+{number.country_code} {area_code}".strip(), tuple(sorted(places, key=_order)))


@cache
def _known(zone: str) -> bool:
    if zone == UNKNOWN_TIMEZONE:
        return False
    try:
        ZoneInfo(zone)
    except ZoneInfoNotFoundError:
        return False
    return True
