from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from porchlight.accounts.tables import Team
from porchlight.audit.record import record
from porchlight.kit.database import Database, UnitOfWork
from porchlight.kit.events import Event, Events
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7

Deed = Callable[[UnitOfWork], Awaitable[None]]

_ADD_TEAM: LiteralString = "INSERT INTO teams (tenant_id, id, name) VALUES (%(tenant)s, %(id)s, %(name)s)"


@dataclass(frozen=True, slots=True)
class Happened(Event):
    name: str


@dataclass(frozen=True, slots=True)
class Followed(Event):
    name: str


@dataclass(frozen=True, slots=True)
class House:
    """A database whose handlers are the test's own, and a tenant."""

    database: Database
    events: Events
    tenant_id: UUID

    async def do(self, *deeds: Deed) -> None:
        async with self.database.unit_of_work(self.tenant_id) as uow:
            for deed in deeds:
                await deed(uow)

    async def counts(self) -> dict[str, int]:
        """How many rows there are of everything that a unit of work may leave."""
        async with self.database.unit_of_work(self.tenant_id) as uow:
            return {table: await count(uow, table) for table in ("teams", "feed", "audit_entries")}


@pytest.fixture
async def house(brokerage: Any) -> AsyncIterator[House]:
    shared = brokerage.runtime.database
    events = Events()
    database = Database(shared.url, events=events, clock=shared.clock, pool_size=2)
    yield House(database, events, brokerage.tenant_id)
    await database.close()


async def count(uow: UnitOfWork, table: LiteralString) -> int:
    cursor = await uow.connection.execute(f"SELECT count(*) FROM {table}")
    [(found,)] = await cursor.fetchall()
    return int(found)


async def team_names(uow: UnitOfWork) -> list[str]:
    cursor = await uow.connection.execute("SELECT name FROM teams ORDER BY name")
    return [name for (name,) in await cursor.fetchall()]


def write_team_behind(uow: UnitOfWork, name: str) -> None:
    uow.write_behind(_ADD_TEAM, {"tenant": uow.tenant_id, "id": uuid7(), "name": name})


async def everything(uow: UnitOfWork, name: str) -> None:
    """Each of the ways to leave something: a row now, one of the session, one behind, a notice, a frame, an entry."""
    await uow.connection.execute(_ADD_TEAM, {"tenant": uow.tenant_id, "id": uuid7(), "name": f"{name} now"})
    uow.session.add(Team(tenant_id=uow.tenant_id, id=uuid7(), name=f"{name} session"))
    write_team_behind(uow, f"{name} behind")
    uow.announce(Happened(name))
    uow.publish(Frame("lead.changed", uow.now()))
    record(uow, "team.made", "team", name=name)


LEFT = {"teams": 3, "feed": 1, "audit_entries": 1}


def sum_of(*counts: dict[str, int]) -> dict[str, int]:
    return {table: sum(each[table] for each in counts) for table in LEFT}


async def test_a_savepoint_that_fails_takes_back_all_it_did_and_nothing_else(house: House) -> None:
    heard: list[str] = []
    before = await house.counts()

    async def hear(_: UnitOfWork, event: Happened) -> None:
        heard.append(event.name)

    async def fail(uow: UnitOfWork) -> None:
        async with uow.savepoint():
            await everything(uow, "lost")
            raise ZeroDivisionError

    async def go_on(uow: UnitOfWork) -> None:
        await everything(uow, "before")
        with pytest.raises(ZeroDivisionError):
            await fail(uow)
        await everything(uow, "after")

    house.events.on(Happened, hear)
    await house.do(go_on)
    assert heard == ["before", "after"]
    assert await house.counts() == sum_of(before, LEFT, LEFT)
    async with house.database.unit_of_work(house.tenant_id) as uow:
        names = await team_names(uow)
    assert names == sorted(f"{name} {way}" for name in ("before", "after") for way in ("now", "session", "behind"))


async def test_what_a_savepoint_that_succeeds_did_is_there_at_the_commit(house: House) -> None:
    heard: list[str] = []
    before = await house.counts()

    async def hear(_: UnitOfWork, event: Happened) -> None:
        heard.append(event.name)

    async def succeed(uow: UnitOfWork) -> None:
        async with uow.savepoint():
            await everything(uow, "inside")
        assert heard == []

    house.events.on(Happened, hear)
    await house.do(succeed)
    assert heard == ["inside"]
    assert await house.counts() == sum_of(before, LEFT)


async def test_the_database_s_own_refusal_is_undone_by_a_savepoint_too(house: House) -> None:
    async def refused_at_the_end(uow: UnitOfWork) -> None:
        async with uow.savepoint():
            twice = {"tenant": uow.tenant_id, "id": uuid7(), "name": "twice"}
            uow.write_behind(_ADD_TEAM, twice)
            uow.write_behind(_ADD_TEAM, twice)

    async def go_on(uow: UnitOfWork) -> None:
        with pytest.raises(psycopg.errors.UniqueViolation):
            await refused_at_the_end(uow)
        write_team_behind(uow, "after")

    await house.do(go_on)
    async with house.database.unit_of_work(house.tenant_id) as uow:
        assert await team_names(uow) == ["after"]


async def test_settling_runs_handlers_that_announce_in_turn_before_it_ends(house: House) -> None:
    order: list[str] = []

    async def follow(uow: UnitOfWork, event: Happened) -> None:
        order.append(f"happened {event.name}")
        uow.announce(Followed(event.name))

    async def follow_further(uow: UnitOfWork, event: Followed) -> None:
        order.append(f"followed {event.name}")
        if len(event.name) < 3:
            uow.announce(Happened(event.name + "+"))

    async def settle(uow: UnitOfWork) -> None:
        uow.announce(Happened("a"))
        uow.announce(Happened("b+"))
        assert order == []
        await uow.settle()
        assert order == [
            "happened a",
            "happened b+",
            "followed a",
            "followed b+",
            "happened a+",
            "happened b++",
            "followed a+",
            "followed b++",
            "happened a++",
            "followed a++",
        ]

    house.events.on(Happened, follow)
    house.events.on(Followed, follow_further)
    await house.do(settle)
    assert len(order) == 10


async def test_a_handler_follows_only_the_events_that_its_condition_names(house: House) -> None:
    heard: list[str] = []

    async def hear(_: UnitOfWork, event: Happened) -> None:
        heard.append(event.name)

    async def announce(uow: UnitOfWork) -> None:
        uow.announce(Happened("this"))
        uow.announce(Happened("that"))

    house.events.on(Happened, hear, when=lambda event: event.name == "that")
    await house.do(announce)
    assert heard == ["that"]


async def test_asking_is_answered_at_once_and_before_what_was_announced(house: House) -> None:
    heard: list[str] = []

    async def hear(_: UnitOfWork, event: Happened) -> None:
        heard.append(event.name)

    async def ask(uow: UnitOfWork) -> None:
        uow.announce(Happened("announced"))
        await uow.ask(Happened("asked"))
        assert heard == ["asked"]

    house.events.on(Happened, hear)
    await house.do(ask)
    assert heard == ["asked", "announced"]


async def test_what_is_written_behind_is_there_when_a_handler_runs(house: House) -> None:
    seen: list[list[str]] = []

    async def look(uow: UnitOfWork, event: Happened) -> None:
        seen.append(await team_names(uow))
        write_team_behind(uow, f"{event.name} handled {len(seen)}")

    async def write(uow: UnitOfWork) -> None:
        write_team_behind(uow, "one")
        assert await team_names(uow) == []
        uow.announce(Happened("one"))

    house.events.on(Happened, look)
    house.events.on(Happened, look)
    await house.do(write)
    assert seen == [["one"], ["one", "one handled 1"]]
    async with house.database.unit_of_work(house.tenant_id) as uow:
        assert await team_names(uow) == ["one", "one handled 1", "one handled 2"]


async def test_what_is_written_behind_is_sent_with_the_commit_or_when_asked_for(house: House) -> None:
    async def write(uow: UnitOfWork) -> None:
        write_team_behind(uow, "asked for")
        await uow.write_now()
        write_team_behind(uow, "with the commit")
        assert await team_names(uow) == ["asked for"]

    await house.do(write)
    async with house.database.unit_of_work(house.tenant_id) as uow:
        assert await team_names(uow) == ["asked for", "with the commit"]


async def test_an_exception_rolls_everything_back(house: House) -> None:
    before = await house.counts()

    async def fail(uow: UnitOfWork) -> None:
        await everything(uow, "lost")
        async with uow.savepoint():
            await everything(uow, "also lost")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await house.do(fail)
    assert await house.counts() == before


async def test_an_exception_of_a_handler_rolls_back_what_it_follows(house: House) -> None:
    before = await house.counts()

    async def fail(uow: UnitOfWork, event: Happened) -> None:
        raise ZeroDivisionError

    house.events.on(Happened, fail)
    with pytest.raises(ZeroDivisionError):
        await house.do(lambda uow: everything(uow, "lost"))
    assert await house.counts() == before


async def test_a_statement_that_the_commit_cannot_send_rolls_everything_back(house: House) -> None:
    before = await house.counts()

    async def twice(uow: UnitOfWork) -> None:
        await everything(uow, "lost")
        team = {"tenant": uow.tenant_id, "id": uuid7(), "name": "twice"}
        uow.write_behind(_ADD_TEAM, team)
        uow.write_behind(_ADD_TEAM, team)

    with pytest.raises(psycopg.errors.UniqueViolation):
        await house.do(twice)
    # The connection went back to the pool clean.
    assert await house.counts() == before


async def test_without_a_tenant_nothing_of_anybody_is_seen(house: House) -> None:
    await house.do(lambda uow: everything(uow, "somebody's"))
    async with house.database.without_tenant() as connection:
        for table in ("tenants", "users", "teams", "feed", "audit_entries"):
            cursor = await connection.execute(f"SELECT count(*) FROM {table}")
            assert await cursor.fetchall() == [(0,)], table


async def test_a_tenant_does_not_stay_with_a_connection_that_goes_back_to_the_pool(house: House) -> None:
    for _ in range(3):
        assert (await house.counts())["audit_entries"] >= 0
        async with house.database.without_tenant() as connection:
            cursor = await connection.execute("SELECT count(*) FROM tenants")
            assert await cursor.fetchall() == [(0,)]


async def test_without_a_tenant_nothing_can_be_written(house: House) -> None:
    async def write() -> None:
        async with house.database.without_tenant() as connection:
            await connection.execute(_ADD_TEAM, {"tenant": house.tenant_id, "id": uuid7(), "name": "nobody's"})

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await write()
