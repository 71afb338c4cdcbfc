from __future__ import annotations

from datetime import date, datetime
from statistics import median

from porchlight.demo.places import AREAS, ZONE
from porchlight.demo.simulate import LISTINGS, Brokerage

STANDARD_STATUS = {"Active", "Active Under Contract", "Pending", "Closed", "Withdrawn", "Expired"}
"""Those of RESO's StandardStatus values that the demo uses."""


def test_about_three_hundred_homes_with_keys_of_their_own(brokerage: Brokerage) -> None:
    assert len({home.listing_key for home in brokerage.listings}) == LISTINGS
    assert {home.standard_status for home in brokerage.listings} == STANDARD_STATUS


def test_dates_and_prices_agree_with_the_status(brokerage: Brokerage, now: datetime) -> None:
    today: date = now.astimezone(ZONE).date()
    for home in brokerage.listings:
        assert home.on_market_date <= home.off_market_date <= today
        assert home.list_price <= home.original_list_price
        closed = home.standard_status == "Closed"
        assert (home.close_date is not None) is (home.close_price is not None) is closed
        if home.close_date and home.close_price:
            assert home.off_market_date < home.close_date <= today
            assert 0.9 < home.close_price / home.list_price < 1.1
        if home.standard_status == "Active":
            assert home.off_market_date == today


def test_there_are_homes_to_look_at_now(brokerage: Brokerage) -> None:
    assert sum(home.standard_status == "Active" for home in brokerage.listings) >= 40


def test_homes_stand_in_their_neighbourhood_at_plausible_prices(brokerage: Brokerage) -> None:
    centre = {area.name: area for area in AREAS}
    for home in brokerage.listings:
        area = centre[home.area]
        assert abs(home.latitude - area.latitude) < 0.03
        assert abs(home.longitude - area.longitude) < 0.04
        assert (home.city, home.postal_code) == (area.city, area.postal_code)
        assert area.built[0] <= home.year_built <= area.built[1]
        assert 150_000 < home.list_price < 2_500_000
    assert 450_000 < median(home.list_price for home in brokerage.listings) < 750_000


def test_a_dearer_area_has_dearer_homes(brokerage: Brokerage) -> None:
    prices = {
        name: median(home.list_price / home.living_area for home in brokerage.listings if home.area == name)
        for name in ("Lake Oswego", "Lents")
    }
    assert prices["Lake Oswego"] > 1.3 * prices["Lents"]


def test_remarks_speak_of_the_home_alone(brokerage: Brokerage) -> None:
    unfair = ("family", "families", "safe", "church", "exclusive", "perfect for", "walking distance", "school")
    for home in brokerage.listings:
        text = home.public_remarks.lower().replace("single family residence", "")
        assert not any(word in text for word in unfair)
        assert home.area.lower() in text
