"""A sender that is killed at any moment, against a real mail server."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from porchlight.accounts.tables import Tenant
from porchlight.delivery.evidence import Recipient
from porchlight.delivery.outbox import CLAIM_LASTS, MessageRequest, enqueue, sweep
from porchlight.delivery.tables import Message
from porchlight.kit.clock import SetClock
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings

MESSAGES = 90
KILLS = 10

# Imports once, then forks a sender for every line it is given, so that a kill costs no new start.
NURSERY = """
import asyncio, os, sys
from uuid import UUID
from sqlalchemy import select
from porchlight.delivery.channels.choice import channels_of
from porchlight.delivery.outbox import send_one
from porchlight.delivery.tables import Message
from porchlight.kit.settings import Settings
from porchlight.main import build

async def main(tenant_id):
    runtime = build(Settings())
    waiting = select(Message.id).where(Message.status == "queued").order_by(Message.id)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        ids = (await uow.session.scalars(waiting)).all()
    turns = asyncio.Semaphore(4)
    async def send(message_id):
        async with turns:
            await send_one(runtime.database, runtime.settings, channels_of(runtime.settings), tenant_id, message_id)
    await asyncio.gather(*map(send, ids))
    await runtime.database.close()

for line in sys.stdin:
    sender = os.fork()
    if not sender:
        asyncio.run(main(UUID(line.strip())))
        os._exit(0)
    print(sender, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(sender, 0)[1]), flush=True)
"""


class Mailbox:
    """A mail server that counts what each recipient gets, and takes its time before and after it has it."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(0.01)
        self.got.update(envelope.rcpt_tos)
        await asyncio.sleep(0.01)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, server_hostname="mail.example")
    controller.start()
    yield mailbox, port
    controller.stop()


async def test_a_sender_killed_at_any_moment_sends_nothing_twice(
    runtime: Runtime,
    tenant_id: UUID,
    settings: Settings,
    installation: Urls,
    clock: SetClock,
    mailbox: tuple[Mailbox, int],
) -> None:
    received, port = mailbox
    clock.at = datetime.now(UTC)  # the sender's clock is the real one
    await _ask_for_all(runtime, tenant_id)
    environment = {
        **os.environ,
        "PORCHLIGHT_HOME": str(settings.home),
        "PORCHLIGHT_DATABASE_URL": installation.owner,
        "PORCHLIGHT_SMTP_URL": f"smtp://127.0.0.1:{port}",
    }
    dice = random.Random(8)

    nursery = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NURSERY, env=environment, stdin=PIPE, stdout=PIPE
    )
    orders, answers = nursery.stdin, nursery.stdout
    assert orders is not None
    assert answers is not None

    async def run(*, kill_after: int | None) -> int:
        """Start a sender, kill it soon after so many more messages arrived, and return how it ended."""
        before = received.got.total()
        orders.write(f"{tenant_id}\n".encode())
        sender = int(await answers.readline())
        ended = asyncio.create_task(answers.readline())
        if kill_after is not None:
            while not ended.done() and received.got.total() < before + kill_after:
                await asyncio.sleep(0.001)
            await asyncio.sleep(dice.uniform(0, 0.02))
            os.kill(sender, signal.SIGKILL)
        return int(await asyncio.wait_for(ended, 60))

    assert {await run(kill_after=dice.randint(0, 2)) for _ in range(KILLS)} == {-signal.SIGKILL}
    assert await run(kill_after=None) == 0
    clock.advance(CLAIM_LASTS + timedelta(minutes=1))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await sweep(uow)
    assert await run(kill_after=None) == 0
    orders.close()
    await nursery.wait()

    async with runtime.database.unit_of_work(tenant_id) as uow:
        status = {message.to_address: message.status for message in await uow.session.scalars(select(Message))}
    assert len(status) == MESSAGES
    assert max(received.got.values()) == 1
    assert set(status.values()) <= {"sent", "uncertain"}
    assert all(received.got[to] == 1 for to, became in status.items() if became == "sent")
    assert sum(became == "uncertain" for became in status.values()) <= 4 * KILLS


async def _ask_for_all(runtime: Runtime, tenant_id: UUID) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        always = {day: ["00:00", "24:00"] for day in ("weekdays", "saturday", "sunday")}
        (await uow.session.get_one(Tenant, tenant_id)).settings = {"email_hours": always}
    async with runtime.database.unit_of_work(tenant_id) as uow:
        for number in range(MESSAGES):
            request = MessageRequest(
                lead_id=uuid7(),
                channel="email",
                purpose="inquiry_reply",
                to=f"dana{number}@example.com",
                sender_name="Riley Chen",
                subject="Your message",
                text="Hi",
                idempotency_key=f"first:{number}",
                automated=True,
                discloses_automation=True,
                recipient=Recipient(inquired_at=runtime.clock.now()),
            )
            await enqueue(uow, runtime.settings, request)
