"""Running jobs: a worker that comes back when the database does, and takes up what dead workers left behind."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job as QueuedJob
from procrastinate.jobs import Status

from porchlight.jobs.app import RETRY, queue
from porchlight.kit.database import libpq_url
from porchlight.kit.runtime import Runtime

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 10.0
#: A worker that was not heard of for so long is dead, or was asleep with its machine.
DEAD_AFTER_SECONDS = 30.0
#: Longer than a heartbeat: a worker whose machine slept has spoken up again before anyone looks twice.
LOOK_EVERY_SECONDS = 15.0
RESTART_SECONDS = 1.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def run_worker(runtime: Runtime, *, concurrency: int = 4, wait: bool = True) -> None:
    """Run jobs until SIGINT or SIGTERM, or with `wait=False` until none is due.

    What runs when the signal comes is finished first; a second signal ends the process at once.
    """
    if not wait:
        await _work(runtime, concurrency, wait=False)
        return
    with _signalled() as stopped:
        while not stopped.done():
            working = asyncio.create_task(_work(runtime, concurrency, wait=True), name="worker")
            try:
                await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not working.done():
                    working.cancel()
                    with suppress(asyncio.CancelledError):
                        await working
            if not stopped.done():
                # It ends by itself when it lost the database: whoever runs it should not have to start it again.
                log.warning("worker.restarts", error=repr(working.exception()), seconds=RESTART_SECONDS)
                await asyncio.wait({stopped}, timeout=RESTART_SECONDS)


@contextmanager
def _signalled() -> Iterator[asyncio.Future[None]]:
    """A future that is done when the process is asked to end."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[None] = loop.create_future()

    def restore() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def answer() -> None:
        restore()
        asked.set_result(None)

    for number in _SIGNALS:
        loop.add_signal_handler(number, answer)
    try:
        yield asked
    finally:
        restore()


async def _work(runtime: Runtime, concurrency: int, *, wait: bool) -> None:
    connector = procrastinate.PsycopgConnector(
        conninfo=libpq_url(runtime.worker_url),
        kwargs={"options": "-c search_path=jobs,public"},
        min_size=1,
        max_size=concurrency + 2,
    )
    with queue.replace_connector(connector):
        async with queue.open_async():
            await requeue_abandoned()
            looking = asyncio.create_task(_keep_looking(), name="abandoned jobs")
            try:
                await queue.run_worker_async(
                    concurrency=concurrency,
                    wait=wait,
                    install_signal_handlers=False,
                    additional_context={"runtime": runtime},
                    fetch_job_polling_interval=2.0,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=DEAD_AFTER_SECONDS,
                    delete_jobs="successful",
                )
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking


async def _keep_looking() -> None:
    before: frozenset[int | None] = frozenset()
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        try:
            before = await requeue_abandoned(seen_before=before)
        except ConnectorException:
            log.exception("worker.look_failed")


async def requeue_abandoned(*, seen_before: frozenset[int | None] | None = None) -> frozenset[int | None]:
    """Queue again what dead workers were running; returns the ids of the jobs that look abandoned.

    With `seen_before`, only what was in there is queued again. Jobs may run more than once, so that a worker that was
    taken for dead does no harm. A job that was tried too often is failed: it may be what kills its workers.
    """
    found = await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS)
    abandoned = list(found)
    for job in abandoned:
        if seen_before is None or job.id in seen_before:
            with suppress(ConnectorException):  # another worker was quicker
                await _requeue(job)
    return frozenset(job.id for job in abandoned)


async def _requeue(job: QueuedJob) -> None:
    log.warning("job.abandoned", job=job.task_name, job_id=job.id, attempts=job.attempts)
    if job.attempts + 1 >= (RETRY.max_attempts or 1):
        await queue.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        return
    try:
        await queue.job_manager.retry_job(job)
    except UniqueViolation:
        # The same work waits in the queue already.
        await queue.job_manager.finish_job(job, Status.ABORTED, delete_job=True)
