from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from porchlight.intelligence.conversion.tables.fairness import guard, tells_group
from porchlight.intelligence.conversion.tables.order import Order, order_rows
from porchlight.intelligence.conversion.tables.outcome import read_outcome
from porchlight.intelligence.conversion.tables.screening import Screened, screen
from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.intelligence.tables.kinds import describe, typed

Export = Callable[..., pl.DataFrame]


def _screen(rows: pl.DataFrame, time: str | None = None, **asked: object) -> Screened:
    outcome = read_outcome(rows, "Outcome", "Won")
    columns = describe(rows, [name for name in rows.columns if name != "Outcome"])
    frame = typed(rows, columns)
    return screen(frame, columns, outcome, order_rows(frame, columns, outcome.won, time), **asked)  # type: ignore[arg-type]


def _reasons(found: Screened) -> dict[str, str]:
    return {left["column"]: left["reason"] for left in found.left_out}


def _with(rows: pl.DataFrame, name: str, values: list[str]) -> pl.DataFrame:
    return rows.with_columns(pl.Series(name, values, dtype=pl.String))


def test_honest_power_is_kept_and_what_says_nothing_is_left_out(export: Export) -> None:
    found = _screen(_with(export(), "Copy", export()["Source"].to_list()))
    assert [column.name for column in found.columns] == ["Source", "Minutes", "Budget"]
    assert _reasons(found) == {"Lead Number": "identifier", "Campaign": "constant", "Copy": "duplicate"}


def test_a_column_that_alone_tells_the_outcome_is_a_leak_with_its_evidence(export: Export) -> None:
    rows = export()
    after = ["hot" if won == (row % 20 > 0) else "cold" for row, won in enumerate(rows["Outcome"] == "Won")]
    found = _screen(_with(rows, "Temperature", after))
    assert _reasons(found)["Temperature"] == "leak"
    evidence = next(left["evidence"] for left in found.left_out if left["column"] == "Temperature")
    assert "AUC 0.9" in evidence


def test_values_that_only_winners_and_only_losers_have_betray_a_rating(export: Export) -> None:
    rows = export()
    rated = [
        ("Sure" if outcome == "Won" else "Worst") if row % 4 == 0 else ""
        for row, outcome in enumerate(rows["Outcome"].to_list())
    ]
    found = _screen(_with(rows, "Lead Quality", rated))
    evidence = next(left["evidence"] for left in found.left_out if left["column"] == "Lead Quality")
    assert "almost only winners have “Sure”" in evidence


def test_what_is_blank_for_open_rows_alone_was_filled_in_on_the_way(export: Export) -> None:
    rows = export()
    stage = [value if row % 4 else "Engaging" for row, value in enumerate(rows["Outcome"].to_list())]
    account = ["" if row % 4 == 0 and row % 3 else f"Company {row % 50}" for row in range(rows.height)]
    found = _screen(_with(rows.with_columns(Outcome=pl.Series(stage)), "account", account))
    evidence = next(left["evidence"] for left in found.left_out if left["column"] == "account")
    assert "of the rows still open have no answer" in evidence


def test_keep_overrules_the_leak_detector_and_says_so(export: Export) -> None:
    rows = _with(export(), "Tags", export()["Outcome"].to_list())
    assert _reasons(_screen(rows))["Tags"] == "leak"
    kept = _screen(rows, keep=["Tags"])
    assert "Tags" in [column.name for column in kept.columns]
    assert any("“Tags” was kept as asked" in remark for remark in kept.remarks)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("Gender", ["a", "b"], "protected"),
        ("date_of_birth", ["1980-01-01", "1990-02-02"], "protected"),
        ("CustomerAge", ["33", "44"], "protected"),
        ("Marital Status", ["x", "y"], "protected"),
        ("Number of Children", ["0", "2"], "protected"),
        ("Field 7", ["Male", "Female"], "protected"),
        ("Field 8", ["married", "single", "divorced"], "protected"),
        ("Salutation", ["Mr", "Mrs"], "stands_in"),
        ("Greeting", ["Mr.", "Ms."], "stands_in"),
        ("First Name", ["Ann", "Bo"], "stands_in"),
        ("ZIP Code", ["12207", "10001"], "stands_in"),
        ("Area", ["02139", "10001", "94110"], "stands_in"),
        ("Preferred Language", ["English", "Spanish"], "stands_in"),
    ],
)
def test_protected_classes_and_their_proxies_are_known_by_name_and_content(
    name: str, values: list[str], reason: str
) -> None:
    rows = pl.DataFrame({name: values * 30})
    column = describe(rows)[0]
    found = guard(column, typed(rows, [column])[name])
    assert found is not None
    assert found.reason == reason


@pytest.mark.parametrize(
    "name",
    [
        "Source",
        "Page Views Per Visit",
        "Lead Age",
        "Company Name Length",
        "Average Price",
        "Message",
        "Stage",
        "Images",
    ],
)
def test_names_that_only_sound_alike_are_left_in_peace(name: str) -> None:
    rows = pl.DataFrame({name: ["3", "4", "5"] * 20})
    column = describe(rows)[0]
    assert guard(column, rows[name]) is None


def test_keep_never_overrules_the_fairness_guard(export: Export) -> None:
    rows = _with(export(), "Gender", ["f", "m"] * 300)
    assert _reasons(_screen(rows, keep=["Gender"]))["Gender"] == "protected"


def test_a_column_that_tells_the_audited_groups_apart_stands_in_for_them(export: Export) -> None:
    rows = _with(export(), "Group", ["a", "b", "c"] * 200)
    rows = _with(rows, "District", [{"a": "1", "b": "2", "c": "3"}[group] + "x" for group in rows["Group"].to_list()])
    found = _reasons(_screen(rows, group="Group"))
    assert (found["Group"], found["District"]) == ("protected", "stands_in")
    assert "Source" not in found


def test_columns_unrelated_to_a_group_tell_nothing_of_it() -> None:
    values = pl.Series(range(6000)).hash(1).to_numpy().astype("int64") % 50
    groups = pl.Series(range(6000)).hash(2).to_numpy().astype("int64") % 3
    assert tells_group(abs(values), abs(groups)) < 0.02


def _order(rows: pl.DataFrame, time: str | None = None) -> Order:
    outcome = read_outcome(rows, "Outcome", "Won")
    columns = describe(rows, [name for name in rows.columns if name != "Outcome"])
    return order_rows(typed(rows, columns), columns, outcome.won, time)


def test_ids_that_rise_or_fall_with_the_rows_tell_the_time(export: Export) -> None:
    rows = export()
    assert _order(rows).rows.tolist() == list(range(600))
    assert _order(rows.reverse()).rows.tolist() == list(range(599, -1, -1))


def test_dates_order_the_rows_where_they_are_named(export: Export) -> None:
    days = [f"2026-0{1 + row % 9}-{1 + row % 28:02}" for row in range(600)]
    found = _order(_with(export(), "Created", days), "Created")
    assert [days[row] for row in found.rows] == sorted(days)
    assert (found.first, found.last) == (min(days), max(days))


def test_a_file_sorted_by_its_outcome_tells_no_time(export: Export) -> None:
    found = _order(export().drop("Lead Number").sort("Outcome"))
    assert not found.timed


@pytest.mark.parametrize("values", [["soon", "later"], ["2026-01-01", ""]])
def test_a_time_that_cannot_be_read_is_named(export: Export, values: list[str]) -> None:
    with pytest.raises(TableUnfitError) as refused:
        _order(_with(export(), "Created", values * 300), "Created")
    assert refused.value.column == "Created"
