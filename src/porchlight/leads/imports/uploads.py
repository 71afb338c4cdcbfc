"""Imports by way of the pages: a file is stored, looked at, and then taken in by a job on whichever worker is free.

The file is kept in the database, in pieces, until its import is over: any worker can go on where another was cut off.
"""

from __future__ import annotations

import asyncio
import tempfile
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, LiteralString
from uuid import UUID

from sqlalchemy import delete, select, update

from porchlight.jobs.app import long_job, periodic
from porchlight.jobs.defer import defer
from porchlight.kit.database import Actor, Database, UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.kit.tables.records import FileUnreadable, Record, Reject
from porchlight.leads.imports.batches import ImportOptions, open_source
from porchlight.leads.imports.columns import ColumnMapping
from porchlight.leads.imports.ledger import Entry, Tally, end, open_entry
from porchlight.leads.imports.rejects import rejects_text
from porchlight.leads.imports.run import Keep, Run, carry_out
from porchlight.leads.locality import reading_of
from porchlight.leads.tables import Import, ImportChunk

PIECE_BYTES: Final = 1 << 20
KEPT_REJECTS_BYTES: Final = 10_000_000
SHOWN_ROWS: Final = 20
ABANDONED_AFTER: Final = timedelta(days=1)

_STORED_AS_IS = (b"\x1f\x8b", b"PAR1", b"PK\x03\x04")
"""What gzipped, Parquet and zipped files begin with; anything else is gzipped here."""
_GZIP_WINDOW = 31
_FASTEST = 1


# Storing


async def store_upload(uow: UnitOfWork, filename: str, content: AsyncIterator[bytes]) -> UUID:
    """Keep a file until somebody says how it is to be taken in; returns the import's id. Raises `FileUnreadable`."""
    entry = await open_entry(uow, filename, {}, status="preview")
    number = 0
    async for piece in _pieces(content):
        chunk = {"tenant_id": uow.tenant_id, "import_id": entry.import_id, "n": number, "data": piece}
        await uow.connection.execute(_INSERT_CHUNK, chunk)
        number += 1
    if not number:
        raise FileUnreadable("empty", "The file is empty: export it again with a header line and its rows")
    return entry.import_id


_INSERT_CHUNK: LiteralString = """
INSERT INTO import_chunks (tenant_id, import_id, n, data) VALUES (%(tenant_id)s, %(import_id)s, %(n)s, %(data)s)
"""
_CHUNKS: LiteralString = "SELECT data FROM import_chunks WHERE tenant_id = %s AND import_id = %s AND n = %s"


async def _pieces(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A file in pieces of `PIECE_BYTES`, gzipped where it is not packed yet."""
    waiting = bytearray()
    async for part in _packed(content):
        waiting += part
        while len(waiting) >= PIECE_BYTES:
            yield bytes(waiting[:PIECE_BYTES])
            del waiting[:PIECE_BYTES]
    if waiting:
        yield bytes(waiting)


async def _packed(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = None
    first = True
    async for part in content:
        if first and not part.startswith(_STORED_AS_IS):
            packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP_WINDOW)
        first = False
        # Packing a megabyte takes longer than others should wait for this process.
        yield part if packer is None else await asyncio.to_thread(packer.compress, part)
    if packer is not None:
        yield packer.flush()


@asynccontextmanager
async def _as_file(database: Database, tenant_id: UUID, import_id: UUID) -> AsyncIterator[Path]:
    """The stored file as one on this machine's disk, for as long as the block lasts."""
    with tempfile.NamedTemporaryFile(prefix="porchlight-import-") as file:
        number = 0
        while True:
            async with database.unit_of_work(tenant_id) as uow:
                cursor = await uow.connection.execute(_CHUNKS, (tenant_id, import_id, number))
                row = await cursor.fetchone()
            if row is None:
                break
            await asyncio.to_thread(file.write, row[0])
            number += 1
        if not number:
            raise FileUnreadable("missing", "The uploaded file is no longer there: upload it again")
        file.flush()
        yield Path(file.name)


# Looking at it


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would make of a file: each column's field, the first rows, and what is wrong in the first `read`.

    `problems` counts by code rows that would be rejected and values that would be kept as custom fields.
    """

    columns: list[str]
    mapping: ColumnMapping
    source: str
    rows: list[list[str]]
    read: int
    rejected: int
    problems: Counter[str]


async def preview(runtime: Runtime, tenant_id: UUID, import_id: UUID, options: ImportOptions | None = None) -> Preview:
    """Look at an uploaded file as an import with `options` would. Raises `FileUnreadable` and `BadMapping`."""
    async with runtime.database.unit_of_work(tenant_id) as uow:
        filename = (await find_import(uow, import_id)).filename
        reading = await reading_of(uow)
    async with _as_file(runtime.database, tenant_id, import_id) as path:
        with open_source(path, options or ImportOptions(), reading, name=filename) as source:
            batch = await asyncio.to_thread(next, source.batches)
    problems = Counter(reject.code for reject in batch.rejects)
    for item in batch.items:
        problems.update(item.notices)
    shown = islice((row.cells for row in source.sample if isinstance(row, Record)), SHOWN_ROWS)
    return Preview(
        source.columns, source.mapping, source.plan.source, list(shown), len(batch), len(batch.rejects), problems
    )


async def find_import(uow: UnitOfWork, import_id: UUID) -> Import:
    """The import's row. Raises `not_found`."""
    found = await uow.session.get(Import, (uow.tenant_id, import_id))
    if found is None:
        raise PorchlightError("not_found", "There is no such import.")
    return found


async def recent_imports(uow: UnitOfWork, limit: int = 20) -> list[Import]:
    """The tenant's imports, the newest first."""
    newest = select(Import).where(Import.tenant_id == uow.tenant_id).order_by(Import.id.desc()).limit(limit)
    return list(await uow.session.scalars(newest))


# Taking it in


async def start_import(uow: UnitOfWork, import_id: UUID, options: ImportOptions) -> None:
    """Queue a file that was looked at. Raises `conflict` for one that has started already."""
    waiting = await uow.session.execute(
        update(Import)
        .where(Import.tenant_id == uow.tenant_id, Import.id == import_id, Import.status == "preview")
        .values(status="queued", options={**options.as_json(), "started_at": uow.now().isoformat()})
        .returning(Import.id)
    )
    if waiting.one_or_none() is None:
        raise PorchlightError("conflict", "This import has started already, or was discarded.")
    await defer(uow, run_upload, import_id=import_id)


async def cancel_import(uow: UnitOfWork, import_id: UUID) -> None:
    """Discard a file, or stop its import after the batch that is under way. What is in stays in."""
    row = await find_import(uow, import_id)
    await end(uow, _entry(row), "cancelled")
    await _drop_file(uow, import_id)


@periodic("imports.tidy", "41 * * * *")
async def tidy(uow: UnitOfWork) -> None:
    await drop_abandoned(uow)


async def drop_abandoned(uow: UnitOfWork) -> None:
    """Files that were uploaded and never imported do not stay."""
    abandoned = select(Import.id).where(
        Import.tenant_id == uow.tenant_id,
        Import.status == "preview",
        Import.created_at < uow.now() - ABANDONED_AFTER,
    )
    for import_id in await uow.session.scalars(abandoned):
        await cancel_import(uow, import_id)


@long_job("imports.run")
async def run_upload(runtime: Runtime, tenant_id: UUID, import_id: str) -> None:
    await take_upload_in(runtime, tenant_id, UUID(import_id))


async def take_upload_in(runtime: Runtime, tenant_id: UUID, import_id: UUID) -> None:
    """Take an uploaded file in, or go on where another worker was cut off."""
    database = runtime.database
    async with database.unit_of_work(tenant_id) as uow:
        row = await find_import(uow, import_id)
        if row.status not in ("queued", "running"):
            return
        row.status = "running"
        reading = await reading_of(uow)
        actor = _actor(row)
    options = _options(row.options)
    try:
        async with _as_file(database, tenant_id, row.id) as path:
            with open_source(path, options, reading, name=row.filename, skip=row.rows_done) as source:
                run = Run(runtime, tenant_id, actor, _entry(row), _keeper(row.id, source.columns))
                await carry_out(run, source)
    except PorchlightError as error:
        if error.code == "conflict":
            return  # cancelled, or another worker has it
        async with database.unit_of_work(tenant_id, actor) as uow:
            await end(uow, _entry(row), "failed", error.detail)
    async with database.unit_of_work(tenant_id, actor) as uow:
        await _drop_file(uow, row.id)


def _entry(row: Import) -> Entry:
    return Entry(row.id, Tally(row.created, row.matched, row.rejected))


def _actor(row: Import) -> Actor:
    return Actor("system" if row.created_by is None else "user", row.created_by, f"import of {row.filename}")


def _options(stored: dict[str, Any]) -> ImportOptions:
    return ImportOptions(**{name: stored[name] for name in ("overrides", "external_id", "source", "outcome")})


_KEEP_REJECTS: LiteralString = """
UPDATE imports SET rejects = coalesce(rejects, %(header)s) || %(text)s ||
    CASE WHEN octet_length(coalesce(rejects, '')) + octet_length(%(text)s) > %(most)s THEN %(more)s ELSE '' END
WHERE tenant_id = %(tenant)s AND id = %(id)s AND octet_length(coalesce(rejects, '')) <= %(most)s
"""
_MORE = ",rejects.cut,There are more: only the first 10 MB are kept. Correct these and import the file again.\r\n"


def _keeper(import_id: UUID, columns: list[str]) -> Keep:
    header = rejects_text([], columns, with_header=True, most=KEPT_REJECTS_BYTES)

    async def keep(uow: UnitOfWork, rejects: list[Reject]) -> None:
        if rejects:
            text = rejects_text(rejects, columns, with_header=False, most=KEPT_REJECTS_BYTES)
            values = {"header": header, "text": text.replace("\0", ""), "more": _MORE, "most": KEPT_REJECTS_BYTES}
            await uow.connection.execute(_KEEP_REJECTS, values | {"tenant": uow.tenant_id, "id": import_id})

    return keep


async def _drop_file(uow: UnitOfWork, import_id: UUID) -> None:
    await uow.session.execute(
        delete(ImportChunk).where(ImportChunk.tenant_id == uow.tenant_id, ImportChunk.import_id == import_id)
    )
