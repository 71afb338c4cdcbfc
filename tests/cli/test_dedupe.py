"""`porchlight dedupe` as a person meets it: files in, files and sentences out."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from porchlight.cli import app

FIRST = ("Ann", "Robert", "Carla", "David", "Ewa", "Farid", "Grace", "Hugo")
LAST = ("Miller", "Okafor", "Rossi", "Tanaka", "Novak", "Garcia")
PEOPLE = [
    (
        f"L{n}",
        first,
        f"{last}{n % 7}",
        f"{first}.{last}{n}@example.com",
        f"(518) 555-{n:04}",
        f"19{40 + n % 50}-0{1 + n % 9}-1{n % 9}",
    )
    for n, (first, last) in enumerate(product(FIRST, LAST))
]
HEADER = ("Lead ID", "First Name", "Last Name", "Email", "Phone", "Date of Birth")
AGAIN = [("D0", "Bob", *PEOPLE[6][2:5], ""), ("D1", PEOPLE[20][1], PEOPLE[20][2], "", *PEOPLE[20][4:])]


def write(path: Path, rows: Sequence[tuple[str, ...]], encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["dedupe", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write(tmp_path / "leads.csv", [*PEOPLE, *AGAIN])


def test_pairs_and_people_are_written_with_the_weight_of_each_field(table: Path, tmp_path: Path) -> None:
    out, people = tmp_path / "pairs.csv", tmp_path / "people.csv"
    done = run(table, "--out", out, "--clusters", people)
    assert done.exit_code == 0, done.output
    pairs = pl.read_csv(out)
    assert pairs.columns[:5] == ["id_left", "id_right", "probability", "First Name", "Last Name"]
    assert {(row["id_left"], row["id_right"]) for row in pairs.rows(named=True)} == {("L6", "D0"), ("L20", "D1")}
    assert pairs["probability"].min() >= 0.95  # type: ignore[operator]
    clusters = dict(pl.read_csv(people).rows())
    assert clusters["D0"] == "L6"
    assert clusters["L7"] == "L7"


def test_two_tables_are_linked(tmp_path: Path) -> None:
    ours, theirs = write(tmp_path / "ours.csv", PEOPLE), write(tmp_path / "theirs.csv", AGAIN)
    out = tmp_path / "pairs.parquet"
    done = run(ours, theirs, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    pairs = pl.read_parquet(out)
    assert set(pairs.select("id_left", "id_right").rows()) == {("L6", "D0"), ("L20", "D1")}
    assert answer["pairs"] == 2
    assert answer["card"]["records"] == len(PEOPLE) + 2


def test_a_pair_is_explained_field_by_field(table: Path, tmp_path: Path) -> None:
    done = run(table, "--out", tmp_path / "p.csv", "--explain", "L6", "D0", "--json")
    steps = json.loads(done.stdout)["explained"]
    said = {step["name"]: step["agreement"] for step in steps}
    assert said["First Name"] == "nickname"
    assert said["Phone"] == "exact"
    assert said["Date of Birth"] == "missing"
    shown = run(table, "--out", tmp_path / "p.csv", "--explain", "L6", "D0")
    assert "nickname" in shown.output
    assert "█" in shown.output


def test_an_id_that_repeats_is_refused_with_its_lines(tmp_path: Path) -> None:
    table = write(tmp_path / "leads.csv", [*PEOPLE, PEOPLE[3]])
    done = run(table, "--id", "Lead ID", "--out", tmp_path / "p.csv")
    assert done.exit_code == 1
    assert "“L3” stands in lines 5 and 50" in " ".join(done.output.split())
    assert not (tmp_path / "p.csv").exists()


def test_a_table_without_usable_columns_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b\nx,\nx,\n")
    done = run(table, "--out", tmp_path / "p.csv")
    assert done.exit_code == 1
    assert "No column says who a person is" in " ".join(done.output.split())


def test_unreadable_rows_are_kept_and_mixed_encodings_are_told(tmp_path: Path) -> None:
    table = write(tmp_path / "leads.csv", [*PEOPLE, *AGAIN])
    with table.open("ab") as file:
        file.write("L99,José,Muñoz,jose@example.com,(518) 555-9999,1960-01-01\r\n".encode("cp1252"))
        file.write(b"L98,too,many,cells,in,this,row,of,the,table\r\n")
    done = run(table, "--out", tmp_path / "p.csv")
    assert done.exit_code == 0, done.output
    assert "not UTF-8" in done.output
    rejects = pl.read_csv(tmp_path / "p.leads.rejects.csv")
    assert rejects["line"].to_list() == [len(PEOPLE) + len(AGAIN) + 3]


def test_a_column_that_is_not_there_is_named(table: Path, tmp_path: Path) -> None:
    for option in ("--ignore", "--id"):
        done = run(table, option, "Nickname", "--out", tmp_path / "p.csv")
        assert done.exit_code == 1
        assert "“Nickname”" in done.output
