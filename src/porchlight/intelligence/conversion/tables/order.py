"""The order in time of a table's rows, so that a model is always measured on rows later than those it learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.intelligence.tables.kinds import Column

_SEED: Final = 7
_READABLE: Final = 0.9
_SORTED_BY_OUTCOME: Final = 0.5
"""Lag-one correlation of the outcome from row to row above which a file was sorted by it."""


@dataclass(frozen=True, slots=True)
class Order:
    """`rows` are row numbers from the oldest to the newest; `said` ends the sentence “the newest rows, by …”.

    `timed` is false where nothing tells the time and the order is a throw of dice; then “later” means nothing.
    """

    rows: npt.NDArray[np.int64]
    said: str
    timed: bool
    column: str | None
    first: str | None
    last: str | None


def order_rows(
    frame: pl.DataFrame, columns: Sequence[Column], won: npt.NDArray[np.float64], asked: str | None = None
) -> Order:
    """Rows with a known outcome in the order of the `asked` column; else of ids that rise with the rows, or the file's.

    `frame` is typed by `columns`. Raises `TableUnfitError` where the column asked for tells no time.
    """
    decided = np.flatnonzero(~np.isnan(won))
    by_name = {column.name: column for column in columns}
    if asked is not None:
        return _by_column(frame, by_name[asked], decided)
    rising = [column for column in columns if column.kind == "id" and column.rising]
    if rising:
        return _by_column(frame, rising[0], decided)
    y = won[decided]
    spread = float(y.var())
    serial = float(np.mean((y[1:] - y.mean()) * (y[:-1] - y.mean()))) / spread if spread else 0.0
    if serial > _SORTED_BY_OUTCOME:
        mixed = np.random.default_rng(_SEED).permutation(decided)
        return Order(mixed, "chance, as the file is sorted by its outcome", False, None, None, None)
    return Order(decided, "the order of the file", True, None, None, None)


def _by_column(frame: pl.DataFrame, column: Column, decided: npt.NDArray[np.int64]) -> Order:
    name = column.name
    values = frame.get_column(name).gather(decided)
    if column.kind not in ("date", "number", "id") or values.dtype == pl.String:
        raise TableUnfitError(
            f"“{name}” (--time) cannot be read as dates or rising numbers, for example “{_example(values)}”: write its "
            "dates as 2026-11-21, or name another column",
            name,
        )
    read = 1.0 - values.null_count() / max(1, values.len())
    if read < _READABLE:
        raise TableUnfitError(
            f"“{name}” (--time) can be read in {read:.0%} of the rows only: fill it in, or name another column", name
        )
    # rows without a time count as the oldest: they teach, and are never what a model is measured on
    keys = values.to_physical().cast(pl.Float64).fill_null(float("-inf")).to_numpy()
    ordered = decided[np.argsort(keys, kind="stable")]
    first, last = (str(values.min())[:10], str(values.max())[:10]) if column.kind == "date" else (None, None)
    return Order(ordered, f"“{name}”", True, name, first, last)


def _example(values: pl.Series) -> str:
    answered = values.drop_nulls()
    return str(answered[0]) if answered.len() else ""
