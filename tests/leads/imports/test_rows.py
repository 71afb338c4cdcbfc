"""A row becomes a lead, is rejected with a reason, and is the same lead when it comes again."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from porchlight.kit.tables.reading import open_table
from porchlight.kit.tables.records import Record, Reject
from porchlight.leads.imports.columns import recognise
from porchlight.leads.imports.rejects import rejects_beside, rejects_file
from porchlight.leads.imports.rows import LeadRow, plan_rows, read_row, read_rows
from porchlight.leads.inputs import Address, LeadInput


def read(columns: list[str], *rows: list[str], **options: str | None) -> list[LeadRow | Reject]:
    mapping = recognise(columns, rows, **options)  # type: ignore[arg-type]
    plan = plan_rows(mapping, source="crm", id_required=options.get("external_id") is not None)
    return list(read_rows(plan, [Record(line, cells) for line, cells in enumerate(rows, start=2)]))


def lead(row: LeadRow | Reject) -> LeadInput:
    assert isinstance(row, LeadRow), row
    return row.lead


def test_a_full_row_becomes_a_lead() -> None:
    (row,) = read(
        ["ID", "First Name", "Last Name", "Email", "Phone", "City", "Lead Source", "Created", "Budget", "Tags", "Pets"],
        [
            "7",
            "Joe",
            "Smith",
            "Joe@Smith.net",
            "650-253-0000",
            "Austin",
            "Zillow",
            "2024-03-04",
            "450k",
            "vip; hot",
            "2",
        ],
    )
    found = lead(row)
    assert [point.value for point in found.contact_points] == ["joe@smith.net", "+16502530000"]
    assert found._replace(contact_points=()) == LeadInput(
        origin="import:crm",
        external_id="7",
        source="Zillow",
        full_name="Joe Smith",
        given_name="Joe",
        family_name="Smith",
        address=Address(city="Austin"),
        created_at=datetime(2024, 3, 4, tzinfo=UTC),
        criteria={"price_max": 450_000.0},
        tags=("vip", "hot"),
        custom={"Pets": "2"},
    )


def test_a_lead_without_any_contact_point_is_a_lead() -> None:
    assert lead(read(["Name"], ["Joe Smith"])[0]).contact_points == ()


def test_rows_without_ids_are_known_again_by_their_content() -> None:
    columns = ["Name", "Email"]
    first = read(columns, ["Joe", "joe@smith.net"], ["Ann", "ann@smith.net"])
    again = read(columns, ["Ann", "ann@smith.net"], ["Joe", "joe@smith.net"])
    assert {lead(row).external_id for row in first} == {lead(row).external_id for row in again}
    assert {lead(row).origin for row in first} == {"import"}


def test_rows_that_name_nobody_are_told_apart_by_their_line() -> None:
    same = read(["Colour"], ["red"], ["red"])
    assert lead(same[0]).external_id != lead(same[1]).external_id
    assert [lead(row).external_id for row in read(["Colour"], ["red"], ["red"])] == [
        lead(row).external_id for row in same
    ]


def test_a_required_id_that_is_missing_rejects_its_row_alone() -> None:
    rows = read(["Key", "Name"], ["1", "Joe"], [" ", "Ann"], ["x" * 300, "Zoë"], external_id="Key")
    assert lead(rows[0]).external_id == "1"
    assert [(row.line, row.column, row.code) for row in rows if isinstance(row, Reject)] == [
        (3, "Key", "external_id.missing"),
        (4, "Key", "external_id.missing"),
    ]


def test_an_unclear_outcome_rejects_its_row_and_names_the_column() -> None:
    rows = read(["Name", "Converted"], ["Joe", "1"], ["Ann", "perhaps"], ["Zoë", ""], outcome="Converted")
    assert lead(rows[0]).outcome == "won"
    assert lead(rows[2]).outcome is None
    (reject,) = [row for row in rows if isinstance(row, Reject)]
    assert (reject.line, reject.column, reject.code) == (3, "Converted", "outcome.invalid")


def test_a_bad_address_is_noticed_and_the_row_goes_in() -> None:
    (row,) = read(["Name", "Email", "Phone"], ["Joe", "joe@", "650-253-0000"])
    assert isinstance(row, LeadRow)
    assert row.lead.custom == {"invalid_email": "joe@"}
    assert [(notice.column, notice.code) for notice in row.notices] == [("Email", "email.invalid")]


def test_ignored_columns_leave_no_trace() -> None:
    mapping = recognise(["Name", "Secret"], [], overrides={"Secret": "ignore"})
    row = read_row(plan_rows(mapping, source="crm"), Record(2, ["Joe", "hush"]))
    assert lead(row).custom == {}


def test_rejects_are_kept_with_their_reason_and_can_be_imported_once_corrected(tmp_path: Path) -> None:
    source = tmp_path / "leads.csv"
    source.write_text("Key,Name\n1,Joe\n,Ann\n2\n")
    beside = rejects_beside(source)
    with open_table(source) as table, rejects_file(beside, table.columns) as rejects:
        plan = plan_rows(recognise(table.columns, [], external_id="Key"), source="crm", id_required=True)
        for row in read_rows(plan, table.rows):
            if isinstance(row, Reject):
                rejects.add(row)
        assert rejects.counts == {"external_id.missing": 1, "row.too_few_cells": 1}
        assert rejects.written == beside == tmp_path / "leads.rejects.csv"
    with beside.open(newline="") as file:
        header, ann, short = csv.reader(file)
    assert header == ["rejected_line", "rejected_code", "rejected_reason", "Key", "Name"]
    assert ann[:2] == ["3", "external_id.missing"]
    assert ann[3:] == ["", "Ann"]
    assert short[:2] == ["4", "row.too_few_cells"]
    assert short[3:] == ["2"]

    beside.write_text(beside.read_text().replace(",,Ann", ",9,Ann").replace(",2\n", ",2,Zoë\n"))
    with open_table(beside) as table:
        plan = plan_rows(recognise(table.columns, [], external_id="Key"), source="crm", id_required=True)
        corrected = [lead(row) for row in read_rows(plan, table.rows)]
    assert [(one.external_id, one.full_name, dict(one.custom)) for one in corrected] == [
        ("9", "Ann", {}),
        ("2", "Zoë", {}),
    ]


def test_no_rejects_file_is_made_without_rejects(tmp_path: Path) -> None:
    with rejects_file(tmp_path / "x.rejects.csv", ["a"]) as rejects:
        pass
    assert rejects.written is None
    assert list(tmp_path.iterdir()) == []


def test_a_rejects_file_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with (
        rejects_file(tmp_path / "missing" / "x.csv", ["a"]) as rejects,
        pytest.raises(Exception, match="name another place"),
    ):
        rejects.add(Reject(2, None, "row.quotes", "bad", ["x"]))
