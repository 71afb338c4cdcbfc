from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from porchlight.automation.routing.drain import AT_ONCE, wake
from porchlight.automation.routing.queries import assignment_history
from porchlight.automation.routing.seats import set_seat
from porchlight.kit.database import libpq_url
from porchlight.kit.installation import Urls

OFFICE = {"tue": [["09:00", "18:00"]], "wed": [["09:00", "18:00"]]}
ZONE = "America/New_York"


async def test_more_room_lets_the_longest_waiting_in_first(house: Any) -> None:
    one = await house.agent("One", capacity=0)
    leads = []
    for _ in range(3):
        leads.append(await house.capture())
        house.brokerage.clock.advance(timedelta(minutes=1))
    async with house.work() as uow:
        await set_seat(uow, one, time_zone=ZONE, capacity=2)
    await house.run_jobs()
    assert [await house.owner(lead_id) for lead_id in leads] == [one, one, None]
    async with house.work() as uow:
        assigned, waited = await assignment_history(uow, leads[0])
    assert (assigned["rule"], waited["rule"]) == ("fair_turn", "waiting")
    assert [seat["outcome"] for seat in assigned["considered"]] == ["chosen"]
    assert len(await house.frames("lead.assigned")) == 2


async def test_a_queue_longer_than_one_round_drains_whole(house: Any) -> None:
    one = await house.agent("One", capacity=0)
    await house.capture_all([house.lead() for _ in range(AT_ONCE + 30)], door="import", live=False)
    async with house.work() as uow:
        await set_seat(uow, one, time_zone=ZONE, capacity=AT_ONCE + 10)
    await house.run_jobs()
    assert await house.rows("SELECT count(*) FROM leads WHERE owner_id IS NULL") == [(20,)]


async def test_a_live_lead_waits_for_working_hours_and_an_imported_one_does_not(house: Any) -> None:
    clock = house.brokerage.clock
    clock.advance(timedelta(hours=8))  # eleven in the evening
    one = await house.agent("One", working_hours=OFFICE, away_until=clock.now() + timedelta(hours=1))
    live = await house.capture()
    [imported] = await house.capture_all([house.lead()], door="import", live=False)
    clock.advance(timedelta(hours=2))
    await wake_up(house)
    assert (await house.owner(live), await house.owner(imported.lead_id)) == (None, one)
    clock.advance(timedelta(hours=8))  # nine in the morning
    await wake_up(house)
    assert await house.owner(live) == one


async def test_after_a_day_a_live_lead_goes_to_anybody_at_any_hour(house: Any) -> None:
    one = await house.agent("One", working_hours={"sun": [["09:00", "18:00"]]})
    lead_id = await house.capture()
    await wake_up(house)
    assert await house.owner(lead_id) is None
    house.brokerage.clock.advance(timedelta(hours=25))
    await wake_up(house)
    assert await house.owner(lead_id) == one


async def test_leads_that_must_wait_do_not_hold_back_the_ones_behind_them(house: Any) -> None:
    one = await house.agent("One", working_hours={"sun": [["09:00", "18:00"]]}, capacity=1)
    blocker = await house.capture(door="import", live=False)
    await house.capture_all([house.lead() for _ in range(AT_ONCE + 5)])
    house.brokerage.clock.advance(timedelta(minutes=5))
    [late] = await house.capture_all([house.lead()], door="import", live=False)
    assert (await house.owner(blocker), await house.owner(late.lead_id)) == (one, None)
    await house.fact(blocker, "lead.lost")
    await house.run_jobs()
    assert await house.owner(late.lead_id) == one


async def test_a_lead_that_somebody_is_writing_to_is_left_for_the_next_round(house: Any) -> None:
    one = await house.agent("One", capacity=0)
    busy, free = await house.capture(), await house.capture()
    async with house.work() as uow:
        await set_seat(uow, one, time_zone=ZONE)
    async with house.work() as writer:
        await writer.connection.execute("SELECT 1 FROM lead_states WHERE lead_id = %s FOR UPDATE", (busy,))
        await asyncio.wait_for(house.run_jobs(), 10)
        assert (await house.owner(busy), await house.owner(free)) == (None, one)
    await wake_up(house)
    assert await house.owner(busy) == one


async def test_closed_leads_leave_the_queue_by_themselves(house: Any) -> None:
    lead_id = await house.capture()
    await house.fact(lead_id, "lead.lost")
    await house.agent("One")
    await house.run_jobs()
    assert await house.owner(lead_id) is None


@pytest.mark.parametrize("anybody_waits", [True, False])
async def test_nothing_is_queued_while_nobody_waits(house: Any, installation: Urls, anybody_waits: bool) -> None:
    one = await house.agent("One", capacity=1)
    first = await house.capture()
    if anybody_waits:
        await house.capture()
    await house.fact(first, "lead.lost")
    await house.fact(first, "lead.reopened")
    await house.fact(first, "lead.lost")
    with psycopg.connect(libpq_url(installation.owner)) as connection:
        found = connection.execute(
            "SELECT 1 FROM jobs.procrastinate_jobs WHERE task_name = 'routing.drain' AND status = 'todo'"
        ).fetchall()
    assert len(found) == anybody_waits
    assert one


async def wake_up(house: Any) -> None:
    """What the clock does every minute."""
    async with house.work() as uow:
        await wake(uow)
    await house.run_jobs()
