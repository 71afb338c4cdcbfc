from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porchlight.intelligence.tables.kinds import UNANSWERED, Column, describe, typed


def _one(cells: list[str], name: str = "x") -> Column:
    return describe(pl.DataFrame({name: cells}, schema={name: pl.String}))[0]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("Budget", ["$1,200", "900", "$15,000.50", "7"] * 10, "number"),
        ("Preis", ["1.200,50", "9,75", "15.000,00"] * 10, "number"),
        ("Score", ["10 %", "55%", "3 %"] * 10, "number"),
        ("Source", ["Google", "Referral", "Direct"] * 10, "category"),
        ("Created", [f"2026-03-{day:02} 10:00" for day in range(1, 29)], "date"),
        ("Created", [f"{day}/3/2026" for day in range(1, 29)], "date"),
        ("Created", [f"202603{day:02}" for day in range(1, 29)], "date"),
        ("Lead Number", [str(7000 + step * 3) for step in range(40)], "id"),
        ("Price", [str(7000 + (step * 37) % 911) for step in range(40)], "number"),
        ("key", [f"a{step:x}f-{step}" for step in range(40)], "id"),
        ("Plot", ["02139", "02140", "10001"] * 10, "category"),
        ("Message", [f"I saw the house at number {step} on Elm Street" for step in range(40)], "text"),
        ("Campaign", ["spring"] * 30, "constant"),
        ("Empty", ["", "n/a", "-"] * 10, "constant"),
    ],
)
def test_the_kind_of_a_column(name: str, cells: list[str], kind: str) -> None:
    assert _one(cells, name).kind == kind


@given(st.sampled_from(sorted(UNANSWERED)), st.sampled_from([str.lower, str.upper, str.title]), st.integers(0, 3))
def test_words_for_unanswered_are_missing(word: str, case: object, blanks: int) -> None:
    assert callable(case)
    cell = " " * blanks + str(case(word)) + " " * blanks
    found = _one([cell, "Google", "Referral", "Google"] * 5)
    assert found.missing == 0.25
    assert found.distinct == 2


def test_values_are_read_as_their_kind_says() -> None:
    rows = pl.DataFrame({"n": ["$1,200", "Select", "7"] * 8, "d": ["2026-03-01", "", "2026-03-02"] * 8})
    found = typed(rows, describe(rows))
    assert found["n"].to_list()[:3] == [1200.0, None, 7.0]
    assert found["d"].to_list()[:3] == [datetime(2026, 3, 1), None, datetime(2026, 3, 2)]


def test_a_number_far_outside_that_stands_for_none_is_missing() -> None:
    rows = pl.DataFrame({"days": ["3", "5", "6", "999", "999"] * 8})
    columns = describe(rows)
    assert columns[0].sentinel == 999.0
    assert typed(rows, columns)["days"].null_count() == 16


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=40))
def test_no_cells_can_break_it_and_no_row_is_lost(cells: list[str]) -> None:
    rows = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    assert typed(rows, describe(rows)).height == len(cells)
