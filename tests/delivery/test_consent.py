from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from porchlight.delivery.consent import address_hash, keep_stated_consent, ledger_of, suppressions_of
from porchlight.delivery.permit import Basis, ConsentRecord
from porchlight.delivery.tables import ConsentEntry
from porchlight.kit.clock import SetClock
from porchlight.kit.ids import uuid7
from porchlight.kit.runtime import Runtime
from porchlight.leads.contact_points import email_point, phone_point
from porchlight.leads.events import Capture, LeadsCaptured
from porchlight.leads.inputs import Consent, LeadInput

POINTS = (email_point("dana@example.com"), phone_point("(212) 555-0123"))


async def keep(runtime: Runtime, tenant_id: UUID, *captures: Capture) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await keep_stated_consent(runtime.settings)(uow, LeadsCaptured(captures, "import", live=False))


def capture(outcome: Any = "created", **fields: Any) -> Capture:
    return Capture(uuid7(), outcome, LeadInput("crm", "1", "Open house", contact_points=POINTS, **fields))


async def test_what_a_lead_agreed_to_is_express_consent_with_its_wording(
    runtime: Runtime, tenant_id: UUID, clock: SetClock
) -> None:
    when = clock.now() - timedelta(days=30)
    given = capture(consents=(Consent("sms", when, "Text me about homes"),))
    await keep(runtime, tenant_id, given)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (line,) = (await uow.session.scalars(select(ConsentEntry))).all()
        ledger = await ledger_of(uow, "sms", "212-555-0123")
        calls = await ledger_of(uow, "call", "+12125550123")
    assert (line.contact_value, line.wording, line.source) == ("+12125550123", "Text me about homes", "Open house")
    assert line.lead_id == given.lead_id
    assert ledger == (ConsentRecord("marketing", Basis.EXPRESS, when),)
    assert calls == ()


async def test_consent_is_never_dated_in_the_future(runtime: Runtime, tenant_id: UUID, clock: SetClock) -> None:
    await keep(runtime, tenant_id, capture(consents=(Consent("email", clock.now() + timedelta(days=9)),)))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (record,) = await ledger_of(uow, "email", "dana@example.com")
    assert record.at == clock.now()


@pytest.mark.parametrize(("channel", "silenced", "open_"), [("sms", "phone", "email"), ("email", "email", "phone")])
async def test_who_refuses_a_channel_is_left_alone_at_that_contact_point(
    runtime: Runtime, tenant_id: UUID, channel: Any, silenced: Any, open_: Any
) -> None:
    await keep(runtime, tenant_id, capture(opted_out=(channel,)))
    value = {"email": "dana@example.com", "phone": "+12125550123"}

    async def reasons(kind: Any) -> tuple[str, ...]:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            return await suppressions_of(uow, kind, address_hash(runtime.settings, tenant_id, kind, value[kind]))

    assert await reasons(silenced) == ("opted_out_at_source",)
    assert await reasons(open_) == ()


async def test_a_lead_that_was_here_already_adds_nothing(runtime: Runtime, tenant_id: UUID, clock: SetClock) -> None:
    await keep(runtime, tenant_id, capture("duplicate", consents=(Consent("email"),), opted_out=("email",)))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        assert await ledger_of(uow, "email", "dana@example.com") == ()


async def test_thousands_are_kept_in_one_go(runtime: Runtime, tenant_id: UUID, clock: SetClock) -> None:
    captures = [
        Capture(
            uuid7(),
            "created",
            LeadInput(
                "crm",
                str(number),
                "Old book",
                contact_points=(email_point(f"lead{number}@example.com"),),
                consents=(Consent("email"),),
                opted_out=("email",),
            ),
        )
        for number in range(3_000)
    ]
    await keep(runtime, tenant_id, *captures)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        assert len((await uow.session.scalars(select(ConsentEntry.id))).all()) == 3_000
        hashed = address_hash(runtime.settings, tenant_id, "email", "lead2999@example.com")
        assert await suppressions_of(uow, "email", hashed) == ("opted_out_at_source",)


def test_the_hash_is_another_one_for_every_tenant_and_kind(runtime: Runtime, tenant_id: UUID) -> None:
    settings = runtime.settings
    hashes = {
        address_hash(settings, tenant_id, "email", "dana@example.com"),
        address_hash(settings, uuid7(), "email", "dana@example.com"),
        address_hash(settings, tenant_id, "phone", "dana@example.com"),
    }
    assert len(hashes) == 3
    assert address_hash(settings, tenant_id, "email", "DANA@example.com") in hashes
