from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from porchlight.delivery.channels import (
    Channel,
)
from porchlight.delivery.evidence import Recipient
from porchlight.delivery.kinds import ChannelName
from porchlight.delivery.outbox import MessageRequest, enqueue, send_one
from porchlight.delivery.tables import Message
from porchlight.kit.clock import SetClock
from porchlight.kit.database import libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls
from porchlight.kit.runtime import Runtime

Enqueue = Callable[..., Awaitable[UUID]]
Load = Callable[[UUID], Awaitable[Message]]
Send = Callable[[UUID, Channel], Awaitable[None]]


@pytest.fixture
def clock(runtime: Runtime) -> SetClock:
    """Noon in New York on a Wednesday."""
    assert isinstance(runtime.clock, SetClock)
    runtime.clock.at = datetime(2027, 5, 12, 16, 0, tzinfo=UTC)
    return runtime.clock


@pytest.fixture
def tenant_id(brokerage: Any, clock: SetClock) -> UUID:
    found: UUID = brokerage.tenant_id
    return found


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
