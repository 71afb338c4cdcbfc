"""A house: a brokerage with agents, and short ways to let things happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any, LiteralString
from uuid import UUID

import pytest

from porchlight.accounts.manage import create_user
from porchlight.accounts.permissions import Role
from porchlight.automation.routing.seats import set_seat
from porchlight.kit.feed import read_frames
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point, phone_point
from porchlight.leads.events import Capture, Door
from porchlight.leads.find import Reference
from porchlight.leads.inputs import LeadInput
from porchlight.leads.record import ActivityInput, record_activities

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class House:
    """A brokerage, what happens to it, and what became of it."""

    brokerage: Any

    def work(self) -> Any:
        return self.brokerage.runtime.database.unit_of_work(self.brokerage.tenant_id)

    async def agent(self, name: str, **terms: Any) -> UUID:
        async with self.work() as uow:
            email = f"{name.lower()}@agents.example.com"
            user = await create_user(uow, email=email, name=name, role=Role.AGENT)
            await set_seat(uow, user.id, **{"time_zone": "America/New_York", **terms})
        return user.id

    async def capture(
        self,
        *,
        door: Door = "api",
        live: bool = True,
        email: str | None = None,
        phone: str | None = None,
        **fields: Any,
    ) -> UUID:
        [capture] = await self.capture_all([self.lead(email, phone, **fields)], door=door, live=live)
        return capture.lead_id

    async def capture_all(self, given: list[LeadInput], *, door: Door = "api", live: bool = True) -> list[Capture]:
        async with self.work() as uow:
            return await capture_leads(uow, [Incoming(one, {}) for one in given], door=door, live=live)

    @staticmethod
    def lead(email: str | None = None, phone: str | None = None, **fields: Any) -> LeadInput:
        points = [*([email_point(email)] if email else []), *([phone_point(phone)] if phone else [])]
        return LeadInput("web", str(next(_numbers)), "website", contact_points=tuple(points), **fields)

    async def fact(self, lead_id: UUID, kind: str, **payload: Any) -> None:
        given = ActivityInput(Reference(lead_id=lead_id), kind, None, payload, "test", None, {})
        async with self.work() as uow:
            [result] = await record_activities(uow, [given], door="api", region="US")
        assert result.status == "recorded", result.error

    async def rows(self, query: LiteralString, *parameters: Any) -> list[Any]:
        async with self.work() as uow:
            return list(await (await uow.connection.execute(query, parameters)).fetchall())

    async def owner(self, lead_id: UUID) -> UUID | None:
        [(owner_id,)] = await self.rows("SELECT owner_id FROM leads WHERE id = %s", lead_id)
        return owner_id  # type: ignore[no-any-return]

    async def frames(self, kind: str) -> list[Any]:
        async with self.work() as uow:
            found = await read_frames(uow.connection, self.brokerage.tenant_id, after=0)
        return [frame for frame in found if f'"kind":"{kind}"' in frame.text]

    async def run_jobs(self) -> None:
        await self.brokerage.run_jobs()


@pytest.fixture
def house(brokerage: Any) -> House:
    return House(brokerage)


@pytest.fixture
def other_house(other_brokerage: Any) -> House:
    return House(other_brokerage)
