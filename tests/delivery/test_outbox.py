from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, select

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
from porchlight.delivery.consent import Agreement, address_hash, record_agreements, suppress
from porchlight.delivery.evidence import Recipient
from porchlight.delivery.kinds import ChannelName
from porchlight.delivery.outbox import BACKOFF, CLAIM_LASTS, OVERDUE, MessageRequest, enqueue, send_one, sweep
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
NIGHT = timedelta(hours=14)  # from noon to two in the morning


@pytest.fixture
def ask(runtime: Runtime, tenant_id: UUID, clock: SetClock) -> Enqueue:
    """Ask for a first answer to an inquiry that came in just now, with what the test changes of it."""

    async def enqueue_one(**changes: Any) -> UUID:
        request = MessageRequest(
            lead_id=uuid7(),
            channel="email",
            purpose="inquiry_reply",
            to="dana@example.com",
            sender_name="Riley Chen",
            subject="Your message",
            text="Hi",
            idempotency_key=str(uuid7()),
            automated=True,
            discloses_automation=True,
            recipient=Recipient(inquired_at=clock.now()),
        )
        async with runtime.database.unit_of_work(tenant_id) as uow:
            return await enqueue(uow, runtime.settings, replace(request, **changes))

    return enqueue_one


@pytest.fixture
def load(runtime: Runtime, tenant_id: UUID) -> Callable[[UUID], Awaitable[Message]]:
    async def load_one(message_id: UUID) -> Message:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            return await uow.session.get_one(Message, (tenant_id, message_id))

    return load_one


Load = Callable[[UUID], Awaitable[Message]]
Send = Callable[[UUID, Channel], Awaitable[None]]


@pytest.fixture
def send(runtime: Runtime, tenant_id: UUID) -> Send:
    async def send_through(message_id: UUID, channel: Channel) -> None:
        channels: dict[ChannelName, Channel] = {"email": channel, "sms": channel}
        await send_one(runtime.database, runtime.settings, channels, tenant_id, message_id)

    return send_through


@pytest.fixture
def jobs_for(installation: Urls) -> Callable[[UUID], list[Any]]:
    """The times for which jobs that deliver a message are queued, as the queue itself has it."""

    def scheduled(message_id: UUID) -> list[Any]:
        with psycopg.connect(libpq_url(installation.owner)) as connection:
            found = connection.execute(
                "SELECT scheduled_at FROM jobs.procrastinate_jobs WHERE status = 'todo' AND args->>'message_id' = %s",
                (str(message_id),),
            )
            return [row[0] for row in found.fetchall()]

    return scheduled


Jobs = Callable[[UUID], list[Any]]


# Asking


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


# Sending


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
