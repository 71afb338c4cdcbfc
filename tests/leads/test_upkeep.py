from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point
from porchlight.leads.inputs import LeadInput
from porchlight.leads.upkeep import reforecast_some

FIRST = UUID(int=0)


async def test_a_lead_that_nothing_happens_to_cools_down_and_its_line_says_so(brokerage: Any) -> None:
    given = LeadInput("web", "a", "web", contact_points=(email_point("jo@example.com"),))
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await capture_leads(uow, [Incoming(given, {})], door="import", live=False)
    brokerage.clock.advance(timedelta(days=60))
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        before = await (await uow.connection.execute("SELECT score FROM lead_states")).fetchall()
        assert await reforecast_some(uow, FIRST) is not None
        after = await (await uow.connection.execute("SELECT score, forecast_at FROM lead_states")).fetchall()
        causes = await (await uow.connection.execute("SELECT cause, score FROM scores ORDER BY id")).fetchall()
        assert await reforecast_some(uow, FIRST) is None
    assert after[0][0] < before[0][0] - 1
    assert after[0][1] == brokerage.clock.now()
    assert causes == [("lead.captured", before[0][0]), ("time", after[0][0])]
