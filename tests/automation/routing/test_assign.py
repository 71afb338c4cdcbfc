from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from structlog.testing import capture_logs

from porchlight.automation.routing.queries import assignment_history, seats_overview
from porchlight.automation.routing.seats import reassign, set_seat
from porchlight.kit.errors import PorchlightError

OFFICE = {day: [["09:00", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
EVENING = timedelta(hours=8)  # from three in the afternoon to eleven


async def test_a_captured_lead_gets_an_agent_with_the_reasons_kept(house: Any) -> None:
    one, two = await house.agent("One"), await house.agent("Two", capacity=0)
    lead_id = await house.capture(full_name="Jo Doe")
    assert await house.owner(lead_id) == one
    async with house.work() as uow:
        [assignment] = await assignment_history(uow, lead_id)
    assert (assignment["owner"], assignment["rule"]) == ({"id": str(one), "name": "One"}, "fair_turn")
    assert [(seat["name"], seat["outcome"], seat["sentence"]) for seat in assignment["considered"]] == [
        ("One", "chosen", "Next in turn, level with their fair share."),
        ("Two", "unavailable", "At capacity, with 0 open leads."),
    ]
    kinds = await house.rows("SELECT kind, payload FROM activities WHERE lead_id = %s ORDER BY id", lead_id)
    assert kinds[1] == ("lead.assigned", {"to": str(one)})
    assert await house.owner(await house.capture()) == one
    assert two not in await owners_of(house)


async def test_the_assignment_is_shown_live_to_the_agent(house: Any) -> None:
    one = await house.agent("One")
    lead_id = await house.capture()
    [frame] = await house.frames("lead.assigned")
    assert frame.audience == frozenset({one})
    said = orjson.loads(frame.text)
    assert said["lead_id"] == str(lead_id)
    assert (said["owner_id"], said["owner_name"], said["rule"]) == (str(one), "One", "fair_turn")
    assert said["reason"] == "Next in turn, level with their fair share."


async def test_when_nobody_is_free_the_lead_waits_and_the_reasons_are_kept(house: Any) -> None:
    await house.agent("Full", capacity=0)
    lead_id = await house.capture()
    assert await house.owner(lead_id) is None
    [frame] = await house.frames("lead.queued")
    assert frame.audience == frozenset()
    async with house.work() as uow:
        [assignment] = await assignment_history(uow, lead_id)
    assert (assignment["owner"], assignment["rule"]) == (None, "waiting")
    assert [seat["sentence"] for seat in assignment["considered"]] == ["At capacity, with 0 open leads."]


async def test_without_seats_leads_wait_without_a_trace(house: Any) -> None:
    lead_id = await house.capture()
    assert await house.owner(lead_id) is None
    assert await house.rows("SELECT 1 FROM assignments") == []


async def test_a_lead_that_came_in_closed_is_given_to_nobody(house: Any) -> None:
    await house.agent("One")
    await house.capture(outcome="won")
    await house.capture(stage="lost")
    assert await owners_of(house) == Counter({None: 2})


async def test_agents_off_hours_or_away_or_gone_are_passed_over(house: Any) -> None:
    house.brokerage.clock.advance(EVENING)
    now = house.brokerage.clock.now()
    await house.agent("Asleep", working_hours=OFFICE)
    await house.agent("Away", away_until=now + timedelta(days=1))
    await house.agent("Gone", is_active=False)
    awake = await house.agent("Awake", working_hours={"tue": [["20:00", "23:30"]]})
    assert await house.owner(await house.capture()) == awake


async def test_an_imported_book_is_dealt_out_at_any_hour_and_in_silence(house: Any) -> None:
    house.brokerage.clock.advance(EVENING)
    asleep = await house.agent("Asleep", working_hours=OFFICE)
    captures = await house.capture_all([house.lead() for _ in range(50)], door="import", live=False)
    assert await owners_of(house) == Counter({asleep: 50})
    assert len(captures) == 50
    assert await house.frames("lead.assigned") == []
    assert await house.rows("SELECT count(*) FROM audit_entries WHERE body LIKE '%%leads.assigned%%'") == [(1,)]


async def test_an_old_book_sent_through_the_api_is_no_reason_to_wait_for_office_hours(house: Any) -> None:
    house.brokerage.clock.advance(EVENING)
    asleep = await house.agent("Asleep", working_hours=OFFICE)
    old = await house.capture(created_at=house.brokerage.clock.now() - timedelta(days=3))
    new = await house.capture()
    assert (await house.owner(old), await house.owner(new)) == (asleep, None)


async def test_a_lead_that_names_its_agent_is_theirs_whether_they_take_turns_or_not(house: Any) -> None:
    await house.agent("One")
    busy = await house.agent("Busy", capacity=0)
    unseated = house.brokerage.admin_id
    assert await house.owner(await house.capture(owner_email="Busy@agents.example.com")) == busy
    assert await house.owner(await house.capture(owner_email=house.brokerage.admin_email)) == unseated
    assert await house.owner(await house.capture(owner_email="nobody@agents.example.com")) not in (busy, unseated)
    rules = await house.rows("SELECT rule FROM assignments ORDER BY id")
    assert rules == [("preferred_owner",), ("preferred_owner",), ("fair_turn",)]


async def test_over_a_long_run_everybody_gets_their_share(house: Any) -> None:
    weights = {await house.agent("Half", weight=0.5): 0.5, await house.agent("Whole"): 1.0}
    weights[await house.agent("Much", weight=2.5)] = 2.5
    for batch in (1, 40, 7, 352):
        await house.capture_all([house.lead() for _ in range(batch)], door="import", live=False)
    got = await owners_of(house)
    for user_id, weight in weights.items():
        assert abs(got[user_id] - 400 * weight / 4) < 1


async def test_captures_at_the_same_moment_never_fill_a_seat_beyond_its_capacity(house: Any) -> None:
    agents = [await house.agent(name, capacity=10) for name in ("One", "Two", "Three")]
    leads = await asyncio.gather(*(house.capture(email=f"jo{n}@mail.example.com") for n in range(40)))
    assert await owners_of(house) == Counter({**dict.fromkeys(agents, 10), None: 10})

    owned = [lead_id for lead_id in leads if await house.owner(lead_id) is not None]
    for n, lead_id in enumerate(owned[:5]):
        await house.fact(lead_id, "deal.closed" if n % 2 else "lead.lost")
    await house.run_jobs()
    got = await house.rows(
        "SELECT owner_id, count(*) FROM leads WHERE stage NOT IN ('closed', 'lost') GROUP BY owner_id"
    )
    assert dict(got) == {**dict.fromkeys(agents, 10), None: 5}
    async with house.work() as uow:
        assert [seat.open_leads for seat in await seats_overview(uow)] == [10, 10, 10]


async def test_people_of_one_brokerage_take_no_leads_of_another(house: Any, other_house: Any) -> None:
    mine, theirs = await house.agent("Mine", capacity=1), await other_house.agent("Theirs", capacity=1)
    await asyncio.gather(*(h.capture() for h in (house, other_house, house, other_house)))
    assert await owners_of(house) == Counter({mine: 1, None: 1})
    assert await owners_of(other_house) == Counter({theirs: 1, None: 1})


async def test_a_capture_survives_a_routing_that_fails_and_the_queue_mends_it(house: Any) -> None:
    one = await house.agent("One")
    async with house.work() as uow:
        await uow.connection.execute("UPDATE routing_seats SET working_hours = '{\"noday\": []}'")
    with capture_logs() as logs:
        lead_id = await house.capture()
    assert [entry["event"] for entry in logs] == ["routing.failed"]
    assert await house.owner(lead_id) is None
    async with house.work() as uow:
        await uow.connection.execute("UPDATE routing_seats SET working_hours = NULL")
    await house.run_jobs()
    assert await house.owner(lead_id) == one


async def test_a_lead_is_given_from_hand_to_hand_and_both_see_it(house: Any) -> None:
    one = await house.agent("One")
    lead_id = await house.capture()
    two = await house.agent("Two", capacity=0)
    await hand_over(house, lead_id, two, reason="She speaks Spanish")
    assert await house.owner(lead_id) == two
    assert (await house.frames("lead.assigned"))[-1].audience == frozenset({one, two})
    async with house.work() as uow:
        latest, first = await assignment_history(uow, lead_id)
    assert (latest["rule"], latest["reason"], latest["considered"]) == ("by_hand", "She speaks Spanish", [])
    assert first["rule"] == "fair_turn"
    facts = await house.rows("SELECT payload FROM activities WHERE kind = 'lead.assigned' ORDER BY id")
    assert facts == [({"to": str(one)},), ({"to": str(two), "from": str(one)},)]


async def test_a_lead_put_back_into_the_queue_goes_to_whoever_is_free(house: Any) -> None:
    one = await house.agent("One")
    lead_id = await house.capture()
    await house.agent("Two", weight=9.0)
    async with house.work() as uow:
        await set_seat(uow, one, time_zone="America/New_York", is_active=False)
    await hand_over(house, lead_id, None)
    assert await house.owner(lead_id) is None
    await house.run_jobs()
    assert await house.owner(lead_id) not in (None, one)


async def test_a_lead_is_not_given_to_somebody_who_does_not_work_here(house: Any) -> None:
    lead_id = await house.capture()
    with pytest.raises(PorchlightError, match="still works here"):
        await hand_over(house, lead_id, UUID(int=1))
    with pytest.raises(PorchlightError, match="no such lead"):
        await hand_over(house, UUID(int=1), house.brokerage.admin_id)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"weight": 0.0}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"capacity": -1}, "capacity"),
        ({"working_hours": {"mon": [["18:00", "25:00"]]}}, "working_hours"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
async def test_terms_that_make_no_sense_are_refused_by_name(house: Any, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(PorchlightError) as refusal:
        async with house.work() as uow:
            await set_seat(uow, house.brokerage.admin_id, **{"time_zone": "UTC", **terms})
    assert (refusal.value.code, refusal.value.field) == ("request_invalid", field)


async def owners_of(house: Any) -> Counter[UUID | None]:
    return Counter(dict(await house.rows("SELECT owner_id, count(*) FROM leads GROUP BY owner_id")))


async def hand_over(house: Any, lead_id: UUID, user_id: UUID | None, **more: Any) -> None:
    async with house.work() as uow:
        await reassign(uow, lead_id, user_id, **more)
