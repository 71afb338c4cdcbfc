from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select

from porchlight.accounts.tables import Tenant
from porchlight.delivery.channels import (
    Channel,
)
from porchlight.delivery.consent import Agreement, address_hash, record_agreements, suppress
from porchlight.delivery.evidence import Recipient
from porchlight.delivery.outbox import MessageRequest, enqueue
from porchlight.delivery.tables import Message
from porchlight.kit.clock import SetClock
from porchlight.kit.database import libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls
from porchlight.kit.runtime import Runtime

Enqueue = Callable[..., Awaitable[UUID]]
Load = Callable[[UUID], Awaitable[Message]]
Send = Callable[[UUID, Channel], Awaitable[None]]
Jobs = Callable[[UUID], list[Any]]
NIGHT = timedelta(hours=14)  # from noon to two in the morning


async def test_a_permitted_message_is_queued_with_its_job_and_its_trace(
    ask: Enqueue, load: Load, jobs_for: Jobs
) -> None:
    message_id = await ask()
    message = await load(message_id)
    assert (message.status, message.code, message.reason) == ("queued", None, None)
    assert [finding["check"] for finding in message.trace] == [
        "contact_point", "opt_out", "consent", "sender_identity", "disclosure", "frequency", "quiet_hours",
    ]  # fmt: skip
    assert jobs_for(message_id) == [None]


async def test_asking_twice_with_one_key_is_asking_once(ask: Enqueue, jobs_for: Jobs) -> None:
    first = await ask(idempotency_key="first-response:1")
    again = await ask(idempotency_key="first-response:1", text="Something else")
    assert again == first
    assert len(jobs_for(first)) == 1


async def test_two_who_ask_at_once_with_one_key_get_one_message(ask: Enqueue) -> None:
    ids = await asyncio.gather(*(ask(idempotency_key="the same") for _ in range(6)))
    assert len(set(ids)) == 1


async def test_nothing_is_kept_of_a_message_whose_transaction_fails(
    runtime: Runtime, tenant_id: UUID, installation: Urls
) -> None:
    request = MessageRequest(
        lead_id=uuid7(), channel="email", purpose="inquiry_reply", to="dana@example.com", sender_name="Riley",
        subject="", text="", idempotency_key="lost", automated=True, discloses_automation=True, recipient=Recipient(),
    )  # fmt: skip

    async def fail_later() -> None:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            await enqueue(uow, runtime.settings, request)
            raise RuntimeError("later in the transaction")

    with pytest.raises(RuntimeError, match="later in the transaction"):
        await fail_later()
    async with runtime.database.unit_of_work(tenant_id) as uow:
        assert await uow.session.scalar(select(func.count()).select_from(Message)) == 0
    with psycopg.connect(libpq_url(installation.owner)) as connection:
        found = connection.execute(
            "SELECT 1 FROM jobs.procrastinate_jobs WHERE args->>'tenant_id' = %s", (str(tenant_id),)
        )
        assert found.fetchall() == []


async def test_a_refused_message_is_kept_with_the_reason_and_has_no_job(
    ask: Enqueue, load: Load, jobs_for: Jobs
) -> None:
    message_id = await ask(channel="sms", to="+12125550123")
    message = await load(message_id)
    assert (message.status, message.code) == ("refused", "consent_missing")
    assert message.reason == "sms for inquiry reply needs express, has inquiry"
    assert jobs_for(message_id) == []


async def test_at_night_the_message_is_deferred_to_the_morning_of_its_recipient(
    ask: Enqueue, load: Load, jobs_for: Jobs, clock: SetClock
) -> None:
    clock.advance(NIGHT)
    message_id = await ask(recipient=Recipient(inquired_at=clock.now(), state="CA"))
    message = await load(message_id)
    assert (message.status, message.code) == ("deferred", "quiet_hours")
    assert message.not_before.isoformat() == "2027-05-13T15:00:00+00:00"  # eight in California
    assert jobs_for(message_id) == [message.not_before]


async def test_a_tenants_own_hours_for_email_count(
    runtime: Runtime, tenant_id: UUID, ask: Enqueue, load: Load, clock: SetClock
) -> None:
    always = {day: ["00:00", "24:00"] for day in ("weekdays", "saturday", "sunday")}
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (await uow.session.get_one(Tenant, tenant_id)).settings = {"email_hours": always}
    clock.advance(NIGHT)
    assert (await load(await ask())).status == "queued"


async def test_hours_that_cannot_be_read_leave_house_policy_in_force(
    runtime: Runtime, tenant_id: UUID, ask: Enqueue, load: Load, clock: SetClock
) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (await uow.session.get_one(Tenant, tenant_id)).settings = {"email_hours": {"weekdays": ["8", "21"]}}
    assert (await load(await ask())).status == "queued"
    clock.advance(NIGHT)
    assert (await load(await ask())).status == "deferred"


async def test_consent_in_the_ledger_lets_a_text_out(
    runtime: Runtime, tenant_id: UUID, ask: Enqueue, load: Load, clock: SetClock
) -> None:
    agreement = Agreement("sms", "(212) 555-0123", "inquiry_reply", "express", "web form", clock.now(), None, "Text me")
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await record_agreements(uow, [agreement])
    assert (await load(await ask(channel="sms", to="+12125550123"))).status == "queued"
    assert (await load(await ask(channel="call", to="+12125550123"))).status == "refused"


async def test_an_opt_out_from_calls_is_one_from_texts(
    runtime: Runtime, tenant_id: UUID, ask: Enqueue, load: Load, clock: SetClock
) -> None:
    agreed = Agreement("sms", "+12125550123", "inquiry_reply", "express", "web form", clock.now())
    refused = Agreement("call", "+12125550123", "marketing", None, "agent's note", clock.now())
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await record_agreements(uow, [agreed, refused])
    message = await load(await ask(channel="sms", to="+12125550123"))
    assert (message.status, message.code) == ("refused", "opted_out")


async def test_a_suppressed_address_is_refused_however_it_is_written(
    runtime: Runtime, tenant_id: UUID, ask: Enqueue, load: Load
) -> None:
    hashed = address_hash(runtime.settings, tenant_id, "email", "Dana.Smith+homes@gmail.com")
    async with runtime.database.unit_of_work(tenant_id) as uow:
        assert await suppress(uow, "email", [hashed, hashed], "complaint") == 1
        assert await suppress(uow, "email", [hashed], "complaint") == 0
    message = await load(await ask(to="danasmith@gmail.com"))
    assert (message.status, message.code) == ("refused", "suppressed")
