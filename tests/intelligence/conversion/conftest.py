"""Facts as they might come, for every test that asks hypothesis for a `Fact`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from porchlight.intelligence.conversion import KINDS, STAGES, Fact
from porchlight.intelligence.conversion.kinds import (
    Amount,
    Assignment,
    Consent,
    Criteria,
    ListingTouch,
    Meeting,
    MessageOut,
    Payload,
    StageChange,
    Tour,
)

START = 1_700_000_000.0
DAY = 86_400.0

times = st.floats(START, START + 400 * DAY)
prices = st.floats(50_000, 5_000_000)
areas = st.sampled_from(["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo"])
moments = times.map(lambda at: datetime.fromtimestamp(at, UTC).isoformat())

FIELDS: dict[type[Payload], dict[str, st.SearchStrategy[Any]]] = {
    Amount: {"amount": prices},
    Assignment: {"to": st.sampled_from("pq"), "from": st.sampled_from("pq")},
    Consent: {"channel": st.sampled_from(["email", "sms", "call"])},
    Criteria: {
        "intent": st.sampled_from(["buy", "sell", "rent"]),
        "price_min": prices,
        "price_max": prices,
        "areas": st.lists(areas, max_size=7),
        "bedrooms_min": st.integers(0, 6),
        "bathrooms_min": st.integers(0, 4),
        "property_type": st.sampled_from(["House", "Condo"]),
        "timeframe_days": st.floats(0, 1000),
        "financing": st.sampled_from(["cash", "preapproved", "applying", "none"]),
    },
    ListingTouch: {
        "listing_key": st.integers(1, 12).map("MLS-{}".format),
        "list_price": prices,
        "city": areas,
        "area": areas,
        "bedrooms_total": st.integers(0, 6),
        "property_type": st.sampled_from(["House", "Condo"]),
    },
    Meeting: {"at": moments},
    Tour: {"at": moments, "listing_key": st.just("MLS-1")},
    MessageOut: {"automated": st.booleans()},
    StageChange: {"to": st.sampled_from(STAGES)},
}


def facts_of(kind: str) -> st.SearchStrategy[Fact]:
    payloads = st.fixed_dictionaries({}, optional=FIELDS.get(KINDS[kind].model, {}))
    sources = st.one_of(st.none(), st.sampled_from([f"source {number}" for number in range(12)]))
    return st.builds(Fact, st.just(kind), times, payloads, sources)


st.register_type_strategy(Fact, st.sampled_from(sorted(KINDS)).flatmap(facts_of))
