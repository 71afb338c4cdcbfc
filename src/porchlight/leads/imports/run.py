"""Running an import: batch after batch, each one transaction, with the next being read while the database works.

A run that was cut off goes on where it stopped; a row that the database refuses is found and rejected by itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, LiteralString
from uuid import UUID

import orjson
import psycopg

from porchlight.kit.database import Actor, UnitOfWork
from porchlight.kit.feed import Frame
from porchlight.kit.runtime import Runtime
from porchlight.kit.tables.records import FileUnreadable, Reject
from porchlight.leads.capture import capture_leads
from porchlight.leads.imports.batches import Batch, ImportOptions, Item, Source, open_source
from porchlight.leads.imports.columns import ColumnMapping
from porchlight.leads.imports.ledger import (
    Entry,
    Tally,
    advance,
    end,
    hold,
    open_entry,
    unfinished,
)
from porchlight.leads.imports.rejects import rejects_beside, rejects_file
from porchlight.leads.locality import reading_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is. `total` is the number of rows the file will have had, told from the part that is read."""

    done: Tally
    total: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a file: created + matched + rejected = rows. `notices` counts by code what could not be read."""

    import_id: UUID
    rows: int
    created: int
    matched: int
    rejected: int
    rejects_file: Path | None
    seconds: float
    notices: Counter[str]


Keep = Callable[[UnitOfWork, list[Reject]], Awaitable[None]]


def _nothing(_: object) -> None:
    pass


@dataclass(slots=True)
class Run:
    """A run under way. `keep` stores a batch's rejects, in the batch's transaction."""

    runtime: Runtime
    tenant_id: UUID
    actor: Actor
    entry: Entry
    keep: Keep
    on_progress: Callable[[Progress], None] = _nothing
    notices: Counter[str] = field(default_factory=Counter)


async def run_import(
    runtime: Runtime,
    tenant_id: UUID,
    actor: Actor,
    path: Path,
    options: ImportOptions | None = None,
    *,
    on_mapping: Callable[[ColumnMapping], None] = _nothing,
    on_progress: Callable[[Progress], None] = _nothing,
) -> ImportResult:
    """Import a file for a tenant. Rejects go to a file beside it.

    A file whose import was cut off, imported again with the same options, goes on after its last whole batch; the
    result is that of both runs. Raises `FileUnreadable`, `BadMapping`, and `conflict` when two runs import one file.
    """
    started = time.perf_counter()
    options = options or ImportOptions()
    fingerprint = await asyncio.to_thread(_fingerprint, path, options)
    async with runtime.database.unit_of_work(tenant_id, actor) as uow:
        reading = await reading_of(uow)
        entry = await unfinished(uow, fingerprint)
    with open_source(path, options, reading, skip=entry.done.rows if entry else 0) as source:
        on_mapping(source.mapping)
        if entry is None:
            async with runtime.database.unit_of_work(tenant_id, actor) as uow:
                entry = await open_entry(uow, path.name, {**options.as_json(), "fingerprint": fingerprint})
        with rejects_file(rejects_beside(path), source.columns, keep_to_line=source.skipped_to) as rejects:

            async def keep(_: UnitOfWork, batch: list[Reject]) -> None:
                rejects.add_all(batch)

            run = Run(runtime, tenant_id, actor, entry, keep, on_progress)
            await carry_out(run, source)
    done = run.entry.done
    return ImportResult(
        import_id=run.entry.import_id,
        rows=done.rows,
        created=done.created,
        matched=done.matched,
        rejected=done.rejected,
        rejects_file=rejects.written,
        seconds=time.perf_counter() - started,
        notices=run.notices,
    )


def _fingerprint(path: Path, options: ImportOptions) -> str:
    """What makes two imports the same: the file's content and how it is to be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, hashlib.sha256)
    except OSError as error:
        raise FileUnreadable("missing", f"{path} cannot be opened: {error.strerror}") from error
    # The name counts because it is the leads' source where no other is given.
    digest.update(orjson.dumps([path.name, options.as_json()], option=orjson.OPT_SORT_KEYS))
    return digest.hexdigest()


async def carry_out(run: Run, source: Source) -> None:
    """Take in every batch of `source` and close the import."""
    with _Reader(source.batches) as reader:
        while (batch := await reader.next()) is not None:
            await _take_in(run, batch, reader.start)
            run.on_progress(Progress(run.entry.done, _expected(run.entry.done, batch)))
    async with run.runtime.database.unit_of_work(run.tenant_id, run.actor) as uow:
        await end(uow, run.entry, "done")


class _Reader:
    """Reads the next batch in a thread, from the moment when it is told to start: while the database has work to do.

    Left to itself it would take turns with the batch before it and delay what the database waits for.
    """

    def __init__(self, batches: Iterator[Batch]):
        self._batches = batches
        self._thread = ThreadPoolExecutor(1, "import")
        self._coming: asyncio.Future[Batch | None] | None = None

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def start(self) -> None:
        if self._coming is None:
            self._coming = asyncio.get_running_loop().run_in_executor(self._thread, next, self._batches, None)

    async def next(self) -> Batch | None:
        """The next batch; None after the last."""
        self.start()
        assert self._coming is not None
        batch = await self._coming
        self._coming = None
        return batch


_TRIES: Final = 3


async def _take_in(run: Run, batch: Batch, meanwhile: Callable[[], None]) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            run.entry = await _one_transaction(run, batch, meanwhile)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            # Others write to the same leads; the batch is undone whole, so it can be done again.
            if attempt == _TRIES:
                raise
        else:
            break
    for item in batch.items:
        run.notices.update(item.notices)


_COMMIT_SOON: LiteralString = "SELECT set_config('synchronous_commit', 'off', true)"
"""No batch waits for the disk: if it were lost, so would be its place in the ledger; the end waits for them all."""


async def _one_transaction(run: Run, batch: Batch, meanwhile: Callable[[], None]) -> Entry:
    async with run.runtime.database.unit_of_work(run.tenant_id, run.actor) as uow:
        await uow.connection.execute(_COMMIT_SOON)
        await hold(uow, run.entry)
        tally, refused = await _capture_what_can_be(uow, batch.items, meanwhile)
        await uow.settle()
        rejects = sorted([*batch.rejects, *refused], key=lambda reject: reject.line)
        done = run.entry.done + tally + Tally(rejected=len(rejects))
        total = _expected(done, batch)
        entry = await advance(uow, run.entry, done, total)
        uow.publish(_frame(uow, entry, total))
        # Last, so that a batch that is undone leaves nothing in a file; a run that goes on leaves out what is too much.
        await run.keep(uow, rejects)
    return entry


_REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, orjson.JSONEncodeError, ValueError, OverflowError)
"""What is wrong with a value rather than with the database or with us."""


async def _capture_what_can_be(
    uow: UnitOfWork, items: list[Item], meanwhile: Callable[[], None]
) -> tuple[Tally, list[Reject]]:
    """Capture `items`; where that fails, halve them until the rows that are at fault stand alone."""
    if not items:
        return Tally(), []
    try:
        incoming = [item.incoming for item in items]
        captures = await capture_leads(uow, incoming, door="import", live=False, meanwhile=meanwhile)
    except _REFUSALS as error:
        if len(items) == 1:
            [item] = items
            said = str(error).partition("\n")[0]
            sentence = f"the row cannot be stored ({said}): correct its text"
            return Tally(), [Reject(item.record.line, None, "row.refused", sentence, item.record.cells)]
        middle = len(items) // 2
        first, first_refused = await _capture_what_can_be(uow, items[:middle], meanwhile)
        second, second_refused = await _capture_what_can_be(uow, items[middle:], meanwhile)
        return first + second, first_refused + second_refused
    created = sum(capture.outcome == "created" for capture in captures)
    return Tally(created, len(captures) - created), []


def _frame(uow: UnitOfWork, entry: Entry, total: int) -> Frame:
    done = entry.done
    body = {
        "import_id": entry.import_id,
        "rows": done.rows,
        "created": done.created,
        "matched": done.matched,
        "rejected": done.rejected,
        "total": total,
    }
    return Frame(kind="import.progress", at=uow.now(), body=body)


def _expected(done: Tally, batch: Batch) -> int:
    """How many rows the file has, told from the part of it that is read with `batch`."""
    return max(done.rows, round(done.rows / batch.fraction)) if batch.fraction > 0 else done.rows
