"""The live socket on a real server: every frame once, in order, whatever breaks in between."""

from __future__ import annotations

import asyncio
import random
import socket as sockets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import jwt
import orjson
import psycopg
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from porchlight.accounts.permissions import Role
from porchlight.api import live
from porchlight.kit.crypto import derive_key
from porchlight.kit.database import libpq_url
from porchlight.kit.feed import Frame
from porchlight.kit.installation import Urls
from porchlight.kit.telemetry import REGISTRY

PATIENCE = 20


@pytest.fixture
def owner(installation: Urls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(libpq_url(installation.owner), autocommit=True) as connection:
        yield connection


async def token_of(web: httpx2.AsyncClient, headers: dict[str, str]) -> str:
    answer = await web.post("/api/v1/live/token", headers=headers)
    return str(answer.json()["token"])


def address(server: str, token: str, after: int | None = None) -> str:
    return f"ws://{server}/api/v1/live?token={token}" + ("" if after is None else f"&after={after}")


async def receive(socket: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
    return found


@asynccontextmanager
async def watching(
    server: str, web: httpx2.AsyncClient, headers: dict[str, str], after: int | None = None
) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
    """A connected client that has read its greeting."""
    # Without a limit on what is received, closing need not wait for it to be read.
    async with connect(address(server, await token_of(web, headers), after), proxy=None, max_queue=None) as socket:
        yield socket, await receive(socket)


async def say(brokerage: Any, *texts: str, audience: tuple[UUID, ...] | None = None) -> None:
    """Commit one frame for each text."""
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        for text in texts:
            uow.publish(Frame("test", uow.now(), None, {"text": text}, audience))


def stop_listening(owner: psycopg.Connection[Any]) -> None:
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN porchlight_feed' AND pid <> 0"
    )


def clients_now() -> float:
    return REGISTRY.get_sample_value("porchlight_live_clients") or 0.0


async def test_the_greeting_says_where_the_feed_stands(brokerage: Any, server: str, web: httpx2.AsyncClient) -> None:
    async with watching(server, web, brokerage.headers) as (_, hello):
        assert hello == {"seq": 0, "kind": "hello", "head": 0}
    await say(brokerage, "a", "b")
    async with watching(server, web, brokerage.headers) as (_, hello):
        assert hello == {"seq": 2, "kind": "hello", "head": 2}


async def test_a_fact_becomes_a_frame_with_all_that_a_client_needs(
    brokerage: Any, server: str, web: httpx2.AsyncClient
) -> None:
    lead = (await web.post("/api/v1/leads", headers=brokerage.headers, json={"email": "jo@example.com"})).json()
    async with watching(server, web, brokerage.headers) as (socket, hello):
        tour = {"lead_id": lead["id"], "kind": "valuation.requested"}
        [item] = (await web.post("/api/v1/activities", headers=brokerage.headers, json=tour)).json()["items"]
        assert item["status"] == "recorded"
        frame = await receive(socket)
    assert frame["seq"] == hello["head"] + 1
    assert frame["kind"] == "score.changed"
    assert frame["lead_id"] == lead["id"]
    assert frame["score"] == item["score"] > frame["previous_score"]
    assert frame["activity"]["id"] == item["activity_id"]
    assert frame["at"].endswith("Z")


async def test_who_comes_back_gets_what_they_missed(brokerage: Any, server: str, web: httpx2.AsyncClient) -> None:
    await say(brokerage, "a")
    async with watching(server, web, brokerage.headers) as (socket, _):
        await say(brokerage, "b")
        assert (await receive(socket))["text"] == "b"
    await say(brokerage, "c", "d")
    async with watching(server, web, brokerage.headers, after=2) as (socket, hello):
        assert hello == {"seq": 2, "kind": "hello", "head": 4}
        await say(brokerage, "e")
        assert [(await receive(socket))["text"] for _ in range(3)] == ["c", "d", "e"]


@pytest.mark.parametrize("seed", range(3))
async def test_over_any_disconnections_every_frame_comes_exactly_once(
    brokerage: Any, server: str, web: httpx2.AsyncClient, owner: psycopg.Connection[Any], seed: int
) -> None:
    """Four writers commit batches, small and too large for a notice, while clients drop and the listener is killed."""
    dice = random.Random(seed)
    batches = [[f"{writer}.{n}" for n in range(dice.choice([1, 1, 2, 5, 300]))] for writer in range(60)]
    total = sum(map(len, batches))

    async def write(mine: list[list[str]]) -> None:
        for batch in mine:
            await say(brokerage, *batch)
            await asyncio.sleep(dice.uniform(0, 0.02))

    async def interfere() -> None:
        for _ in range(3):
            await asyncio.sleep(dice.uniform(0.1, 0.4))
            stop_listening(owner)

    async def watch() -> list[dict[str, Any]]:
        seen: list[dict[str, Any]] = []
        token = await token_of(web, brokerage.headers)
        while len(seen) < total:
            session = connect(address(server, token, len(seen)), proxy=None, max_queue=None)
            # On a busy machine the server may find us too slow, which is one more disconnection.
            with suppress(ConnectionClosed):
                async with session as socket:
                    assert (await receive(socket))["kind"] == "hello"
                    for _ in range(min(dice.randint(0, 400), total - len(seen))):
                        seen.append(await receive(socket))  # noqa: PERF401 - what came before a cut counts
                    if dice.random() < 0.5:
                        socket.transport.abort()  # without a word, as a phone in a tunnel does
        return seen

    writers = [write(batches[n::4]) for n in range(4)]
    *_, first, second = await asyncio.gather(*writers, interfere(), watch(), watch())
    rows = owner.execute("SELECT body FROM feed WHERE tenant_id = %s ORDER BY seq", (brokerage.tenant_id,)).fetchall()
    said = [orjson.loads(row[0]) for row in rows]
    assert [frame["seq"] for frame in said] == list(range(1, total + 1))
    assert first == said
    assert second == said


async def test_a_batch_too_large_for_a_notice_is_not_overtaken_by_what_follows(
    brokerage: Any, server: str, web: httpx2.AsyncClient
) -> None:
    async with watching(server, web, brokerage.headers) as (socket, _):
        large = say(brokerage, *(f"large {n}" for n in range(1_500)))
        await asyncio.gather(large, *(say(brokerage, f"small {n}") for n in range(8)))
        seen = [await receive(socket) for _ in range(1_508)]
    assert [frame["seq"] for frame in seen] == list(range(1, 1_509))


async def test_a_thousand_activities_in_one_request_are_a_thousand_frames(
    brokerage: Any, server: str, web: httpx2.AsyncClient
) -> None:
    leads = [{"external_id": f"x{n}", "email": f"lead{n}@example.com"} for n in range(1_000)]
    captured = await web.post("/api/v1/leads", headers=brokerage.headers, json={"leads": leads})
    ids = [item["id"] for item in captured.json()["items"]]
    async with watching(server, web, brokerage.headers) as (socket, hello):
        tours = [{"lead_id": lead_id, "kind": "valuation.requested"} for lead_id in ids]
        answer = await web.post("/api/v1/activities", headers=brokerage.headers, json={"activities": tours})
        assert {item["status"] for item in answer.json()["items"]} == {"recorded"}
        seen = [await receive(socket) for _ in ids]
    assert [frame["seq"] for frame in seen] == list(range(hello["head"] + 1, hello["head"] + 1_001))
    assert {frame["lead_id"] for frame in seen} == set(ids)


async def test_what_is_said_while_nobody_listens_reaches_even_a_client_that_heard_nothing_yet(
    brokerage: Any, server: str, web: httpx2.AsyncClient, owner: psycopg.Connection[Any]
) -> None:
    async with watching(server, web, brokerage.headers) as (socket, _):
        stop_listening(owner)
        await say(brokerage, "into the void")
        assert (await receive(socket))["text"] == "into the void"


async def test_an_agent_watches_their_own_leads_and_nobody_elses(
    brokerage: Any, server: str, web: httpx2.AsyncClient
) -> None:
    agent, other = await brokerage.join(Role.AGENT), await brokerage.join(Role.AGENT)
    leads = {}
    for name, person in (("own", agent), ("other", other)):
        given = {"email": f"{name}@example.com", "owner_email": person.email}
        leads[name] = (await web.post("/api/v1/leads", headers=brokerage.headers, json=given)).json()["id"]
    async with (
        watching(server, web, agent.headers, after=0) as (socket, hello),
        watching(server, web, brokerage.headers, after=0) as (everything, _),
    ):
        for name in ("other", "own", "other", "own"):
            view = {"lead_id": leads[name], "kind": "valuation.requested"}
            await web.post("/api/v1/activities", headers=brokerage.headers, json=view)
        await say(brokerage, "all may know this")
        all_frames = [await receive(everything) for _ in range(hello["head"] + 5)]
        seen = [await receive(socket)]
        while seen[-1]["kind"] != "test":
            seen.append(await receive(socket))
    assert {frame["lead_id"] for frame in all_frames if frame["lead_id"]} == set(leads.values())
    assert {frame["lead_id"] for frame in seen[:-1]} == {leads["own"]}
    assert sum(frame["kind"] == "score.changed" for frame in seen) == 2
    assert [frame["seq"] for frame in seen] == sorted({frame["seq"] for frame in seen})


def forged(brokerage: Any, **claims: Any) -> str:
    ours = {"aud": "live", "tid": str(brokerage.tenant_id), "sub": str(uuid4()), "own": None, "exp": 2**33}
    key = derive_key(claims.pop("secret", brokerage.runtime.settings.key), "live token")
    return jwt.encode(ours | claims, key, algorithm="HS256")


async def test_a_token_that_is_stale_or_not_ours_is_refused_in_words(
    brokerage: Any, server: str, web: httpx2.AsyncClient
) -> None:
    stale = await token_of(web, brokerage.headers)
    brokerage.clock.advance(timedelta(seconds=brokerage.runtime.settings.live_token_seconds))
    unsigned = jwt.encode({"aud": "live", "tid": str(brokerage.tenant_id), "sub": "x", "exp": 2**33}, None, "none")
    tokens = {
        "stale": stale,
        "another key": forged(brokerage, secret=b"x" * 32),
        "another purpose": forged(brokerage, aud="unsubscribe"),
        "no signature": unsigned,
        "an API key": brokerage.api_key,
        "nothing": "",
    }
    for name, token in tokens.items():
        async with connect(address(server, token), proxy=None) as socket:
            told = await receive(socket)
            assert (name, told["kind"], told["code"]) == (name, "error", "token_invalid")
            with pytest.raises(ConnectionClosed) as closed:
                await receive(socket)
            assert closed.value.rcvd is not None
            assert (name, closed.value.rcvd.code) == (name, live.TOKEN_INVALID)
    async with connect(address(server, forged(brokerage)), proxy=None) as socket:
        assert (await receive(socket))["kind"] == "hello"  # so that the forgeries above fail for their own faults


@pytest.mark.parametrize("after", [1, 40, 99])
async def test_a_number_that_the_feed_does_not_hold_is_answered_with_a_reset(
    brokerage: Any, server: str, web: httpx2.AsyncClient, owner: psycopg.Connection[Any], after: int
) -> None:
    await say(brokerage, *map(str, range(1, 51)))
    owner.execute("DELETE FROM feed WHERE tenant_id = %s AND seq <= 41", (brokerage.tenant_id,))
    async with watching(server, web, brokerage.headers, after=after) as (socket, hello):
        assert hello == {"seq": 50, "kind": "reset", "head": 50}
        await say(brokerage, "51")
        assert (await receive(socket))["seq"] == 51
    async with watching(server, web, brokerage.headers, after=41) as (_, hello):
        assert hello["kind"] == "hello"  # the last frame seen need not be there, only all after it


async def test_a_client_that_takes_nothing_in_is_cut_off_and_can_resume(
    brokerage: Any, server: str, web: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_BEHIND", 20)
    host, port = server.split(":")
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.connect((host, int(port)))
    token = await token_of(web, brokerage.headers)
    others = clients_now()
    async with connect(address(server, token), sock=raw, proxy=None, max_queue=1) as socket:
        assert (await receive(socket))["kind"] == "hello"
        large, total = "x" * 6_000, 0
        async with asyncio.timeout(PATIENCE):
            while clients_now() > others:
                await say(brokerage, large)
                total += 1
        seen = []
        with suppress(ConnectionClosed):
            while frame := await receive(socket):
                seen.append(frame["seq"])
    assert seen == list(range(1, len(seen) + 1))
    assert 0 < len(seen) < total
    async with watching(server, web, brokerage.headers, after=len(seen)) as (socket, hello):
        assert hello["kind"] == "hello"
        rest = [(await receive(socket))["seq"] for _ in range(total - len(seen))]
    assert rest == list(range(len(seen) + 1, total + 1))


async def test_a_socket_does_not_outlive_its_permission_for_long(
    brokerage: Any, server: str, web: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LONGEST_SECONDS", 0.05)
    async with watching(server, web, brokerage.headers) as (socket, _):
        with pytest.raises(ConnectionClosed) as closed:
            await receive(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == live.RENEW


async def test_a_client_that_talks_is_not_listened_to_and_not_thrown_out(
    brokerage: Any, server: str, web: httpx2.AsyncClient
) -> None:
    async with watching(server, web, brokerage.headers) as (socket, _):
        for said in ("hello?", b"\0\1", "x" * 10_000):
            await socket.send(said)
        await say(brokerage, "a")
        assert (await receive(socket))["text"] == "a"
