from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from porchlight.kit.database import UnitOfWork
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point, phone_point
from porchlight.leads.inputs import LeadInput


def lead(external_id: str, *, email: str | None = None, phone: str | None = None, **fields: Any) -> Incoming:
    points = tuple([email_point(email)] if email else []) + tuple([phone_point(phone)] if phone else [])
    source = fields.pop("source", "website")
    given = LeadInput(origin=source, external_id=external_id, source=source, contact_points=points, **fields)
    return Incoming(given, {"id": external_id})


async def captured(brokerage: Any, *incoming: Incoming) -> list[Any]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await capture_leads(uow, incoming, door="api", live=True)


async def rows(uow: UnitOfWork, query: str, *parameters: Any) -> list[Any]:
    cursor = await uow.connection.execute(query, parameters)
    return await cursor.fetchall()


async def test_the_same_address_in_another_spelling_is_the_same_lead(brokerage: Any) -> None:
    [first] = await captured(brokerage, lead("a", email="Jo.Doe+home@gmail.com", full_name="Jo Doe"))
    [second] = await captured(brokerage, lead("b", email="jodoe@googlemail.com", source="portal"))
    assert (first.outcome, second.outcome) == ("created", "matched")
    assert second.lead_id == first.lead_id
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert await rows(uow, "SELECT source, external_id, name FROM leads") == [("website", "a", "Jo Doe")]
        kinds = await rows(uow, "SELECT kind FROM activities ORDER BY id")
    assert kinds == [("lead.captured",), ("lead.inquired",)]


async def test_the_same_external_id_of_a_source_changes_nothing_the_second_time(brokerage: Any) -> None:
    [first] = await captured(brokerage, lead("a", email="jo@example.com"))
    [again] = await captured(brokerage, lead("a", email="jo@example.com"))
    assert again.outcome == "duplicate"
    assert again.lead_id == first.lead_id
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert await rows(uow, "SELECT count(*) FROM activities") == [(1,)]


async def test_one_batch_can_hold_one_person_several_times(brokerage: Any) -> None:
    captures = await captured(
        brokerage,
        lead("a", email="jo@example.com"),
        lead("b", phone="(212) 555-0123", email="JO@example.com"),
        lead("c", phone="+1 212 555 0123"),
        lead("d"),
        lead("a", email="jo@example.com"),
    )
    assert [c.outcome for c in captures] == ["created", "matched", "matched", "created", "duplicate"]
    assert len({c.lead_id for c in captures}) == 2


async def test_captures_of_one_person_at_the_same_moment_make_one_lead(brokerage: Any) -> None:
    answers = await asyncio.gather(
        *(captured(brokerage, lead(f"x{n}", email="jo@example.com", phone="+12125550123")) for n in range(8))
    )
    outcomes = sorted(capture.outcome for [capture] in answers)
    assert outcomes == ["created"] + ["matched"] * 7
    ids: set[UUID] = {capture.lead_id for [capture] in answers}
    assert len(ids) == 1
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert await rows(uow, "SELECT count(*) FROM leads") == [(1,)]
        assert await rows(uow, "SELECT count(*) FROM activities") == [(8,)]
        assert await rows(uow, "SELECT activity_count FROM lead_states") == [(8,)]
