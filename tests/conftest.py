"""The real thing, once per test process: an embedded PostgreSQL, migrated, and a tenant of its own for every test."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

import httpx2
import psycopg
import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import FastAPI

from porchlight.accounts.caller import SESSION_COOKIE, csrf_token, parse_session_token
from porchlight.accounts.manage import create_api_key, create_tenant, create_user
from porchlight.accounts.permissions import Permission, Role
from porchlight.accounts.sign_in import open_session
from porchlight.cli.serve import SERVER
from porchlight.jobs.worker import run_worker
from porchlight.kit.clock import SetClock
from porchlight.kit.database import libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls, urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.main import build, create_app
from porchlight.migrations import bring_up_to_date

#: A Tuesday, 15:00 in New York: nobody's quiet hours, everybody's working hours.
NOON = datetime(2026, 3, 10, 19, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Person:
    """A user, and the headers with which their browser proves who they are."""

    id: UUID
    email: str
    headers: dict[str, str]


@cache
def _password_hash() -> str:
    return PasswordHasher().hash(PASSWORD)


@dataclass(frozen=True, slots=True)
class Brokerage:
    """A tenant with an admin and a key that may do everything."""

    runtime: Runtime
    tenant_id: UUID
    admin_id: UUID
    admin_email: str
    api_key: str

    @property
    def clock(self) -> SetClock:
        assert isinstance(self.runtime.clock, SetClock)
        return self.runtime.clock

    @property
    def headers(self) -> dict[str, str]:
        """Those of a program with the key that may do everything."""
        return {"authorization": f"Bearer {self.api_key}"}

    async def join(self, role: Role, *, team_id: UUID | None = None, name: str | None = None) -> Person:
        """A new user, signed in."""
        database, settings = self.runtime.database, self.runtime.settings
        email = f"{role.value}-{uuid7().hex[-8:]}@realty.example.com"
        async with database.unit_of_work(self.tenant_id) as uow:
            user = await create_user(
                uow,
                email=email,
                name=name or role.value.title(),
                role=role,
                team_id=team_id,
                password_hash=_password_hash(),
            )
            token = await open_session(uow, user, settings.session_hours)
        return Person(user.id, email, session_headers(self.runtime, token))

    async def run_jobs(self) -> None:
        """Run what is queued and due until nothing is."""
        await run_worker(self.runtime, wait=False, concurrency=1)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), log_level="error")


@pytest.fixture(scope="session")
def installation(settings: Settings) -> Urls:
    found = urls(settings)
    bring_up_to_date(found, settings.key)
    return found


@pytest.fixture(scope="session")
async def shared_runtime(settings: Settings, installation: Urls) -> AsyncIterator[Runtime]:
    runtime = build(settings, clock=SetClock(NOON), at=installation)
    yield runtime
    await runtime.database.close()


@pytest.fixture(scope="session")
def app(shared_runtime: Runtime) -> FastAPI:
    return create_app(shared_runtime)


@pytest.fixture
async def web(app: FastAPI, runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application, without a socket between and without credentials."""
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://porchlight.test") as client:
        yield client


@pytest.fixture(scope="session")
def server(settings: Settings, installation: Urls, shared_runtime: Runtime) -> Iterator[str]:
    """The address (host:port) of the application behind a real socket, in a thread with a loop and pool of its own."""
    app = create_app(build(settings, clock=shared_runtime.clock, at=installation))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **SERVER))
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"{host}:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def runtime(shared_runtime: Runtime, installation: Urls) -> Runtime:
    """The runtime, its clock set to NOON and its queue empty."""
    assert isinstance(shared_runtime.clock, SetClock)
    shared_runtime.clock.at = NOON
    with psycopg.connect(libpq_url(installation.owner), autocommit=True) as connection:
        connection.execute("TRUNCATE jobs.procrastinate_jobs CASCADE")
    return shared_runtime


def session_headers(runtime: Runtime, token: str) -> dict[str, str]:
    """The headers of a browser that was given `token` at signing in."""
    credential = parse_session_token(token)
    assert credential is not None
    return {"cookie": f"{SESSION_COOKIE}={token}", "x-csrf-token": csrf_token(runtime, credential)}


async def found_brokerage(runtime: Runtime, name: str = "Test Realty") -> Brokerage:
    tenant_id = uuid7()
    email = f"admin-{tenant_id.hex[-8:]}@realty.example.com"
    async with runtime.database.unit_of_work(tenant_id) as uow:
        create_tenant(uow, name, time_zone="America/New_York", region="US", postal_address="1 Main St, Albany NY 12207")
        await uow.session.flush()
        admin = await create_user(uow, email=email, name="Ada Admin", role=Role.ADMIN, password=PASSWORD)
        key = await create_api_key(uow, "everything", Permission)
    return Brokerage(runtime, tenant_id, admin.id, email, key.secret)


@pytest.fixture
async def brokerage(runtime: Runtime) -> Brokerage:
    return await found_brokerage(runtime)


@pytest.fixture
async def other_brokerage(runtime: Runtime) -> Brokerage:
    return await found_brokerage(runtime, "Other Realty")
