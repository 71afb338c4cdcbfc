"""Any file people export is read to its end, and every damaged row is named with its line."""

from __future__ import annotations

import csv
import gzip
import io
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.kit.tables.delimited import Lines, column_names, read_header, records
from porchlight.kit.tables.reading import bare_name, batches, open_table
from porchlight.kit.tables.records import FileUnreadable, Record, Reject

Write = Callable[[bytes | str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(content: bytes | str, name: str = "leads.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


def rows_of(path: Path) -> list[Record | Reject]:
    with open_table(path) as table:
        return list(table.rows)


def columns_of(path: Path) -> list[str]:
    with open_table(path) as table:
        return table.columns


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_by_the_file(write: Write, delimiter: str) -> None:
    path = write(f'a{delimiter}b\n1{delimiter}"x, y; z"\n', "x.csv")
    assert rows_of(path) == [Record(2, ["1", "x, y; z"])]


def test_a_declared_delimiter_is_obeyed(write: Write) -> None:
    assert rows_of(write("sep=;\na;b,c\n1;2\n", "x.csv")) == [Record(3, ["1", "2"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_files_are_read_with_and_without_a_mark(write: Write, encoding: str) -> None:
    path = write("name,city\nZoë,Łódź\n".encode(encoding), "x.csv")
    assert columns_of(path) == ["name", "city"]
    assert rows_of(path) == [Record(2, ["Zoë", "Łódź"])]


def test_lines_of_a_windows_file_are_read_and_reported(write: Write) -> None:
    path = write("name\nZoë\nAnn\n".encode("cp1252") + "Łukasz\n".encode(), "x.csv")
    with open_table(path) as table:
        assert [row.cells for row in table.rows] == [["Zoë"], ["Ann"], ["Łukasz"]]
        assert table.remarks() == ["1 lines are not UTF-8 and were read as Windows-1252: check names with accents"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_one(write: Write, end: str) -> None:
    path = write(end.join(["a,b", "1,2", "", "3,4"]), "x.csv")
    assert rows_of(path) == [Record(2, ["1", "2"]), Record(4, ["3", "4"])]


def test_lines_are_counted_as_an_editor_does_across_quoted_newlines(write: Write) -> None:
    path = write('id,note\n1,"first\nsecond, with ""quotes"""\n\n2,x\n', "x.csv")
    assert rows_of(path) == [Record(2, ["1", 'first\nsecond, with "quotes"']), Record(5, ["2", "x"])]


def test_rows_of_another_width_are_rejected_with_their_line_and_the_rest_go_on(write: Write) -> None:
    found = rows_of(write("a,b\n1,2\n1\n1,2,3\n1,2,,\n4,5\n", "x.csv"))
    assert [(row.line, row.cells) for row in found if isinstance(row, Record)] == [
        (2, ["1", "2"]),
        (5, ["1", "2"]),
        (6, ["4", "5"]),
    ]
    assert [(row.line, row.code) for row in found if isinstance(row, Reject)] == [
        (3, "row.too_few_cells"),
        (4, "row.too_many_cells"),
    ]


def test_a_quotation_mark_that_is_never_closed_costs_only_its_line(write: Write) -> None:
    found = rows_of(write('a,b\n1,"open\n2,x\n3,y\n', "x.csv"))
    assert [type(row) for row in found] == [Reject, Record, Record]
    assert (found[0].line, found[0].cells) == (2, ['1,"open'])
    assert [row.line for row in found] == [2, 3, 4]


def test_a_careless_quotation_mark_inside_one_line_is_forgiven(write: Write) -> None:
    assert rows_of(write('a,b\n1,"Joe" Smith\n', "x.csv")) == [Record(2, ["1", "Joe Smith"])]


def test_nul_characters_and_endless_cells_and_lines_are_rejected(write: Write) -> None:
    content = b"a,b\n1,x\0y\n2," + b"y" * 200_000 + b"\n3," + b"z" * 1_500_000 + b"\n4,ok\n"
    found = rows_of(write(content, "x.csv"))
    assert [row.code for row in found if isinstance(row, Reject)] == ["row.nul", "cell.too_long", "line.too_long"]
    assert found[-1] == Record(5, ["4", "ok"])


def test_header_names_become_unique(write: Write) -> None:
    assert columns_of(write("Email,Email, ,Email (2)\n1,2,3,4\n", "x.csv")) == [
        "Email", "Email (3)", "Column 3", "Email (2)",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "", "b", " a "]), max_size=8))
def test_column_names_never_repeat(cells: list[str]) -> None:
    names = column_names(cells)
    assert len(set(names)) == len(cells)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\n\n  \n", "empty"),
        (b"name,email\n", "no_rows"),
        (b"name,email\n\n\n", "no_rows"),
        (b"Joe,joe@smith.net\nAnn,ann@smith.net\n", "no_header"),
        (b"PK\x03\x04 an Excel workbook", "kind"),
        (b"%PDF-1.7", "kind"),
        (b"a,b\0c\n1,2\n", "kind"),
        (b"\x1f\x8b not really gzip", "damaged"),
        (b"PAR1 not really parquet", "damaged"),
    ],
)
def test_what_is_no_table_is_refused_with_advice(write: Write, content: bytes, reason: str) -> None:
    with pytest.raises(FileUnreadable) as caught:
        rows_of(write(content, "x.csv"))
    assert caught.value.reason == reason


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="cannot be opened"):
        rows_of(tmp_path / "none.csv")


def test_a_cut_off_gzip_gives_its_rows_and_then_says_so(write: Write) -> None:
    whole = gzip.compress("".join(["a,b\n", *(f"{n},{n * 7919 % 10007}\n" for n in range(20_000))]).encode())
    found = rows_of(write(whole[: len(whole) // 2], "x.csv.gz"))
    last = found[-1]
    assert isinstance(last, Reject)
    assert last.code == "file.damaged"
    assert len(found) > 5_000
    assert all(isinstance(row, Record) for row in found[:-1])


def test_gzip_is_told_by_content_and_progress_reaches_its_end(write: Write) -> None:
    with open_table(write(gzip.compress(b"a\n1\n2\n"), "misnamed.csv")) as table:
        assert [row.cells for row in table.rows] == [["1"], ["2"]]
        assert table.progress() == 1.0


def test_parquet_is_read_as_text_in_the_words_of_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    pl.DataFrame(
        {
            "id": [1, None],
            "at": [datetime(2024, 3, 4, 5, 6), None],
            "yes": [True, None],
            "tags": [["a", "b"], []],
            "deep": [{"x": 1}, None],
            "deeper": [[{"x": 1}], None],
        }
    ).write_parquet(path)
    with open_table(path) as table:
        (row,) = table.rows
        assert table.columns == ["id", "at", "yes", "tags", "deep", "deeper"]
        assert row == Record(1, ["1", "2024-03-04T05:06:00.000000", "true", "a; b", '{"x":1}', '{"deeper":[{"x":1}]}'])
        assert table.progress() == 1.0


def test_parquet_rows_are_numbered_across_batches(tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    pl.DataFrame({"n": range(1, 12_001)}).write_parquet(path, row_group_size=700)
    assert [(row.line, row.cells) for row in rows_of(path)] == [(n, [str(n)]) for n in range(1, 12_001)]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.csv"
        path.write_text("a,b,c\n" + "".join(f"{n},some words here,more of them\n" for n in range(count)))
        tracemalloc.start()
        with open_table(path) as table:
            for _ in batches(table.rows, 1_000):
                pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(40_000) < 1.2 * peak(4_000)


@pytest.mark.parametrize(
    ("name", "source"),
    [("crm-export.csv.gz", "crm-export"), ("Leads.CSV", "Leads"), ("a.b.parquet", "a.b"), (".csv", "table")],
)
def test_a_file_has_a_bare_name(name: str, source: str) -> None:
    assert bare_name(Path(name)) == source


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('",\n;'), max_size=12)


@settings(max_examples=60)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2).filter(any), min_size=1, max_size=6))
def test_whatever_is_written_properly_is_read_back(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["left", "right"], *table])
    lines = Lines(io.BufferedReader(io.BytesIO(text.getvalue().encode())), b"")
    delimiter, names = read_header(lines)
    assert (delimiter, names) == (",", ["left", "right"])
    assert [row.cells for row in records(lines, delimiter, 2)] == table


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(junk: bytes) -> None:
    lines = Lines(io.BufferedReader(io.BytesIO(b"a,b\n" + junk)), b"")
    delimiter, names = read_header(lines)
    for row in records(lines, delimiter, len(names)):
        assert row.line > 1
