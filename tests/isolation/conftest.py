from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from tests.isolation.brokerages import Connection, House, furnish

from porchlight.kit.database import libpq_url
from porchlight.kit.installation import Urls


@pytest.fixture
async def web(app: FastAPI, runtime: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that, like the real ones, sees nothing of a failure but the answer."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://porchlight.test") as client:
        yield client


@pytest.fixture
async def theirs(brokerage: Any, web: httpx2.AsyncClient) -> House:
    return await furnish(brokerage, web, "Zenobia")


@pytest.fixture
async def ours(other_brokerage: Any, theirs: House, web: httpx2.AsyncClient) -> House:
    return await furnish(other_brokerage, web, "Quentin")


@pytest.fixture
def owner(installation: Urls) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(installation.owner), autocommit=True) as connection:
        yield connection


@pytest.fixture
def application(installation: Urls) -> Iterator[Connection]:
    """The database as the application's role: what an attacker has who can run any SQL in the application."""
    with psycopg.connect(libpq_url(installation.app), autocommit=True) as connection:
        yield connection


@pytest.fixture
def worker(installation: Urls) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(installation.worker), autocommit=True) as connection:
        yield connection
