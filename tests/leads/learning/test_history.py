"""What is read for learning is what was there when it was served, to the bit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from porchlight.intelligence.conversion import EMPTY, encode, fold
from porchlight.intelligence.conversion.history.landmarks import Pursuit
from porchlight.leads.learning import history
from porchlight.leads.learning.history import read_pursuits
from porchlight.leads.serving import custom_texts


async def read(brokerage: Any) -> dict[str, Pursuit]:
    database, now = brokerage.runtime.database, brokerage.clock.now()
    return {
        pursuit.id: pursuit async for batch in read_pursuits(database, brokerage.tenant_id, now) for pursuit in batch
    }


async def test_replayed_states_equal_those_that_served_to_the_bit_also_when_facts_came_late(
    brokerage: Any, past: Any
) -> None:
    leads = [await past.lead() for _ in range(3)]
    for number in range(12):
        brokerage.clock.advance(timedelta(hours=7 * (number % 4), minutes=number))
        lead, late = leads[number % 3], brokerage.clock.now() - timedelta(hours=5 * (number % 2))
        kind = ("message.received", "listing.viewed", "message.sent", "tour.booked")[number % 4]
        await past.does(lead, kind, late)
    pursuits = await read(brokerage)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT lead_id::text, state FROM lead_states")
        served = dict(await cursor.fetchall())
    for lead_id, pursuit in pursuits.items():
        state = EMPTY
        for fact in pursuit.facts:
            state = fold(state, fact)
        assert encode(state) == bytes(served[lead_id])
    assert len(pursuits) == 3


async def test_history_that_was_brought_in_comes_at_its_own_time_and_before_what_was_done_on_arrival(
    brokerage: Any, past: Any
) -> None:
    now = brokerage.clock.now()
    lead = await past.lead(now - timedelta(days=90))
    for day in (80, 70, 75):
        await past.does(lead, "listing.viewed", now - timedelta(days=day))
    await past.does(lead, "lead.assigned")
    await past.does(lead, "call.held", now - timedelta(days=60))
    [pursuit] = (await read(brokerage)).values()
    assert [round((now.timestamp() - fact.occurred_at) / 86400) for fact in pursuit.facts] == [90, 80, 75, 70, 60, 0]


async def test_what_was_recorded_later_is_not_read(brokerage: Any, past: Any) -> None:
    lead = await past.lead()
    before = brokerage.clock.now()
    brokerage.clock.advance(timedelta(days=1))
    await past.does(lead, "deal.closed", before - timedelta(minutes=1))
    database = brokerage.runtime.database
    [[then]] = [batch async for batch in read_pursuits(database, brokerage.tenant_id, before)]
    [[now]] = [batch async for batch in read_pursuits(database, brokerage.tenant_id, brokerage.clock.now())]
    assert "deal.closed" not in [fact.kind for fact in then.facts]
    assert "deal.closed" in [fact.kind for fact in now.facts]


async def test_an_imported_past_lead_is_known_to_hold_its_result_only(brokerage: Any, past: Any) -> None:
    now = brokerage.clock.now()
    imported = await past.lead(now - timedelta(days=200), outcome="won", outcome_at=now - timedelta(days=80))
    lived = await past.lead(now - timedelta(days=20))
    brokerage.clock.advance(timedelta(days=1))
    await past.does(lived, "lead.lost")
    found = await read(brokerage)
    assert (found[str(imported)].result_only, found[str(lived)].result_only) == (True, False)


async def test_every_lead_is_read_once_however_small_the_batches(brokerage: Any, past: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 2)
    leads = [await past.lead() for _ in range(5)]
    batches = [
        batch async for batch in read_pursuits(brokerage.runtime.database, brokerage.tenant_id, brokerage.clock.now())
    ]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert {pursuit.id for batch in batches for pursuit in batch} == {str(lead) for lead in leads}


def test_custom_fields_with_one_value_are_kept_as_text() -> None:
    custom = {"Dog": "yes", "Rooms": 3, "Nothing": None, "Many": ["a"], "Deep": {"a": 1}}
    assert custom_texts(custom) == {"Dog": "yes", "Rooms": "3"}
