"""Which columns a model may learn from, and for each of the others why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from porchlight.intelligence.conversion.tables import leaks
from porchlight.intelligence.conversion.tables.card import LeftOut, LeftOutReason
from porchlight.intelligence.conversion.tables.fairness import TELLS_GROUPS, guard, tells_group
from porchlight.intelligence.conversion.tables.order import Order
from porchlight.intelligence.conversion.tables.outcome import Outcome
from porchlight.intelligence.tables.kinds import Column

_GROUP_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Screened:
    """Columns to learn from, those left out with their reason, and sentences about columns that look suspicious."""

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]


def screen(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    outcome: Outcome,
    order: Order,
    *,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
    identifier: str | None = None,
    group: str | None = None,
) -> Screened:
    """Sort the columns of a typed frame (the outcome's is not among them).

    `keep` overrules the leak detector and the guess that a column names its row, never the fairness guard.
    """
    start = _start(frame, columns, order)
    groups = None if group is None else _codes(frame.get_column(group).gather(order.rows[-_GROUP_ROWS:]))
    taken: list[Column] = []
    left_out: list[LeftOut] = []
    remarks: list[str] = []
    for column in columns:
        values = frame.get_column(column.name)
        reason, evidence = _refused(column, values, taken, frame, exclude, keep, identifier, group)
        if not reason and groups is not None:
            known = tells_group(_codes(values.gather(order.rows[-_GROUP_ROWS:])), groups)
            if known >= TELLS_GROUPS:
                reason, evidence = (
                    "stands_in",
                    f"It tells the groups of “{group}” apart ({known:.0%} of what sets them).",
                )
        if not reason and column.name != order.column:
            found = leaks.signs(column, values, outcome.won, order.rows, start)
            leak = leaks.verdict(found)
            if leak and column.name in keep:
                remarks.append(f"“{column.name}” was kept as asked. {leak}")
            elif leak:
                reason, evidence = "leak", leak
            elif found and column.kind != "text":
                signs = "; ".join(sign.sentence for sign in found)
                remarks.append(f"“{column.name}” was kept; make sure that it is known before the outcome: {signs}.")
        if reason:
            left_out.append(LeftOut(column=column.name, reason=reason, evidence=evidence))
        else:
            taken.append(column)
    return Screened(tuple(taken), tuple(left_out), tuple(remarks))


def _refused(
    column: Column,
    values: pl.Series,
    taken: Sequence[Column],
    frame: pl.DataFrame,
    exclude: Sequence[str],
    keep: Sequence[str],
    identifier: str | None,
    group: str | None,
) -> tuple[LeftOutReason | None, str]:
    if column.name in exclude:
        return "asked", "Left out as asked."
    if column.name == group:
        return "protected", "It is the group whose scores are audited."
    if column.name == identifier:
        return "identifier", "It names the row."
    if column.distinct == 0:
        return "empty", "No row has an answer."
    if column.kind == "constant":
        return "constant", "Every row holds the same."
    guarded = guard(column, values)
    if guarded is not None:
        return guarded.reason, guarded.evidence
    if column.kind == "id" and not (column.name in keep and values.dtype == pl.Float64):
        return "identifier", f"It names the row: {column.distinct:,} different values."
    for other in taken:
        same = other.kind == column.kind and (other.distinct, other.missing) == (column.distinct, column.missing)
        if same and frame.get_column(other.name).equals(values, null_equal=True):
            return "duplicate", f"It holds the same as “{other.name}”."
    return None, ""


def _start(frame: pl.DataFrame, columns: Sequence[Column], order: Order) -> pl.Series | None:
    dates = {column.name for column in columns if column.kind == "date"}
    return frame.get_column(order.column) if order.column in dates and order.column is not None else None


def _codes(values: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Values as codes from 0 on, numbers in ten ranges with equally many rows; a missing one has a code of its own."""
    if values.dtype == pl.String:
        return values.fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
    numbers = values.to_physical().cast(pl.Float64)
    known = numbers.drop_nulls().to_numpy()
    edges = np.unique(np.quantile(known, np.linspace(0, 1, 11))) if len(known) else np.empty(0)
    return np.searchsorted(edges, numbers.fill_null(float("inf")).to_numpy(), side="right").astype(np.int64)
