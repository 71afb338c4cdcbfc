"""The database behind one call, and the unit of work: one transaction, one tenant, one actor.

Nothing else in Porchlight opens, commits or rolls back a transaction.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, LiteralString, cast
from uuid import UUID

import orjson
import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from porchlight.kit.clock import Clock, SystemClock
from porchlight.kit.connection import connect
from porchlight.kit.events import Event, Events
from porchlight.kit.feed import Frame, append_frames

set_json_dumps(orjson.dumps)
set_json_loads(orjson.loads)


class Base(DeclarativeBase):
    """Base of every table; names of constraints are fixed so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person, a key, or Porchlight itself (`id` is None)."""

    kind: Literal["user", "api_key", "hook", "system"]
    id: UUID | None
    label: str


SYSTEM = Actor("system", None, "porchlight")

#: Writes what was collected for the end of the transaction; the lower rank goes first.
Appender = Callable[["UnitOfWork", list[Any]], Awaitable[None]]

_SET_TENANT: LiteralString = "SELECT set_config('porchlight.tenant', %s, true)"


@dataclass(slots=True, kw_only=True)
class UnitOfWork:
    """One open transaction. `connection` and `session` are two views of it; code inside never commits."""

    tenant_id: UUID
    actor: Actor
    connection: psycopg.AsyncConnection[TupleRow]
    _outer: AsyncConnection
    _clock: Clock
    _events: Events
    _session: AsyncSession | None = None
    _announced: deque[Event] = field(default_factory=deque)
    _appends: dict[Appender, list[Any]] = field(default_factory=dict)
    _frames: list[Frame] = field(default_factory=list)
    _behind: deque[tuple[LiteralString | bytes, Mapping[str, Any]]] = field(default_factory=deque)

    @property
    def session(self) -> AsyncSession:
        """The SQLAlchemy session of this transaction."""
        if self._session is None:
            self._session = AsyncSession(self._outer, expire_on_commit=False, autoflush=True)
        return self._session

    def now(self) -> datetime:
        return self._clock.now()

    def announce(self, event: Event) -> None:
        """Tell the layers above; their handlers run in this transaction, before it commits."""
        self._announced.append(event)

    async def ask(self, event: Event) -> None:
        """As `announce`, but now: for an event that the layers above answer by filling it in."""
        await self._dispatch(event)

    def publish(self, frame: Frame) -> None:
        """Push a live frame to the tenant's clients, if and when this transaction commits."""
        self._frames.append(frame)

    def at_commit(self, append: Appender, item: Any) -> None:
        """Collect `item` for `append`, which runs once, after the event handlers and before the feed."""
        self._appends.setdefault(append, []).append(item)

    def write_behind(self, statement: LiteralString | bytes, parameters: Mapping[str, Any]) -> None:
        """Send a statement whose effect nobody needs before the commit together with it, saving a round trip.

        Whoever reads what it writes, in this same unit of work, calls `write_now` first.
        """
        self._behind.append((statement, parameters))

    async def write_now(self) -> None:
        """Send what was left to be sent with the commit."""
        while self._behind:
            await self.connection.execute(*self._behind.popleft())

    async def plan_once(self) -> None:
        """Have the statements of this transaction run by the plan made for them once, whatever their parameters.

        For statements that find their rows by key: planned anew each time, they take longer to plan than to run.
        """
        await self.connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")

    async def settle(self) -> None:
        """Run the handlers of what was announced so far, including what they announce in turn."""
        while self._announced:
            await self._dispatch(self._announced.popleft())

    async def _dispatch(self, event: Event) -> None:
        for handler in self._events.handlers_of(event):
            await self.write_now()
            await handler(self, event)

    async def _commit(self) -> None:
        await self.settle()
        if self._session is not None:
            await self._session.flush()
        # One round trip: the heads of the chains are locked, moved and released by the same batch.
        async with self.connection.pipeline():
            await self.write_now()
            for append, items in self._appends.items():
                await append(self, items)
            if self._frames:
                await append_frames(self.connection, self.tenant_id, self._frames)
            await self.connection.commit()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone: an exception inside undoes the part only, and goes on to the caller.

        Whatever the part announced, published or collected is taken back with it.
        """
        kept = (deque(self._announced), {key: list(items) for key, items in self._appends.items()}, list(self._frames))
        await self.write_now()
        if self._session is not None:
            await self._session.flush()
        try:
            async with self.connection.transaction():
                yield
                await self.write_now()
                if self._session is not None:
                    await self._session.flush()
        except BaseException:
            self._announced, self._appends, self._frames = kept
            self._behind.clear()
            if self._session is not None:
                self._session.expunge_all()
            raise


class Database:
    """The application's way to PostgreSQL, as the role that row-level security binds."""

    def __init__(self, url: str, *, events: Events, clock: Clock | None = None, pool_size: int = 10) -> None:
        self.url = url
        self.events = events
        self.clock: Clock = clock or SystemClock()
        self._pool_size = pool_size

    @cached_property
    def engine(self) -> AsyncEngine:
        return create_async_engine(
            make_url(self.url).set(drivername="postgresql+psycopg"),
            pool_size=self._pool_size,
            max_overflow=self._pool_size,
            connect_args={
                "async_creator_fn": connect,
                "prepare_threshold": 2,
                "options": "-c search_path=public,jobs -c jit=off",
            },
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
        )

    @asynccontextmanager
    async def unit_of_work(self, tenant_id: UUID, actor: Actor = SYSTEM) -> AsyncIterator[UnitOfWork]:
        """Open a transaction for `tenant_id`; commit it on success, roll it back on an exception."""
        async with self.opened(tenant_id, actor) as (uow, _):
            yield uow

    @asynccontextmanager
    async def opened(
        self, tenant_id: UUID, actor: Actor = SYSTEM, first: tuple[LiteralString, Sequence[Any]] | None = None
    ) -> AsyncIterator[tuple[UnitOfWork, TupleRow | None]]:
        """As `unit_of_work`, together with the row that the query `first` finds, in the same single round trip."""
        async with self.engine.connect() as outer:
            raw = await outer.get_raw_connection()
            connection = cast("psycopg.AsyncConnection[TupleRow]", raw.driver_connection)
            row: TupleRow | None = None
            async with connection.pipeline():
                await connection.execute(_SET_TENANT, (str(tenant_id),))
                cursor = None if first is None else await connection.execute(first[0], first[1])
            if cursor is not None:
                row = await cursor.fetchone()
            uow = UnitOfWork(
                tenant_id=tenant_id,
                actor=actor,
                connection=connection,
                _outer=outer,
                _clock=self.clock,
                _events=self.events,
            )
            try:
                yield uow, row
                await uow._commit()
            except BaseException:
                await connection.rollback()
                raise
            finally:
                if uow._session is not None:
                    await uow._session.close()

    @asynccontextmanager
    async def without_tenant(self) -> AsyncIterator[psycopg.AsyncConnection[TupleRow]]:
        """A transaction that sees no row of anybody, for the few questions asked before a tenant is known."""
        async with self.engine.connect() as outer:
            raw = await outer.get_raw_connection()
            connection = cast("psycopg.AsyncConnection[TupleRow]", raw.driver_connection)
            try:
                yield connection
                await connection.commit()
            except BaseException:
                await connection.rollback()
                raise

    async def connect_alone(self) -> psycopg.AsyncConnection[TupleRow]:
        """A connection outside the pool, in autocommit: for LISTEN and for health checks."""
        return await psycopg.AsyncConnection.connect(libpq_url(self.url), autocommit=True)

    async def close(self) -> None:
        await self.engine.dispose()


def libpq_url(url: str) -> str:
    """The URL as psycopg itself takes it, without SQLAlchemy's driver name."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
