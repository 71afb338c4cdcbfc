"""Doing over changes nothing that is right, and mends what is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import decode
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point
from porchlight.leads.find import Reference
from porchlight.leads.inputs import LeadInput
from porchlight.leads.record import ActivityInput, record_activities
from porchlight.leads.replay import open_items, refold, replay_activities

HOME = {"listing_key": "MLS-1", "list_price": 439000.5, "city": "Albany", "bedrooms_total": 3}
DEEDS: list[tuple[str, dict[str, Any]]] = [
    ("listing.viewed", HOME),
    ("listing.viewed", HOME | {"listing_key": "MLS-2", "list_price": 510000, "city": "Troy"}),
    ("listing.saved", HOME),
    ("criteria.stated", {"intent": "buy", "price_max": 500000.0, "areas": ["Troy"], "timeframe_days": 60}),
    ("criteria.stated", {"price_min": 300000, "bedrooms_min": 2}),
    ("message.sent", {"channel": "email"}),
    ("message.received", {"channel": "email", "text": "Yes, gladly"}),
    ("message.clicked", {}),
    ("call.held", {"seconds": 120}),
    ("appointment.booked", {"at": "2026-03-12T15:00:00Z"}),
    ("tour.held", {"listing_key": "MLS-1"}),
    ("stage.changed", {"to": "offer"}),
    ("lead.lost", {}),
    ("lead.reopened", {}),
    ("consent.withdrawn", {"channel": "sms"}),
]
_ids = count()

histories = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(1, 80_000)), min_size=1, max_size=14)
splits = st.lists(st.integers(0, 14), max_size=3)
per_example = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def captured(brokerage: Any) -> UUID:
    given = LeadInput(
        origin="web", external_id=f"lead-{next(_ids)}", source="web", created_at=minutes_ago(brokerage, 90_000)
    )
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        [capture] = await capture_leads(uow, [Incoming(given, {})], door="api", live=False)
    lead_id: UUID = capture.lead_id
    return lead_id


def minutes_ago(brokerage: Any, minutes: int) -> datetime:
    at: datetime = brokerage.clock.now() - timedelta(minutes=minutes)
    return at


async def recorded(brokerage: Any, lead_id: UUID, history: list[Any], cuts: list[int]) -> None:
    """The history recorded in batches that end at `cuts`."""
    inputs = [
        ActivityInput(Reference(lead_id), kind, minutes_ago(brokerage, minutes), payload, "web", None, {})
        for (kind, payload), minutes in history
    ]
    edges = [0, *sorted(cuts), len(inputs)]
    for start, end in pairwise(edges):
        if inputs[start:end]:
            async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
                results = await record_activities(uow, inputs[start:end], door="api", region="US")
            assert {result.status for result in results} == {"recorded"}


async def row_of(brokerage: Any, lead_id: UUID) -> Any:
    query = """
        SELECT s.state, s.score, s.probability, s.factors, s.grade, s.activity_count, s.last_activity_at, l.stage
        FROM lead_states s JOIN leads l ON l.id = s.lead_id WHERE s.lead_id = %s
    """
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await (await uow.connection.execute(query, (lead_id,))).fetchone()


async def rebuilt(brokerage: Any, lead_id: UUID) -> list[UUID]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await refold(uow, [lead_id])


@per_example
@given(history=histories, cuts=splits)
async def test_facts_that_came_in_their_order_refold_to_the_same_bits(
    brokerage: Any, history: list[Any], cuts: list[int]
) -> None:
    lead_id = await captured(brokerage)
    await recorded(brokerage, lead_id, sorted(history, key=lambda deed: -deed[1]), cuts)
    live = await row_of(brokerage, lead_id)
    assert await rebuilt(brokerage, lead_id) == []
    assert await row_of(brokerage, lead_id) == live


@per_example
@given(history=histories, cuts=splits)
async def test_facts_that_came_late_refold_to_the_same_counts(
    brokerage: Any, history: list[Any], cuts: list[int]
) -> None:
    lead_id = await captured(brokerage)
    await recorded(brokerage, lead_id, history, cuts)
    before = await row_of(brokerage, lead_id)
    await rebuilt(brokerage, lead_id)
    after = await row_of(brokerage, lead_id)
    assert after[5:] == before[5:]
    live, again = decode(before[0]), decode(after[0])
    for name in live.counts._fields:
        # These two depend on the order by their nature: what was wished for, and asked, when the fact came.
        if name not in ("matches", "promptness"):
            assert getattr(again.latest, name) == getattr(live.latest, name)
            assert getattr(again.counts, name) == pytest.approx(getattr(live.counts, name))


async def test_a_state_of_another_version_is_rebuilt(brokerage: Any) -> None:
    lead_id = await captured(brokerage)
    await recorded(brokerage, lead_id, [(DEEDS[0], 50)], [])
    live = await row_of(brokerage, lead_id)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await uow.connection.execute("UPDATE lead_states SET state = '[0]', score = 1, activity_count = 7")
    assert await rebuilt(brokerage, lead_id) == [lead_id]
    assert await row_of(brokerage, lead_id) == live


async def test_an_activity_that_came_before_its_lead_goes_in_when_it_is_replayed(brokerage: Any) -> None:
    database, tenant_id = brokerage.runtime.database, brokerage.tenant_id
    item = {"email": "jo@example.com", "kind": "listing.viewed", "payload": HOME}
    early = ActivityInput(Reference(email="jo@example.com"), "listing.viewed", None, HOME, "api", None, item)
    async with database.unit_of_work(tenant_id) as uow:
        [result] = await record_activities(uow, [early], door="api", region="US")
    assert result.status == "error"
    arrived = brokerage.clock.now()
    brokerage.clock.advance(timedelta(hours=2))

    async def replayed() -> int:
        async with database.unit_of_work(tenant_id) as uow:
            items = await open_items(uow, "activity", after=UUID(int=0))
            return await replay_activities(uow, items, "US") if items else 0

    assert await replayed() == 0
    given = LeadInput(origin="web", external_id="jo", source="web", contact_points=(email_point("jo@example.com"),))
    async with database.unit_of_work(tenant_id) as uow:
        await capture_leads(uow, [Incoming(given, {})], door="api", live=False)
    assert await replayed() == 1
    assert await replayed() == 0
    async with database.unit_of_work(tenant_id) as uow:
        query = "SELECT occurred_at FROM activities WHERE kind = 'listing.viewed'"
        assert await (await uow.connection.execute(query)).fetchall() == [(arrived,)]


async def test_only_what_is_asked_for_is_replayed(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        for source in ("crm", "portal"):
            lost = ActivityInput(Reference(email="no@example.com"), "listing.viewed", None, {}, source, None, {})
            await record_activities(uow, [lost], door="api", region="US")
        assert len(await open_items(uow, "activity", after=UUID(int=0))) == 2
        assert len(await open_items(uow, "activity", after=UUID(int=0), source="crm", failed_only=True)) == 1
        assert await open_items(uow, "delivery", after=UUID(int=0)) == []
