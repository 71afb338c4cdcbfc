from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from porchlight.kit.feed import (
    CHANNEL,
    KEPT_FOR,
    Frame,
    Notice,
    NumberedFrame,
    append_frames,
    feed_bounds,
    parse_notice,
    prune_feed,
    read_frames,
)
from porchlight.kit.ids import uuid7


@pytest.fixture
def tenant_id() -> UUID:
    return uuid7()


def frame(runtime: Any, kind: str = "lead.changed", **members: Any) -> Frame:
    return Frame(kind, runtime.clock.now(), **members)


async def published(runtime: Any, tenant_id: UUID, *frames: Frame) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        for each in frames:
            uow.publish(each)


async def stored(runtime: Any, tenant_id: UUID, after: int = 0, **bounds: int) -> list[NumberedFrame]:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        return await read_frames(uow.connection, tenant_id, after=after, **bounds)


async def bounds(runtime: Any, tenant_id: UUID) -> tuple[int, int]:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        return await feed_bounds(uow.connection, tenant_id)


async def notices(runtime: Any, tenant_id: UUID, *batches: Sequence[Frame]) -> list[Notice]:
    """What a listener is told while `batches` are committed, one after the other."""
    listener = await runtime.database.connect_alone()
    async with listener:
        await listener.execute(f"LISTEN {CHANNEL}")
        for batch in batches:
            await published(runtime, tenant_id, *batch)
        heard = [parse_notice(notice.payload) async for notice in listener.notifies(timeout=5, stop_after=len(batches))]
    return [notice for notice in heard if notice.tenant_id == tenant_id]


async def test_numbers_have_no_gaps_and_follow_the_order_of_the_commits(runtime: Any, tenant_id: UUID) -> None:
    connections, commits = 6, 30
    listener = await runtime.database.connect_alone()

    async def commit_in_turn(name: str) -> None:
        for number in range(commits):
            body = {"from": name, "number": number}
            await published(runtime, tenant_id, *[frame(runtime, body=body)] * (1 + number % 3))

    async with listener:
        await listener.execute(f"LISTEN {CHANNEL}")
        await asyncio.gather(*(commit_in_turn(f"c{n}") for n in range(connections)))
        # PostgreSQL delivers notices in the order of the commits.
        heard = [
            parse_notice(notice.payload)
            async for notice in listener.notifies(timeout=10, stop_after=connections * commits)
        ]

    frames = await stored(runtime, tenant_id)
    total = connections * sum(1 + number % 3 for number in range(commits))
    assert [each.seq for each in frames] == list(range(1, total + 1))
    assert [each for notice in heard for each in notice.frames or ()] == frames
    for name in (f"c{n}" for n in range(connections)):
        bodies = [orjson.loads(each.text) for each in frames]
        own = [body["number"] for body in bodies if body["from"] == name]
        assert own == sorted(own)


async def test_a_reader_never_meets_a_number_smaller_than_one_it_has_seen(runtime: Any, tenant_id: UUID) -> None:
    seen: list[int] = []
    done = asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            seen.extend(each.seq for each in await stored(runtime, tenant_id, after=seen[-1] if seen else 0))

    async def write() -> None:
        for _ in range(10):
            await published(runtime, tenant_id, frame(runtime))

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write() for _ in range(4)))
    done.set()
    await reading
    seen.extend(each.seq for each in await stored(runtime, tenant_id, after=seen[-1] if seen else 0))
    assert seen == list(range(1, 41))


async def test_what_is_rolled_back_leaves_no_gap_and_tells_nobody(runtime: Any, tenant_id: UUID) -> None:
    async def take_a_number_and_fail() -> None:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            await append_frames(uow.connection, tenant_id, [frame(runtime, "lost")])
            raise ZeroDivisionError

    await published(runtime, tenant_id, frame(runtime, "first"))
    with pytest.raises(ZeroDivisionError):
        await take_a_number_and_fail()
    [notice] = await notices(runtime, tenant_id, [frame(runtime, "second")])
    assert (notice.first, notice.last) == (2, 2)
    frames = await stored(runtime, tenant_id)
    assert [(each.seq, orjson.loads(each.text)["kind"]) for each in frames] == [(1, "first"), (2, "second")]


async def test_every_tenant_counts_for_itself(runtime: Any, tenant_id: UUID) -> None:
    other = uuid7()
    await published(runtime, tenant_id, *[frame(runtime)] * 3)
    await published(runtime, other, frame(runtime))
    assert (await bounds(runtime, tenant_id), await bounds(runtime, other)) == ((1, 3), (1, 1))


async def test_a_small_batch_is_told_whole(runtime: Any, tenant_id: UUID) -> None:
    user, team = uuid7(), uuid7()
    batch = [
        frame(runtime, "a", lead_id=uuid7(), body={"name": "Zoë\n“Ö” \U0001f3e1"}),
        frame(runtime, "b", audience=(user, team)),
        frame(runtime, "c", audience=()),
    ]
    [notice] = await notices(runtime, tenant_id, batch)
    assert (notice.tenant_id, notice.first, notice.last) == (tenant_id, 1, 3)
    assert notice.frames == tuple(await stored(runtime, tenant_id))
    assert [each.audience for each in notice.frames] == [None, frozenset({user, team}), frozenset()]
    assert orjson.loads(notice.frames[0].text) == {
        "seq": 1,
        "kind": "a",
        "lead_id": str(batch[0].lead_id),
        "at": "2026-03-10T19:00:00Z",
        "name": "Zoë\n“Ö” \U0001f3e1",
    }


@pytest.mark.parametrize("letter", ["x", "語"])
async def test_a_batch_that_a_notice_cannot_carry_is_told_by_its_numbers(
    runtime: Any, tenant_id: UUID, letter: str
) -> None:
    # Measured in bytes: of the longer letter, a third as many fit.
    size = 7_100 // len(letter.encode())
    large = frame(runtime, body={"note": letter * size})
    many = [frame(runtime, body={"n": n}) for n in range(100)]
    fitting = frame(runtime, body={"note": letter * (6_500 // len(letter.encode()))})
    told = await notices(runtime, tenant_id, [large], many, [fitting])
    assert [(notice.first, notice.last, notice.frames is None) for notice in told] == [
        (1, 1, True),
        (2, 101, True),
        (102, 102, False),
    ]
    frames = await stored(runtime, tenant_id)
    assert orjson.loads(frames[0].text)["note"] == letter * size
    assert [orjson.loads(each.text)["n"] for each in frames[1:101]] == list(range(100))


async def test_frames_are_read_between_bounds(runtime: Any, tenant_id: UUID) -> None:
    await published(runtime, tenant_id, *[frame(runtime)] * 6)
    assert [each.seq for each in await stored(runtime, tenant_id, 2)] == [3, 4, 5, 6]
    assert [each.seq for each in await stored(runtime, tenant_id, 2, up_to=4)] == [3, 4]
    assert [each.seq for each in await stored(runtime, tenant_id, 2, limit=1)] == [3]
    assert await stored(runtime, tenant_id, 6) == []


async def test_a_feed_without_frames_begins_after_its_head(runtime: Any, tenant_id: UUID) -> None:
    assert await bounds(runtime, tenant_id) == (1, 0)


async def test_frames_are_dropped_when_their_time_is_over_and_numbers_go_on(runtime: Any, tenant_id: UUID) -> None:
    async def prune() -> tuple[int, int]:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            await prune_feed(uow.connection, tenant_id, uow.now())
        return await bounds(runtime, tenant_id)

    begun = runtime.clock.at
    await published(runtime, tenant_id, *[frame(runtime)] * 2)
    runtime.clock.at = begun + timedelta(days=1)
    await published(runtime, tenant_id, frame(runtime))
    runtime.clock.at = begun + KEPT_FOR
    assert await prune() == (1, 3)
    runtime.clock.at = begun + KEPT_FOR + timedelta(seconds=1)
    assert await prune() == (3, 3)
    runtime.clock.at = begun + KEPT_FOR + timedelta(days=2)
    assert await prune() == (4, 3)
    await published(runtime, tenant_id, frame(runtime))
    assert await bounds(runtime, tenant_id) == (4, 4)
