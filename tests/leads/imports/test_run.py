"""An import takes in every row it can, says what became of each, and goes on where it was cut off."""

from __future__ import annotations

import asyncio
import csv
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from porchlight.kit.database import SYSTEM
from porchlight.kit.errors import PorchlightError
from porchlight.kit.feed import read_frames
from porchlight.leads.imports import batches
from porchlight.leads.imports.batches import ImportOptions
from porchlight.leads.imports.run import ImportResult, Progress, run_import

DATA = Path(__file__).parents[4] / "shared" / "data"
HEADER = "ID,Name,Email,Phone,Budget,Pets\n"


def lines(count: int, start: int = 0) -> str:
    return "".join(
        f"{n},Jo Number{n},jo{n}@example.com,(518) 555-{n:04},$300k-$400k,cat\n" for n in range(start, start + count)
    )


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", 10)


async def imported(brokerage: Any, path: Path, options: ImportOptions | None = None, **hooks: Any) -> ImportResult:
    return await run_import(brokerage.runtime, brokerage.tenant_id, SYSTEM, path, options, **hooks)


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    assert result.created + result.matched + result.rejected == result.rows
    return result.rows, result.created, result.matched, result.rejected


async def one(brokerage: Any, query: str) -> Any:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await (await uow.connection.execute(query)).fetchone()


async def test_every_row_becomes_a_lead_with_its_facts(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "crm-export.csv"
    path.write_text(HEADER + lines(25))
    result = await imported(brokerage, path)
    assert counts(result) == (25, 25, 0, 0)
    assert result.rejects_file is None
    lead = await one(brokerage, "SELECT name, source, external_id, custom FROM leads WHERE external_id = '7'")
    assert lead == ("Jo Number7", "crm-export", "7", {"Pets": "cat"})
    assert await one(brokerage, "SELECT count(*), min(activity_count) FROM lead_states") == (25, 2)
    assert await one(brokerage, "SELECT payload->>'Budget' FROM inbound WHERE external_id = '7'") == ("$300k-$400k",)


async def test_the_same_file_again_creates_nothing(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(12))
    await imported(brokerage, path)
    assert counts(await imported(brokerage, path)) == (12, 0, 12, 0)
    assert await one(brokerage, "SELECT count(*) FROM activities") == (24,)


async def test_a_repeated_id_and_a_known_address_are_matched(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(3) + "1,Jo Again,other@example.com,,,\n" + "9,Somebody Else,JO2@example.com,,,\n")
    result = await imported(brokerage, path, ImportOptions(external_id="ID"))
    assert counts(result) == (5, 3, 2, 0)


@pytest.mark.usefixtures("small_batches")
async def test_bad_rows_are_rejected_with_line_and_reason_and_cost_no_other_row(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(15) + '15,"broken\n' + "16,too,few\n" + lines(15, 17))
    result = await imported(brokerage, path)
    assert counts(result) == (32, 30, 0, 2)
    assert result.rejects_file == tmp_path / "leads.rejects.csv"
    with result.rejects_file.open() as file:
        rejected = list(csv.reader(file))
    assert [row[:2] for row in rejected[1:]] == [["17", "row.quotes"], ["18", "row.too_few_cells"]]


@pytest.mark.usefixtures("small_batches")
async def test_a_row_that_the_database_refuses_is_found_and_rejected_by_itself(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    names = [f"Jo Number{n}" for n in range(25)]
    names[13] = "Jo\0Nul"
    pl.DataFrame({"Name": names, "Email": [f"jo{n}@example.com" for n in range(25)]}).write_parquet(path)
    result = await imported(brokerage, path)
    assert counts(result) == (25, 24, 0, 1)
    assert result.rejects_file is not None
    assert "row.refused" in result.rejects_file.read_text()


class CutOffError(Exception):
    """Stands for the end of the process: nothing is cleaned up after it."""


@pytest.mark.usefixtures("small_batches")
async def test_a_run_that_was_cut_off_goes_on_where_it_stopped(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + "too,few\n" + lines(40) + "also,too few\n")

    def stop(progress: Progress) -> None:
        if progress.done.rows == 20:
            raise CutOffError

    with pytest.raises(CutOffError):
        await imported(brokerage, path, on_progress=stop)
    assert await one(brokerage, "SELECT status, rows_done, rejected FROM imports") == ("running", 20, 1)
    # What the killed run wrote of a batch that was not committed is in the file, and must not stay.
    with (tmp_path / "leads.rejects.csv").open("a") as file:
        file.write("43,row.too_few_cells,written too early\n")
    seen: list[int] = []
    result = await imported(brokerage, path, on_progress=lambda progress: seen.append(progress.done.rows))
    assert seen == [30, 40, 42]
    assert counts(result) == (42, 40, 0, 2)
    assert await one(brokerage, "SELECT count(*), min(status) FROM imports") == (1, "done")
    rejected = (tmp_path / "leads.rejects.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in rejected[1:]] == ["2", "43"]
    assert "too early" not in rejected[-1]


@pytest.mark.usefixtures("small_batches")
async def test_two_runs_of_one_file_at_once_take_no_row_twice(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(40))

    def stop(_: Progress) -> None:
        raise CutOffError

    with pytest.raises(CutOffError):
        await imported(brokerage, path, on_progress=stop)
    results = await asyncio.gather(imported(brokerage, path), imported(brokerage, path), return_exceptions=True)
    [done] = [result for result in results if isinstance(result, ImportResult)]
    [refused] = [result for result in results if isinstance(result, PorchlightError)]
    assert counts(done) == (40, 40, 0, 0)
    assert refused.code == "conflict"
    assert await one(brokerage, "SELECT count(*) FROM leads") == (40,)


async def test_a_batch_that_loses_a_deadlock_is_done_again(brokerage: Any, tmp_path: Path) -> None:
    known = tmp_path / "known.csv"
    known.write_text(HEADER + lines(1))
    await imported(brokerage, known)
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(20))

    async def contend() -> asyncio.Task[ImportResult]:
        """Hold the lead that the import wants next, and then want the address that it has taken."""
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            await uow.connection.execute("SELECT 1 FROM lead_states FOR UPDATE")
            task = asyncio.create_task(imported(brokerage, path))
            await asyncio.sleep(0.4)
            await uow.connection.execute(
                "INSERT INTO contact_points SELECT tenant_id, kind, 'jo5@example.com', lead_id, raw, added_at"
                " FROM contact_points WHERE kind = 'email'"
            )
            await uow.connection.rollback()
        return task

    task = await contend()
    assert counts(await task) == (20, 19, 1, 0)
    assert await one(brokerage, "SELECT count(*) FROM leads") == (20,)


@pytest.mark.usefixtures("small_batches")
async def test_clients_watch_every_batch(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(25))
    result = await imported(brokerage, path)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        frames = await read_frames(uow.connection, brokerage.tenant_id, after=0)
    progress = [frame.text for frame in frames if '"import.progress"' in frame.text]
    assert len(progress) == 3
    assert f'"import_id":"{result.import_id}"' in progress[-1]
    assert '"rows":25,"created":25,"matched":0,"rejected":0,"total":25' in progress[-1]


async def test_past_results_close_their_leads(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("ID,Name,Deal\n1,Jo Won,yes\n2,Jo Lost,no\n3,Jo Open,\n4,Jo Odd,perhaps\n")
    result = await imported(brokerage, path, ImportOptions(outcome="Deal"))
    assert counts(result) == (4, 3, 0, 1)
    stages = [await one(brokerage, f"SELECT stage FROM leads WHERE external_id = '{n}'") for n in (1, 2, 3)]
    assert stages == [("closed",), ("lost",), ("new",)]


@pytest.mark.parametrize(
    ("content", "options", "code"),
    [
        ("", ImportOptions(), "file_unreadable"),
        (HEADER + lines(1), ImportOptions(overrides={"Mail": "email"}), "import_mapping_invalid"),
        (HEADER + lines(1), ImportOptions(overrides={"Email": "mail"}), "import_mapping_invalid"),
    ],
)
async def test_what_cannot_be_read_at_all_leaves_no_trace(
    brokerage: Any, tmp_path: Path, content: str, options: ImportOptions, code: str
) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(content)
    with pytest.raises(PorchlightError) as caught:
        await imported(brokerage, path, options)
    assert caught.value.code == code
    assert await one(brokerage, "SELECT count(*) FROM imports") == (0,)


async def test_an_unknown_tenant_is_named_as_the_reason(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text(HEADER + lines(1))
    with pytest.raises(PorchlightError, match="no such tenant"):
        await run_import(brokerage.runtime, UUID(int=1), SYSTEM, path)


@pytest.mark.parametrize(
    ("file", "rows", "options"),
    [
        ("entity_resolution/splink_fake_1000.csv.gz", 1_000, ImportOptions()),
        ("leads_x_education/leads.csv.gz", 6_468, ImportOptions(outcome="Converted")),
    ],
)
async def test_real_exports_go_in_without_a_reject(
    brokerage: Any, tmp_path: Path, file: str, rows: int, options: ImportOptions
) -> None:
    if not (DATA / file).exists():
        pytest.skip(f"the data set {file} is not on this machine")
    path = Path(shutil.copy(DATA / file, tmp_path))
    result = await imported(brokerage, path, options)
    assert (result.rows, result.rejected) == (rows, 0)
    assert counts(await imported(brokerage, path, options))[1] == 0
