"""A file sent to the pages is kept, shown, taken in by a worker, and gone when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from porchlight.kit.errors import PorchlightError
from porchlight.leads.imports import batches, uploads
from porchlight.leads.imports.batches import ImportOptions
from porchlight.leads.imports.uploads import (
    cancel_import,
    find_import,
    preview,
    recent_imports,
    start_import,
    store_upload,
)
from porchlight.leads.tables import Import

HEADER = "ID,Name,Email,Pets\n"


def lines(count: int) -> str:
    return "".join(f"{n},Jo Number{n},jo{n}@example.com,cat\n" for n in range(count))


async def parts(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def stored(brokerage: Any, content: bytes | str) -> UUID:
    data = content.encode() if isinstance(content, str) else content
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await store_upload(uow, "crm.csv", parts(data))


async def started(brokerage: Any, import_id: UUID, options: ImportOptions | None = None) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await start_import(uow, import_id, options or ImportOptions())


async def row_of(brokerage: Any, import_id: UUID) -> Import:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        row = await find_import(uow, import_id)
        await uow.session.refresh(row, ["rejects"])  # deferred, for it can be large
        return row


async def one(brokerage: Any, query: str) -> Any:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        [value] = await (await uow.connection.execute(query)).fetchone()
        return value


async def test_a_preview_shows_what_an_import_would_do_and_does_nothing(brokerage: Any) -> None:
    import_id = await stored(brokerage, HEADER + lines(30) + "too,few\n" + "30,Jo,no mail,cat\n")
    seen = await preview(brokerage.runtime, brokerage.tenant_id, import_id)
    assert [column.field for column in seen.mapping.columns] == ["external_id", "full_name", "email", "custom"]
    assert seen.rows[0] == ["0", "Jo Number0", "jo0@example.com", "cat"]
    assert len(seen.rows) == 20
    assert (seen.read, seen.rejected, seen.source) == (32, 1, "crm")
    assert dict(seen.problems) == {"row.too_few_cells": 1, "email.invalid": 1}
    again = await preview(
        brokerage.runtime, brokerage.tenant_id, import_id, ImportOptions(overrides={"Pets": "notes"}, source="Old CRM")
    )
    assert (again.mapping.columns[3].field, again.source) == ("notes", "Old CRM")
    assert await one(brokerage, "SELECT count(*) FROM leads") == 0


async def test_a_started_import_is_taken_in_by_a_worker_and_its_file_is_dropped(brokerage: Any) -> None:
    import_id = await stored(brokerage, HEADER + lines(2_500) + "too,few\n")
    await started(brokerage, import_id, ImportOptions(source="Old CRM"))
    assert (await row_of(brokerage, import_id)).status == "queued"
    await brokerage.run_jobs()
    row = await row_of(brokerage, import_id)
    assert (row.status, row.rows_total, row.rows_done) == ("done", 2501, 2501)
    assert (row.created, row.matched, row.rejected) == (2500, 0, 1)
    assert row.rejects is not None
    assert row.rejects.splitlines()[0] == "rejected_line,rejected_code,rejected_reason,ID,Name,Email,Pets"
    assert row.rejects.splitlines()[1].startswith("2502,row.too_few_cells,")
    assert await one(brokerage, "SELECT count(*) FROM leads WHERE source = 'Old CRM'") == 2500
    assert await one(brokerage, "SELECT count(*) FROM import_chunks") == 0


async def test_a_large_file_is_kept_in_pieces(brokerage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 1_000)
    import_id = await stored(brokerage, HEADER + lines(3_000))
    pieces = await one(brokerage, "SELECT count(*) FROM import_chunks")
    assert 5 < pieces < 40, "it is gzipped, and cut"
    assert (await preview(brokerage.runtime, brokerage.tenant_id, import_id)).read == 2_000


async def test_an_import_that_a_worker_died_over_goes_on_where_it_stopped(
    brokerage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 10)
    import_id = await stored(brokerage, HEADER + lines(40))
    await started(brokerage, import_id)
    run = asyncio.create_task(run_upload_now(brokerage, import_id))
    while (await row_of(brokerage, import_id)).rows_done == 0:
        await asyncio.sleep(0.005)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    cut = await row_of(brokerage, import_id)
    assert cut.status == "running"
    assert 0 < cut.rows_done < 40
    await run_upload_now(brokerage, import_id)
    row = await row_of(brokerage, import_id)
    assert (row.status, row.rows_done, row.created, row.matched) == ("done", 40, 40, 0)


async def run_upload_now(brokerage: Any, import_id: UUID) -> None:
    await uploads.take_upload_in(brokerage.runtime, brokerage.tenant_id, import_id)


async def test_a_cancelled_import_stops_and_keeps_what_is_in(brokerage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 10)
    import_id = await stored(brokerage, HEADER + lines(200))
    await started(brokerage, import_id)
    run = asyncio.create_task(run_upload_now(brokerage, import_id))
    while (await row_of(brokerage, import_id)).rows_done == 0:
        await asyncio.sleep(0.005)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await cancel_import(uow, import_id)
    await run
    row = await row_of(brokerage, import_id)
    assert row.status == "cancelled"
    assert 0 < row.rows_done < 200
    assert await one(brokerage, "SELECT count(*) FROM leads") == row.rows_done
    assert await one(brokerage, "SELECT count(*) FROM import_chunks") == 0


async def test_an_import_starts_once(brokerage: Any) -> None:
    import_id = await stored(brokerage, HEADER + lines(3))
    await started(brokerage, import_id)
    with pytest.raises(PorchlightError) as caught:
        await started(brokerage, import_id)
    assert caught.value.code == "conflict"


@pytest.mark.parametrize(
    ("content", "says"), [(b"PK\x03\x04 a workbook", "Excel workbook"), (b"\x1f\x8b broken", "damaged")]
)
async def test_a_file_that_is_no_table_says_so_and_its_import_fails(brokerage: Any, content: bytes, says: str) -> None:
    import_id = await stored(brokerage, content)
    with pytest.raises(PorchlightError, match=says):
        await preview(brokerage.runtime, brokerage.tenant_id, import_id)
    await started(brokerage, import_id)
    await brokerage.run_jobs()
    row = await row_of(brokerage, import_id)
    assert row.status == "failed"
    assert says in str(row.error)
    assert await one(brokerage, "SELECT count(*) FROM import_chunks") == 0


async def test_an_empty_file_is_refused_at_the_door(brokerage: Any) -> None:
    with pytest.raises(PorchlightError, match="empty"):
        await stored(brokerage, b"")
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert await recent_imports(uow) == []


async def test_rejects_are_kept_up_to_a_limit_that_is_said(brokerage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 10)
    monkeypatch.setattr(uploads, "KEPT_REJECTS_BYTES", 2_000)
    import_id = await stored(brokerage, HEADER + lines(1) + "too,few\n" * 100)
    await started(brokerage, import_id)
    await brokerage.run_jobs()
    row = await row_of(brokerage, import_id)
    assert (row.created, row.rejected) == (1, 100)
    kept = str(row.rejects).splitlines()
    assert 10 < len(kept) < 50
    assert "only the first" in kept[-1]


async def test_a_file_that_nobody_came_back_for_is_dropped(brokerage: Any) -> None:
    old = await stored(brokerage, HEADER + lines(3))
    brokerage.clock.advance(timedelta(days=2))
    fresh = await stored(brokerage, HEADER + lines(3))
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await uploads.drop_abandoned(uow)
    assert (await row_of(brokerage, old)).status == "cancelled"
    assert (await row_of(brokerage, fresh)).status == "preview"
    assert await one(brokerage, "SELECT count(DISTINCT import_id) FROM import_chunks") == 1
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert [row.id for row in await recent_imports(uow)] == [fresh, old]
