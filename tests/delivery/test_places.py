from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers.timezone import time_zones_for_geographical_number

from porchlight.delivery.places import Place, us_places, whereabouts

TENANT = "America/New_York"
JANUARY, JULY = datetime(2027, 1, 15, tzinfo=UTC), datetime(2027, 7, 15, tzinfo=UTC)


def offsets(zone: str) -> tuple[object, object]:
    return (JANUARY.astimezone(ZoneInfo(zone)).utcoffset(), JULY.astimezone(ZoneInfo(zone)).utcoffset())


def test_all_states_the_district_and_the_territories_are_listed() -> None:
    states = {row.code for row in us_places().by_name.values()}
    assert len(states) == 50 + 1 + 5
    assert set(us_places().by_zip_prefix.values()) == set(us_places().by_area_code.values())


def test_no_area_code_belongs_to_two_states() -> None:
    import tomllib
    from importlib import resources

    text = resources.files("porchlight.delivery").joinpath("data/us_places.toml").read_text("utf-8")
    codes = list(chain.from_iterable(entry["area_codes"] for entry in tomllib.loads(text).values()))
    assert len(codes) == len(set(codes)) > 350


def test_every_zone_of_the_numbering_plan_lies_within_the_zones_of_the_area_codes_state() -> None:
    """Two sources written apart: libphonenumber's zones by prefix, and our zones by state."""
    for area_code, row in us_places().by_area_code.items():
        ours = {offsets(zone) for zone in row.zones}
        for exchange in range(200, 1000, 37):
            number = phonenumbers.parse(f"+1{area_code}{exchange}0100")
            for zone in time_zones_for_geographical_number(number):
                if zone == "Pacific/Honolulu" and row.code == "AK":
                    continue  # the Aleutian prefixes are listed under Honolulu, which keeps no summer time
                if zone != "Etc/Unknown":
                    assert offsets(zone) in ours, (area_code, row.code, zone)


@pytest.mark.parametrize(
    ("postal_code", "state"),
    [
        ("78701", "TX"), ("02139", "MA"), ("10001-1234", "NY"), ("99501", "AK"), ("96799", "AS"), ("96813", "HI"),
        ("06390", "NY"), ("06510", "CT"), ("96950", "MP"), ("96910", "GU"), ("20001", "DC"), ("22030", "VA"),
    ],
)  # fmt: skip
def test_a_zip_code_names_its_state(postal_code: str, state: str) -> None:
    found = whereabouts(tenant_zone=TENANT, postal_code=postal_code)
    assert {place.state for place in found.places} == {state}


@pytest.mark.parametrize("spelling", ["TX", "tx", " Texas "])
def test_a_state_is_known_by_code_and_by_name(spelling: str) -> None:
    found = whereabouts(tenant_zone=TENANT, state=spelling)
    assert found.places == (Place("America/Chicago", "TX"), Place("America/Denver", "TX"))


def test_an_area_code_counts_for_every_zone_of_its_state() -> None:
    # Western Kentucky is on Central time, though the numbering plan's data lists 270 under New York.
    found = whereabouts(tenant_zone=TENANT, phones=["+12705550123"])
    assert {"America/Chicago", "America/New_York"} <= set(found.zones)
    assert [(clue.basis, clue.value) for clue in found.clues] == [("phone", "+1 270")]


def test_address_and_number_that_disagree_both_count() -> None:
    found = whereabouts(tenant_zone=TENANT, state="CA", phones=["+12125550123"])
    assert {place.state for place in found.places} == {"CA", "NY"}
    assert [clue.basis for clue in found.clues] == ["state", "phone"]


def test_a_number_abroad_gives_its_zone_and_no_state() -> None:
    found = whereabouts(tenant_zone=TENANT, phones=["+442079460018"])
    assert Place("Europe/London", None) in found.places
    assert all(place.state is None for place in found.places)


@pytest.mark.parametrize("phone", ["+18005550199", "not a number", "", "2125550123"])
def test_a_number_that_tells_no_place_leaves_the_tenants_zone(phone: str) -> None:
    found = whereabouts(tenant_zone=TENANT, state="Bavaria", postal_code="8033", phones=[phone])
    assert found.places == (Place(TENANT, None),)
    assert [clue.basis for clue in found.clues] == ["tenant"]


def test_the_evidence_never_holds_the_number() -> None:
    found = whereabouts(tenant_zone=TENANT, postal_code="78701", phones=["+15125550123"])
    assert "5550123" not in repr(found)
    assert "78701" not in repr(found)
