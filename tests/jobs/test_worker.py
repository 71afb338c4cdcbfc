"""Workers that die, lose their database, or are asked to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest

from porchlight.jobs.app import RETRY, Job, long_job
from porchlight.jobs.defer import defer
from porchlight.jobs.worker import run_worker
from porchlight.kit.database import libpq_url
from porchlight.kit.installation import Urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings

ran: list[str] = []


@long_job("test.note")
async def note(runtime: Runtime, tenant_id: UUID, word: str) -> None:
    ran.append(word)


@long_job("test.slow")
async def slow(runtime: Runtime, tenant_id: UUID) -> None:
    ran.append("began")
    await asyncio.sleep(0.3)
    ran.append("ended")


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def owner(installation: Urls) -> Any:
    options = "-c search_path=jobs"
    with psycopg.connect(libpq_url(installation.owner), autocommit=True, options=options) as connection:
        yield connection


async def queue_one(brokerage: Any, job: Job, **arguments: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await defer(uow, job, **arguments)


def taken_by_a_dead_worker(owner: psycopg.Connection[Any], *, attempts: int = 0, heard: str = "1 minute") -> None:
    """Make everything queued look as a worker leaves it that was killed."""
    owner.execute(
        "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s::interval) RETURNING id)"
        " UPDATE procrastinate_jobs j SET status = 'doing', worker_id = dead.id, attempts = %s FROM dead"
        " WHERE j.status = 'todo' AND task_name LIKE 'test.%%'",
        (heard, attempts),
    )


def statuses(owner: psycopg.Connection[Any]) -> list[str]:
    ours = "SELECT status::text FROM procrastinate_jobs WHERE task_name LIKE 'test.%' ORDER BY id"
    return [row[0] for row in owner.execute(ours)]


async def until(true: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


DOOMED = """
import asyncio, sys
from porchlight.jobs.app import long_job
from porchlight.jobs.worker import run_worker
from porchlight.kit.settings import Settings
from porchlight.main import build

@long_job("test.note")
async def note(runtime, tenant_id, word):
    print("began", flush=True)
    await asyncio.sleep(60)

asyncio.run(run_worker(build(Settings())))
"""


async def test_the_job_of_a_killed_worker_is_run_by_the_next(
    brokerage: Any, owner: Any, settings: Settings, installation: Urls
) -> None:
    await queue_one(brokerage, note, word="saved")
    environment = os.environ | {"PORCHLIGHT_HOME": str(settings.home), "PORCHLIGHT_DATABASE_URL": installation.owner}
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", DOOMED, env=environment, stdout=PIPE)
    assert worker.stdout is not None
    assert await asyncio.wait_for(worker.stdout.readline(), 30) == b"began\n"
    worker.kill()
    await worker.wait()
    await brokerage.run_jobs()
    assert ran == []  # for all anyone knows, that worker is still at it
    owner.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 minute'")
    await brokerage.run_jobs()
    assert ran == ["saved"]
    assert statuses(owner) == []


async def test_a_killed_worker_holds_no_lock_after_its_death(brokerage: Any, owner: Any) -> None:
    await queue_one(brokerage, note, lock="one at a time", word="first")
    taken_by_a_dead_worker(owner)
    await queue_one(brokerage, note, lock="one at a time", word="second")
    await brokerage.run_jobs()
    assert sorted(ran) == ["first", "second"]


async def test_an_abandoned_job_gives_way_to_the_same_work_that_waits(brokerage: Any, owner: Any) -> None:
    await queue_one(brokerage, note, lock="l", once="this", word="old")
    taken_by_a_dead_worker(owner)
    await queue_one(brokerage, note, lock="l", once="this", word="new")
    await brokerage.run_jobs()
    assert ran == ["new"]
    assert statuses(owner) == []


async def test_the_job_of_a_living_worker_is_left_alone(brokerage: Any, owner: Any) -> None:
    await queue_one(brokerage, note, word="theirs")
    taken_by_a_dead_worker(owner, heard="5 seconds")
    await brokerage.run_jobs()
    assert ran == []
    assert statuses(owner) == ["doing"]


async def test_a_job_that_kills_its_workers_is_given_up(brokerage: Any, owner: Any) -> None:
    assert RETRY.max_attempts is not None
    await queue_one(brokerage, note, word="poison")
    taken_by_a_dead_worker(owner, attempts=RETRY.max_attempts - 1)
    await brokerage.run_jobs()
    assert ran == []
    assert statuses(owner) == ["failed"]


async def test_a_worker_comes_back_after_losing_the_database(brokerage: Any, owner: Any) -> None:
    working = asyncio.create_task(run_worker(brokerage.runtime, concurrency=1))
    await queue_one(brokerage, note, word="before")
    await until(lambda: ran == ["before"])
    owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '%\\_worker'")
    await queue_one(brokerage, note, word="after")
    await until(lambda: ran == ["before", "after"])
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working


async def test_a_worker_that_is_asked_to_stop_finishes_its_job(brokerage: Any, owner: Any) -> None:
    working = asyncio.create_task(run_worker(brokerage.runtime, concurrency=1))
    await queue_one(brokerage, slow)
    await until(lambda: ran == ["began"])
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(working, 10)
    assert ran == ["began", "ended"]
    assert statuses(owner) == []


async def test_a_job_is_queued_only_if_its_unit_of_work_commits(brokerage: Any) -> None:
    with suppress(ZeroDivisionError):
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            await defer(uow, note, word="never")
            raise ZeroDivisionError
    await brokerage.run_jobs()
    assert ran == []


async def test_the_same_work_is_queued_once_while_it_waits(brokerage: Any, other_brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        for word in ("first", "second"):
            await defer(uow, note, once="this", word=word)
    await queue_one(other_brokerage, note, once="this", word="theirs")
    await brokerage.run_jobs()
    assert sorted(ran) == ["first", "theirs"]
