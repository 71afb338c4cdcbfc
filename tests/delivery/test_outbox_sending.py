from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select

from porchlight.accounts.tables import Tenant
from porchlight.audit.tables import AuditEntry
from porchlight.delivery.channels import (
    Channel,
    Outgoing,
    PermanentFailure,
    Receipt,
    TemporaryFailure,
    Uncertain,
)
from porchlight.delivery.channels.memory import MemoryChannel
from porchlight.delivery.consent import address_hash, suppress
from porchlight.delivery.outbox import BACKOFF, CLAIM_LASTS, OVERDUE, send_one, sweep
from porchlight.delivery.tables import Message
from porchlight.jobs.worker import run_worker
from porchlight.kit.clock import SetClock
from porchlight.kit.database import libpq_url
from porchlight.kit.feed import read_frames
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls
from porchlight.kit.runtime import Runtime
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point
from porchlight.leads.inputs import LeadInput
from porchlight.leads.tables import Activity, Lead

Enqueue = Callable[..., Awaitable[UUID]]
Load = Callable[[UUID], Awaitable[Message]]
Send = Callable[[UUID, Channel], Awaitable[None]]
Jobs = Callable[[UUID], list[Any]]
NIGHT = timedelta(hours=14)  # from noon to two in the morning


async def test_a_message_is_sent_once_and_the_record_says_so(
    ask: Enqueue, load: Load, send: Send, runtime: Runtime, tenant_id: UUID
) -> None:
    channel = MemoryChannel()
    message_id = await ask()
    await send(message_id, channel)
    await send(message_id, channel)
    message = await load(message_id)
    assert (message.status, message.attempts) == ("sent", 1)
    assert message.provider_message_id == f"memory:{message_id}"
    assert message.sent_at is not None
    (sent,) = channel.sent
    assert (sent.permit.to, sent.subject, sent.text) == ("dana@example.com", "Your message", "Hi")
    async with runtime.database.unit_of_work(tenant_id) as uow:
        frames = await read_frames(uow.connection, tenant_id, after=0)
        deeds = (await uow.session.scalars(select(AuditEntry.body).order_by(AuditEntry.seq))).all()
    assert ['"kind":"message.queued"' in frames[0].text, '"kind":"message.sent"' in frames[1].text] == [True, True]
    assert "dana@example.com" not in "".join(deed for deed in deeds)
    assert sum("message.sent" in deed for deed in deeds) == 1


async def test_many_workers_with_one_message_send_it_once(ask: Enqueue, send: Send) -> None:
    channel = MemoryChannel()
    message_id = await ask()
    await asyncio.gather(*(send(message_id, channel) for _ in range(8)))
    assert len(channel.sent) == 1


async def test_two_messages_to_one_lead_at_once_do_not_slip_under_the_cap(
    ask: Enqueue, load: Load, send: Send, clock: SetClock
) -> None:
    lead_id, channel = uuid7(), MemoryChannel()
    first, second = await ask(lead_id=lead_id), await ask(lead_id=lead_id, to="dana@work.example")
    await asyncio.gather(send(first, channel), send(second, channel))
    by_status = {message.status: message for message in [await load(first), await load(second)]}
    assert set(by_status) == {"sent", "deferred"}
    assert len(channel.sent) == 1
    assert by_status["deferred"].not_before == clock.now() + timedelta(hours=8)


async def test_who_opts_out_while_the_message_waits_does_not_get_it(
    runtime: Runtime, tenant_id: UUID, ask: Enqueue, load: Load, send: Send
) -> None:
    channel = MemoryChannel()
    message_id = await ask()
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await suppress(uow, "email", [address_hash(runtime.settings, tenant_id, "email", "dana@example.com")], "stop")
    await send(message_id, channel)
    message = await load(message_id)
    assert (message.status, message.code, channel.sent) == ("refused", "suppressed", [])


async def test_a_late_worker_does_not_send_in_the_night(
    ask: Enqueue, load: Load, jobs_for: Jobs, clock: SetClock, runtime: Runtime
) -> None:
    message_id = await ask()
    clock.advance(NIGHT)
    await run_worker(runtime, wait=False)
    message = await load(message_id)
    assert (message.status, message.code, message.attempts) == ("deferred", "quiet_hours", 0)
    assert jobs_for(message_id) == [message.not_before]


async def test_a_deferred_message_is_sent_when_its_hour_has_come(
    ask: Enqueue, load: Load, send: Send, clock: SetClock
) -> None:
    clock.advance(NIGHT)
    channel, message_id = MemoryChannel(), await ask()
    await send(message_id, channel)
    assert channel.sent == []
    clock.at = (await load(message_id)).not_before
    await send(message_id, channel)
    assert len(channel.sent) == 1


async def test_what_certainly_did_not_go_is_tried_again_later_and_later(
    ask: Enqueue, load: Load, send: Send, clock: SetClock, runtime: Runtime, tenant_id: UUID
) -> None:
    always = {day: ["00:00", "24:00"] for day in ("weekdays", "saturday", "sunday")}
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (await uow.session.get_one(Tenant, tenant_id)).settings = {"email_hours": always}
    message_id = await ask()
    for wait in BACKOFF:
        await send(message_id, MemoryChannel(failures=_queue(TemporaryFailure("mailbox busy"))))
        message = await load(message_id)
        assert (message.status, message.code, message.reason) == ("queued", "try_again", "mailbox busy")
        assert message.not_before == clock.now() + wait
        clock.at = message.not_before
    await send(message_id, MemoryChannel(failures=_queue(TemporaryFailure("mailbox busy"))))
    message = await load(message_id)
    assert (message.status, message.code, message.attempts) == ("failed", "gave_up", len(BACKOFF) + 1)


async def test_a_failed_try_takes_no_room_under_the_caps(ask: Enqueue, load: Load, send: Send) -> None:
    lead_id = uuid7()
    first, second = await ask(lead_id=lead_id), await ask(lead_id=lead_id)
    await send(first, MemoryChannel(failures=_queue(PermanentFailure("no such mailbox"))))
    await send(second, MemoryChannel())
    assert (await load(first)).status == "failed"
    assert (await load(second)).status == "sent"


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (PermanentFailure("no such mailbox"), "failed", "rejected"),
        (Uncertain("no answer"), "uncertain", "uncertain"),
        (ZeroDivisionError("a bug"), "uncertain", "uncertain"),
    ],
)
async def test_no_other_failure_is_tried_again(
    ask: Enqueue, load: Load, send: Send, failure: Exception, status: str, code: str
) -> None:
    message_id, channel = await ask(), MemoryChannel()
    await send(message_id, MemoryChannel(failures=_queue(failure)))
    await send(message_id, channel)
    message = await load(message_id)
    assert (message.status, message.code, channel.sent) == (status, code, [])
    assert message.reason


async def test_a_channel_that_is_not_set_up_fails_the_message(
    ask: Enqueue, load: Load, runtime: Runtime, tenant_id: UUID
) -> None:
    message_id = await ask()
    await send_one(runtime.database, runtime.settings, {}, tenant_id, message_id)
    message = await load(message_id)
    assert (message.status, message.reason) == ("failed", "There is no way to send by email; set one up")


# Crashes


class PowerCut(BaseException):
    """The process ends here."""


class Dying(MemoryChannel):
    """Ends the process just after the message has gone."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        await super().send(outgoing)
        raise PowerCut


async def test_a_crash_after_sending_never_sends_again_and_says_that_nobody_knows(
    ask: Enqueue, load: Load, send: Send, runtime: Runtime, tenant_id: UUID, clock: SetClock
) -> None:
    dying, channel = Dying(), MemoryChannel()
    message_id = await ask()
    with pytest.raises(PowerCut):
        await send(message_id, dying)
    await _sweep(runtime, tenant_id)
    assert (await load(message_id)).status == "sending"  # somebody may still be at it
    clock.advance(CLAIM_LASTS + timedelta(seconds=1))
    await send(message_id, channel)
    await _sweep(runtime, tenant_id)
    await send(message_id, channel)
    message = await load(message_id)
    assert message.status == "uncertain"
    assert "may have gone" in (message.reason or "")
    assert (len(dying.sent), len(channel.sent)) == (1, 0)


async def test_an_answer_that_comes_after_the_claim_was_given_up_still_counts(
    ask: Enqueue, load: Load, send: Send, runtime: Runtime, tenant_id: UUID, clock: SetClock
) -> None:
    class Slow(MemoryChannel):
        async def send(self, outgoing: Outgoing) -> Receipt:
            clock.advance(CLAIM_LASTS + timedelta(seconds=1))
            await _sweep(runtime, tenant_id)
            return await super().send(outgoing)

    message_id = await ask()
    await send(message_id, Slow())
    assert (await load(message_id)).status == "sent"


async def test_a_waiting_message_whose_job_was_lost_is_found(
    ask: Enqueue,
    jobs_for: Jobs,
    installation: Urls,
    runtime: Runtime,
    tenant_id: UUID,
    clock: SetClock,
) -> None:
    message_id = await ask()
    with psycopg.connect(libpq_url(installation.owner), options="-c search_path=jobs") as connection:
        connection.execute("DELETE FROM jobs.procrastinate_jobs WHERE args->>'message_id' = %s", (str(message_id),))
    await _sweep(runtime, tenant_id)
    assert jobs_for(message_id) == []
    clock.advance(OVERDUE + timedelta(seconds=1))
    await _sweep(runtime, tenant_id)
    await _sweep(runtime, tenant_id)
    assert jobs_for(message_id) == [None]


async def test_a_worker_sends_what_was_asked_for(
    installation: Urls, ask: Enqueue, load: Load, runtime: Runtime
) -> None:
    message_id = await ask()
    await run_worker(runtime, wait=False)
    assert (await load(message_id)).provider_message_id == f"console:{message_id}"


async def _sweep(runtime: Runtime, tenant_id: UUID) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await sweep(uow)


def _queue(failure: Exception) -> Any:
    return deque([failure])


# What the lead's record says of it


@pytest.fixture
async def dana(runtime: Runtime, tenant_id: UUID, clock: SetClock) -> UUID:
    """A lead who was captured, with an address."""
    given = LeadInput("web", "dana", "website", contact_points=(email_point("dana@example.com"),))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        [capture] = await capture_leads(uow, [Incoming(given, {})], door="api", live=True)
    return capture.lead_id


@pytest.mark.parametrize(
    ("failures", "fact"), [([], "message.sent"), ([PermanentFailure("no such mailbox")], "message.bounced")]
)
async def test_what_became_of_a_message_is_a_fact_about_the_lead(
    ask: Enqueue, send: Send, runtime: Runtime, tenant_id: UUID, dana: UUID, failures: list[Any], fact: str
) -> None:
    message_id = await ask(lead_id=dana)
    await send(message_id, MemoryChannel(failures=deque(failures)))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        found = await uow.session.scalars(select(Activity).where(Activity.lead_id == dana).order_by(Activity.id))
        facts = {activity.kind: activity.payload for activity in found}
    assert set(facts) == {"lead.captured", fact}
    assert facts[fact] == {
        "channel": "email",
        "message_id": str(message_id),
        "automated": True,
        "purpose": "inquiry_reply",
    }


async def test_only_those_who_see_the_lead_are_told_of_its_messages(
    ask: Enqueue, runtime: Runtime, tenant_id: UUID, dana: UUID
) -> None:
    owner_id = uuid7()
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (await uow.session.get_one(Lead, (tenant_id, dana))).owner_id = owner_id
    await ask(lead_id=dana)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        frames = await read_frames(uow.connection, tenant_id, after=0)
    assert frames[-1].audience == frozenset({owner_id})
    assert "dana@" not in frames[-1].text
