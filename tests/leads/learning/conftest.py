from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.find import Reference
from porchlight.leads.inputs import LeadInput
from porchlight.leads.record import ActivityInput, record_activities

_ids = count()


class Past:
    """Leads and what they did, put in through the doors at whatever time the clock shows."""

    def __init__(self, brokerage: Any) -> None:
        self.brokerage = brokerage

    async def lead(self, at: datetime | None = None, **given: Any) -> UUID:
        fields = {"origin": "web", "external_id": f"past-{next(_ids)}", "source": "Portal", "created_at": at} | given
        async with self.brokerage.runtime.database.unit_of_work(self.brokerage.tenant_id) as uow:
            [capture] = await capture_leads(uow, [Incoming(LeadInput(**fields), {})], door="api", live=False)
        return capture.lead_id

    async def does(self, lead_id: UUID, kind: str, at: datetime | None = None, **payload: Any) -> None:
        given = ActivityInput(Reference(lead_id=lead_id), kind, at, payload, "web", f"past-{next(_ids)}", {})
        async with self.brokerage.runtime.database.unit_of_work(self.brokerage.tenant_id) as uow:
            [result] = await record_activities(uow, [given], door="api", region="US")
        assert result.status == "recorded", result


@pytest.fixture
def past(brokerage: Any) -> Past:
    return Past(brokerage)
