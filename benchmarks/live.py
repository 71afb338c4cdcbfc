"""From a request to the frame at a connected client, and what the machine can do at best, in the same run.

    python benchmarks/live.py [--seconds 20] [--rate 100] [--leads 10000 1000000] [--sockets 1000]

Starts a server on a database of its own, posts one activity at a time at a fixed rate, and measures when the frame
arrives at a socket. The floor is a bare insert + update commit and a bare WebSocket echo. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg
import websockets
from websockets.asyncio.client import connect

from porchlight.accounts.manage import create_api_key, create_tenant
from porchlight.accounts.permissions import Permission
from porchlight.kit.database import libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import urls
from porchlight.kit.settings import Settings
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import ContactPoint
from porchlight.leads.inputs import LeadInput
from porchlight.main import build
from porchlight.migrations import bring_up_to_date

LONG_HISTORY, SHORT_HISTORY = 5_000, 5


@dataclass(slots=True)
class Client:
    """A keep-alive HTTP client as small as it can be, so that it does not measure itself."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    api_key: str

    @classmethod
    async def open(cls, port: int, api_key: str) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port), api_key)

    async def post(self, path: str, body: bytes) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.api_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        status = answer.split(b" ", 2)[1]
        length = int(answer.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        content = await self.reader.readexactly(length)
        if status[:1] != b"2":
            raise RuntimeError(f"{path}: {status.decode()} {content.decode()}")
        return content


def quantiles(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the largest, in milliseconds."""
    ordered = sorted(seconds)
    pick = lambda q: round(ordered[min(len(ordered) - 1, int(q * len(ordered)))] * 1000, 3)  # noqa: E731
    return {"n": len(ordered), "p50_ms": pick(0.5), "p99_ms": pick(0.99), "max_ms": pick(1.0)}


async def seed(settings: Settings, count: int) -> tuple[UUID, str, list[UUID]]:
    """A tenant with `count` leads; its key, and the ids of a sample."""
    at = urls(settings)
    runtime = build(settings, at=at)
    tenant_id = uuid7()
    sample: list[UUID] = []
    async with runtime.database.unit_of_work(tenant_id) as uow:
        create_tenant(uow, f"Bench {count}", time_zone="America/New_York", region="US")
        await uow.session.flush()
        key = await create_api_key(uow, "bench", Permission)
    for start in range(0, count, 2_000):
        batch = [
            Incoming(
                LeadInput("bench", str(n), "bench", f"Lead {n}", contact_points=(_point(n),)), {"external_id": str(n)}
            )
            for n in range(start, min(start + 2_000, count))
        ]
        async with runtime.database.unit_of_work(tenant_id) as uow:
            captures = await capture_leads(uow, batch, door="import", live=False)
        sample += [capture.lead_id for capture in random.Random(start).sample(captures, min(len(captures), 50))]
    await runtime.database.close()
    return tenant_id, key.secret, sample


def _point(n: int) -> ContactPoint:
    address = f"lead{n}@example.com"
    return ContactPoint("email", address, address)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PORCHLIGHT_HOME": str(settings.home), "PORCHLIGHT_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "porchlight.cli", "serve", "--port", str(port), "--no-worker"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                break
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


async def token_of(client: Client) -> str:
    return str(orjson.loads(await client.post("/api/v1/live/token", b""))["token"])


def view(lead_id: UUID, n: int) -> bytes:
    payload = {"listing_key": f"L{n % 50}", "list_price": 400_000 + n % 50 * 1_000, "city": "Albany"}
    return orjson.dumps({"activities": [{"lead_id": lead_id, "kind": "listing.viewed", "payload": payload}]})


async def to_the_frame(port: int, key: str, leads: list[UUID], rate: float, seconds: float) -> dict[str, Any]:
    """Latencies of `rate` requests a second, each for one of `leads`, to the answer and to the frame."""
    poster = await Client.open(port, key)
    spares = [poster, *[await Client.open(port, key) for _ in range(7)]]
    free: asyncio.Queue[Client] = asyncio.Queue()
    for client in spares:
        free.put_nowait(client)
    sent: dict[str, float] = {}
    framed: list[float] = []
    answered: list[float] = []

    async with connect(f"ws://127.0.0.1:{port}/api/v1/live?token={await token_of(poster)}", compression=None) as live:
        await live.recv()

        async def listen() -> None:
            async for message in live:
                now = time.perf_counter()
                frame = orjson.loads(message)
                started = sent.pop(frame["activity"]["id"], None) if "activity" in frame else None
                if started is not None:
                    framed.append(now - started)
                else:
                    early[frame["activity"]["id"]] = now

        early: dict[str, float] = {}
        listening = asyncio.create_task(listen())

        async def one(n: int) -> None:
            client = await free.get()
            started = time.perf_counter()
            answer = orjson.loads(await client.post("/api/v1/activities", view(leads[n % len(leads)], n)))
            answered.append(time.perf_counter() - started)
            free.put_nowait(client)
            activity_id = answer["items"][0]["activity_id"]
            if activity_id in early:
                framed.append(early.pop(activity_id) - started)
            else:
                sent[activity_id] = started

        warm_up = int(rate * 3)
        tasks = []
        begun = time.perf_counter()
        for n in range(int(rate * seconds) + warm_up):
            due = begun + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if n == warm_up:
                framed.clear()
                answered.clear()
            tasks.append(asyncio.create_task(one(n)))
        await asyncio.gather(*tasks)
        await asyncio.sleep(0.5)
        listening.cancel()
    if sent:
        raise RuntimeError(f"{len(sent)} frames never came")
    return {"to_frame": quantiles(framed), "to_answer": quantiles(answered)}


async def fan_out(port: int, key: str, lead: UUID, sockets: int, rounds: int = 40) -> dict[str, Any]:
    """How long until one change has reached every one of `sockets` clients."""
    client = await Client.open(port, key)
    token = await token_of(client)
    url = f"ws://127.0.0.1:{port}/api/v1/live?token={token}"
    arrivals: asyncio.Queue[float] = asyncio.Queue()

    async def listen(live: websockets.ClientConnection) -> None:
        async for _ in live:
            arrivals.put_nowait(time.perf_counter())

    connections = []
    for _ in range(sockets):
        live = await connect(url, compression=None, ping_interval=None)
        await live.recv()
        connections.append(live)
        if len(connections) % 200 == 0:
            token = await token_of(client)
            url = f"ws://127.0.0.1:{port}/api/v1/live?token={token}"
    listeners = [asyncio.create_task(listen(live)) for live in connections]
    each: list[float] = []
    last: list[float] = []
    for n in range(rounds):
        started = time.perf_counter()
        await client.post("/api/v1/activities", view(lead, n))
        times = [await arrivals.get() - started for _ in range(sockets)]
        each += times
        last.append(max(times))
        await asyncio.sleep(0.1)
    for task in listeners:
        task.cancel()
    await asyncio.gather(*(live.close() for live in connections), return_exceptions=True)
    return {"sockets": sockets, "each": quantiles(each), "last": quantiles(last)}


async def floor(settings: Settings, rate: float, seconds: float) -> dict[str, Any]:
    """The least that any such system does: one insert + update commit, and one echo over a WebSocket."""
    commits: list[float] = []
    connection = await psycopg.AsyncConnection.connect(libpq_url(urls(settings).owner))
    await connection.execute("CREATE TEMP TABLE bench_facts (id bigint PRIMARY KEY, body jsonb)")
    await connection.execute("CREATE TABLE IF NOT EXISTS bench_floor (id int PRIMARY KEY, n bigint)")
    await connection.execute(
        "INSERT INTO bench_floor SELECT g, 0 FROM generate_series(1, 1000) g ON CONFLICT DO NOTHING"
    )
    await connection.commit()
    for n in range(int(rate * seconds)):
        started = time.perf_counter()
        async with connection.pipeline():
            await connection.execute("INSERT INTO bench_facts VALUES (%s, %s)", (n, '{"kind": "listing.viewed"}'))
            await connection.execute("UPDATE bench_floor SET n = n + 1 WHERE id = %s", (n % 1000 + 1,))
            await connection.commit()
        commits.append(time.perf_counter() - started)
        await asyncio.sleep(1 / rate)
    await connection.execute("DROP TABLE bench_floor")
    await connection.commit()
    await connection.close()

    async def echo(server: websockets.ServerConnection) -> None:
        async for message in server:
            await server.send(message)

    echoes: list[float] = []
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as live:
            for _ in range(int(rate * seconds)):
                started = time.perf_counter()
                await live.send("x" * 400)
                await live.recv()
                echoes.append(time.perf_counter() - started)
                await asyncio.sleep(1 / rate)
    return {"commit": quantiles(commits), "echo": quantiles(echoes)}


async def deepen(port: int, key: str, lead: UUID, facts: int) -> None:
    """Give a lead a long history."""
    client = await Client.open(port, key)
    for start in range(0, facts, 1_000):
        count = min(1_000, facts - start)
        batch = [orjson.loads(view(lead, n))["activities"][0] for n in range(start, start + count)]
        await client.post("/api/v1/activities", orjson.dumps({"activities": batch}))


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {"rate": arguments.rate, "seconds": arguments.seconds}
    with tempfile.TemporaryDirectory(prefix="porchlight-live-", ignore_cleanup_errors=True) as home:
        settings = Settings(home=Path(home), log_level="warning")
        bring_up_to_date(urls(settings), settings.key)
        tenants = {count: await seed(settings, count) for count in arguments.leads}
        report["floor"] = await floor(settings, arguments.rate, min(10.0, arguments.seconds))
        async with serving(settings) as port:
            for count, (_, key, sample) in tenants.items():
                report[f"leads_{count}"] = await to_the_frame(port, key, sample, arguments.rate, arguments.seconds)
            _, key, sample = tenants[arguments.leads[0]]
            deep, shallow = sample[0], sample[1]
            await deepen(port, key, deep, LONG_HISTORY)
            await deepen(port, key, shallow, SHORT_HISTORY)
            # In turn, so that a machine whose speed drifts treats both alike; half the rate, for one lead is one lock.
            runs = [
                (name, await to_the_frame(port, key, [lead], arguments.rate / 2, arguments.seconds / 4))
                for _ in range(4)
                for name, lead in (("shallow", shallow), ("deep", deep))
            ]
            report["history"] = {
                name: sorted(run["to_frame"]["p50_ms"] for kind, run in runs if kind == name)
                for name in ("shallow", "deep")
            }
            report["fan_out"] = await fan_out(port, key, sample[2], arguments.sockets)
    first, last = report[f"leads_{arguments.leads[0]}"], report[f"leads_{arguments.leads[-1]}"]
    least = report["floor"]["commit"]["p50_ms"] + report["floor"]["echo"]["p50_ms"]
    report["ratios"] = {
        "to_floor_p50": round(first["to_frame"]["p50_ms"] / least, 2),
        "most_leads_to_fewest_p50": round(last["to_frame"]["p50_ms"] / first["to_frame"]["p50_ms"], 3),
        "deep_to_shallow_p50": round(report["history"]["deep"][1] / report["history"]["shallow"][1], 3),
    }
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each run")
    parser.add_argument("--rate", type=float, default=100.0, help="activities a second")
    parser.add_argument(
        "--leads", type=int, nargs="+", default=[10_000, 1_000_000], help="sizes of the tenants compared"
    )
    parser.add_argument("--sockets", type=int, default=1_000, help="sockets connected for the fan-out")
    print(orjson.dumps(asyncio.run(measure(parser.parse_args())), option=orjson.OPT_INDENT_2).decode())


if __name__ == "__main__":
    main()
