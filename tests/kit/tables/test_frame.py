"""A whole file as a frame."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.kit.tables.frame import read_frame
from porchlight.kit.tables.records import FileUnreadable

CELLS = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8)


def test_every_cell_stays_as_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("id,zip,note\n1,00501,\n2,10001,a\n")

    frame = read_frame(path)

    assert frame.rows.to_dicts() == [{"id": "1", "zip": "00501", "note": ""}, {"id": "2", "zip": "10001", "note": "a"}]
    assert frame.lines == [2, 3]
    assert frame.rejects == []


def test_an_unreadable_row_is_kept_apart_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n1,2,3\n4,5\n"))

    frame = read_frame(path)

    assert frame.rows["a"].to_list() == ["1", "4"]
    assert [(reject.line, reject.code) for reject in frame.rejects] == [(3, "row.too_many_cells")]


def test_progress_ends_at_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("a\n" + "1\n" * 50_000)
    told: list[float] = []

    assert len(read_frame(path, told.append).rows) == 50_000
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")

    with pytest.raises(FileUnreadable):
        read_frame(tmp_path / "empty.csv")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_parquet_and_csv_read_the_same(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String}, orient="row")
    frame = frame.filter((pl.col("a") != "") | (pl.col("b") != ""))
    if frame.is_empty():
        return
    frame.write_csv(tmp_path / "t.csv", quote_style="always")
    frame.write_parquet(tmp_path / "t.parquet")

    assert read_frame(tmp_path / "t.csv").rows.equals(read_frame(tmp_path / "t.parquet").rows)
