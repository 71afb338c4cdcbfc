"""`porchlight import` as a person and a program meet it: a process of its own, on the database of the tests."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from porchlight.cli import app

HEADER = "ID,Name,Email,Phone,Message\n"


def lines(count: int) -> str:
    return "".join(f'{n},Jo Number{n},jo{n}@example.com,,"Is the house at {n} Elm St, free?"\n' for n in range(count))


async def started(brokerage: Any, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "porchlight.cli", *arguments,
        env={**os.environ, "PORCHLIGHT_HOME": str(brokerage.runtime.settings.home), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def porchlight(brokerage: Any, *arguments: str) -> tuple[int | None, str, str]:
    process = await started(brokerage, *arguments)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def ran(brokerage: Any, *arguments: str) -> Result:
    """A command in this process, which spares it the start of another."""
    home = {"PORCHLIGHT_HOME": str(brokerage.runtime.settings.home), "COLUMNS": "200"}
    return CliRunner().invoke(app, list(arguments), env=home, catch_exceptions=False)


def tenant(brokerage: Any) -> tuple[str, str]:
    return "--tenant", str(brokerage.tenant_id)


async def one(brokerage: Any, query: str) -> Any:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await (await uow.connection.execute(query)).fetchone()


async def test_a_program_gets_one_json_object_and_the_rejects_beside_the_file(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(HEADER + lines(30) + "too,few\n")
    status, out, err = await porchlight(brokerage, "import", str(path), "--json", *tenant(brokerage))
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert answer.pop("seconds") > 0
    assert answer == {
        "rows": 31,
        "created": 30,
        "matched": 0,
        "rejected": 1,
        "rejects_file": str(tmp_path / "crm.rejects.csv"),
    }
    assert "row.too_few_cells" in (tmp_path / "crm.rejects.csv").read_text()


def test_a_person_sees_the_columns_and_what_became_of_the_rows(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text("Key,Who,Mail,Shoe size\n" + "".join(f"k{n},Jo {n},jo{n}@example.com,9\n" for n in range(8)))
    result = ran(brokerage, "import", str(path), "--external-id", "Key", "--map", "who=full_name", *tenant(brokerage))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "full_name" in result.stderr
    assert "Kept as custom fields: Shoe size." in result.stderr
    assert "8 new leads, 0 already known, 0 rejected" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--map", "Mail=email"], "there is no column 'Mail'"),
        (["--map", "Email=mail"], "there is no field 'mail'"),
        (["--map", "Email"], "write COLUMN=FIELD"),
        (["--tenant", "Nobody Realty"], "Say which tenant with --tenant: "),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(brokerage: Any, tmp_path: Path, arguments: list[str], says: str) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(HEADER + lines(3))
    result = ran(brokerage, "import", str(path), *tenant(brokerage), *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in " ".join(result.stderr.split())


def test_a_file_that_is_not_there_is_answered_so(brokerage: Any, tmp_path: Path) -> None:
    result = ran(brokerage, "import", str(tmp_path / "no.csv"), *tenant(brokerage))
    assert result.exit_code == 1
    assert "cannot be opened" in " ".join(result.stderr.split())


async def test_an_import_that_is_killed_goes_on_where_it_stopped(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(HEADER + lines(14_000))
    process = await started(brokerage, "import", str(path), "--json", *tenant(brokerage))
    row = None
    while not row or not row[0]:
        assert process.returncode is None
        row = await one(brokerage, "SELECT rows_done FROM imports")
        await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    status, cut = await one(brokerage, "SELECT status, rows_done FROM imports")
    assert status == "running"
    assert 0 < cut < 14_000
    code, out, _ = await porchlight(brokerage, "import", str(path), "--json", *tenant(brokerage))
    answer = json.loads(out)
    assert (code, answer["rows"], answer["created"], answer["matched"]) == (0, 14_000, 14_000, 0)
    assert await one(brokerage, "SELECT count(*), max(activity_count) FROM lead_states") == (14_000, 1)


def test_what_failed_is_replayed_and_states_are_rebuilt(brokerage: Any, tmp_path: Path) -> None:
    path = tmp_path / "crm.csv"
    path.write_text(HEADER + lines(3))
    assert ran(brokerage, "import", str(path), *tenant(brokerage)).exit_code == 0
    assert "0 items were not done" in ran(brokerage, "replay", *tenant(brokerage)).stderr
    rebuilt = ran(brokerage, "replay", "--states", *tenant(brokerage)).stderr
    assert "3 leads rebuilt from their facts; 0 had another state before." in rebuilt
