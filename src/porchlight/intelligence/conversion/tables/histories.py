"""From a table with a start and an end to censored histories, strictly as of a day: nothing later is looked at."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.fitting.hazard import LEAST_DAYS, Histories
from porchlight.intelligence.conversion.tables.outcome import WON_WORDS, require_column
from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.intelligence.tables.kinds import Column, answered, date_form, typed

LEAST_ROWS: Final = 30
LEAST_WINS: Final = 5
_DAY: Final = 86_400_000_000.0


class Read(NamedTuple):
    """`kept` (n,) are the numbers of the rows the histories are of; `as_of` is in days since 1970."""

    kept: npt.NDArray[np.int64]
    histories: Histories
    as_of: float
    remarks: list[str]


def as_days(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)) / timedelta(days=1)


def day_of(days: float) -> str:
    """The calendar day (ISO 8601) of a number of days since 1970."""
    return (datetime(1970, 1, 1) + timedelta(days=days)).date().isoformat()


def read_dates(rows: pl.DataFrame, column: str, flag: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Days since 1970 of each cell, NaN where there is none; and which cells hold something that is no date."""
    require_column(rows, column, f"{flag} dates")
    cells = rows.select(answered(pl.col(column))).to_series()
    values = cells.drop_nulls()
    form = date_form(values) if values.len() else ""
    if form is None:
        raise TableUnfitError(
            f"“{column}” ({flag}) cannot be read as dates, for example “{values[0]}”: write them as 2026-11-21, "
            "or name another column",
            column,
        )
    dates = typed(rows, [Column(column, "date", 0.0, 0, form or "%Y-%m-%d")]).to_series()
    days = dates.dt.epoch("us").cast(pl.Float64).fill_null(float("nan")).to_numpy() / _DAY
    return days, cells.is_not_null().to_numpy() & np.isnan(days)


def read_histories(
    rows: pl.DataFrame,
    *,
    start: str,
    end: str,
    outcome: str | None = None,
    won: str | None = None,
    as_of: datetime | None = None,
) -> Read:
    """The histories of a frame of text.

    A filled end is a win, unless `outcome` says otherwise: a lost row never wins, so it counts as watched without a
    win to the end (the subdistribution of Fine & Gray 1999). What ends on or after `as_of` is still open on that day;
    what starts on or after it is left out. Without `as_of`, it is the day after the last date in the table. Raises
    `TableUnfitError`.
    """
    starts, bad_starts = read_dates(rows, start, "--start")
    ends, bad_ends = read_dates(rows, end, "--end")
    won_row = _won_rows(rows, outcome, won)
    today = as_days(as_of) if as_of is not None else float(np.floor(np.nanmax([*starts, *ends, 0.0])) + 1)
    with np.errstate(invalid="ignore"):
        reasons = (
            (bad_starts | bad_ends, "have a date that cannot be read"),
            (~bad_starts & np.isnan(starts), f"have no date in “{start}”"),
            (starts >= today, f"start on {day_of(today)} or later, which is not known as of that day"),
            (ends < starts, f"end in “{end}” before they start"),
        )
        ended = won_row & (ends < today)
    out = np.zeros(rows.height, dtype=bool)
    remarks = []
    for which, why in reasons:
        count = int((which & ~out).sum())
        out |= which
        if count:
            remarks.append(f"{count:,} {'row' if count == 1 else 'rows'} left out: they {why}.")
    kept = np.flatnonzero(~out)
    days = np.maximum(np.where(ended, ends, today)[kept] - starts[kept], LEAST_DAYS)
    found = Histories(starts[kept], days, ended[kept])
    _require_enough(found, start, end, day_of(today))
    return Read(kept, found, today, remarks)


def _won_rows(rows: pl.DataFrame, outcome: str | None, won: str | None) -> npt.NDArray[np.bool_]:
    if outcome is None:
        return np.ones(rows.height, dtype=bool)
    require_column(rows, outcome, "the outcome (--outcome)")
    cells = rows.select(answered(pl.col(outcome)).str.to_lowercase()).to_series()
    words = WON_WORDS if won is None else frozenset({won.strip().lower()})
    found = cells.is_in(list(words)).fill_null(False).to_numpy()
    if not found.any():
        held = ", ".join(f"“{value}”" for value in cells.drop_nulls().unique(maintain_order=True).head(6))
        raise TableUnfitError(f"No value of “{outcome}” is a win: say with --won which of {held} is", outcome)
    return found


def _require_enough(found: Histories, start: str, end: str, day: str) -> None:
    rows, wins = len(found.days), int(found.won.sum())
    if rows < LEAST_ROWS:
        raise TableUnfitError(
            f"Only {rows:,} rows start before {day} in “{start}”: learning needs at least {LEAST_ROWS}. Export a "
            "longer period, or name a later day with --as-of",
            start,
        )
    if wins < LEAST_WINS:
        raise TableUnfitError(
            f"Only {wins:,} rows are won before {day} by “{end}”: learning needs at least {LEAST_WINS}. Export a "
            "longer period, or name a later day with --as-of",
            end,
        )
