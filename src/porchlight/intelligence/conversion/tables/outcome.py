"""What became of each row: won, lost, or still open."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.intelligence.tables.kinds import answered

LEAST_ROWS: Final = 30
LEAST_OF_A_CLASS: Final = 5

WON_WORDS: Final = frozenset(
    {
        "1", "1.0", "yes", "y", "true", "t", "won", "win", "closed won", "closed-won", "converted", "success", "sold",
        "customer", "closed", "signed", "bought", "purchased", "enrolled", "accepted", "positive",
    }
)  # fmt: skip
LOST_WORDS: Final = frozenset(
    {
        "0", "0.0", "no", "n", "false", "f", "lost", "loss", "lose", "closed lost", "closed-lost", "not converted",
        "unconverted", "failure", "failed", "dead", "rejected", "declined", "disqualified", "unqualified", "churned",
        "cancelled", "canceled", "dropped", "not interested", "junk", "junk lead", "negative",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """`won` (n,) is 1, 0, or NaN for a row that is still open; `remarks` say what was taken for what."""

    column: str
    won_value: str
    won: npt.NDArray[np.float64]
    remarks: tuple[str, ...]


def require_column(rows: pl.DataFrame, column: str, role: str) -> None:
    """Raises `TableUnfitError` where the table has no such column; names the nearest one."""
    if column in rows.columns:
        return
    near = difflib.get_close_matches(column, rows.columns, 1, 0.5)
    hint = f"did you mean “{near[0]}”?" if near else f"it has: {', '.join(rows.columns[:12])}."
    raise TableUnfitError(f"The table has no column “{column}” for {role}; {hint}", column)


def read_outcome(rows: pl.DataFrame, column: str, won_value: str | None = None) -> Outcome:
    """The outcome of each row of a frame of text. Raises `TableUnfitError` where there is not enough to learn from."""
    require_column(rows, column, "the outcome (--outcome)")
    cells = rows.select(answered(pl.col(column)).alias("value")).to_series()
    folded = cells.str.to_lowercase()
    counts = dict(cells.drop_nulls().value_counts().sort("count", descending=True).iter_rows())
    if not counts:
        raise TableUnfitError(f"The outcome column “{column}” is empty: name another one with --outcome", column)
    won = _won_value(column, counts, won_value)
    wins = folded == won.casefold()
    lost_values = [value for value in counts if value.casefold() in LOST_WORDS and value.casefold() != won.casefold()]
    others = [value for value in counts if value.casefold() != won.casefold()]
    remarks: list[str] = []
    if lost_values:
        losses = folded.is_in([value.casefold() for value in lost_values])
        open_values = [value for value in others if value not in lost_values]
    else:
        losses, open_values = ~wins, []
    if not others:
        losses = cells.is_null()
        remarks.append(f"“{column}” holds only “{won}”: rows without it are taken as not won.")
    label = np.full(rows.height, np.nan)
    label[losses.fill_null(False).to_numpy()] = 0.0
    label[wins.fill_null(False).to_numpy()] = 1.0
    still_open = int(np.isnan(label).sum())
    if still_open:
        what = ", ".join(f"“{value}”" for value in open_values[:6]) or "no answer"
        remarks.append(
            f"{still_open:,} rows are still open ({what} in “{column}”) and were left out: nobody knows how they end."
        )
    _require_enough(column, won, label, counts)
    return Outcome(column, won, label, tuple(remarks))


def _won_value(column: str, counts: dict[str, int], asked: str | None) -> str:
    if asked is not None:
        found = [value for value in counts if value.casefold() == asked.strip().casefold()]
        if found:
            return found[0]
        raise TableUnfitError(
            f"“{asked}” does not occur in “{column}”: choose one of {_listed(list(counts))} with --won", column
        )
    known = [value for value in counts if value.casefold() in WON_WORDS]
    if known:
        return min(known, key=lambda value: (value.casefold() != "won", -counts[value]))
    if len(counts) == 1 and next(iter(counts)).casefold() not in LOST_WORDS:
        return next(iter(counts))
    raise TableUnfitError(
        f"Which value of “{column}” is a win? Say it with --won; it holds {_listed(list(counts))}", column
    )


def _require_enough(column: str, won: str, label: npt.NDArray[np.float64], counts: dict[str, int]) -> None:
    wins, losses = int(np.nansum(label)), int((label == 0.0).sum())
    if not wins or not losses:
        only = f"is “{won}” in every decided row" if wins else f"is never “{won}”"
        raise TableUnfitError(
            f"The outcome “{column}” {only}: learning needs rows that won and rows that did not. "
            f"It holds {_listed(list(counts))}; choose the winning value with --won, or export all rows",
            column,
        )
    if wins + losses < LEAST_ROWS or min(wins, losses) < LEAST_OF_A_CLASS:
        raise TableUnfitError(
            f"Only {wins + losses:,} rows have an outcome in “{column}” ({wins:,} won, {losses:,} not): learning needs "
            f"at least {LEAST_ROWS}, {LEAST_OF_A_CLASS} of each. Export a longer period",
            column,
        )


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(f"“{value}”" for value in values[:6])
    return f"{shown} and {len(values) - 6} more" if len(values) > 6 else shown


def is_outcome_word(text: str) -> bool:
    """Whether a value names an outcome: “Closed by X”, “Lost to Y”, “Won”."""
    return bool(_OUTCOME_WORD.search(text))


_OUTCOME_WORD: Final = re.compile(
    r"\b(?:won|lost|closed|converted|enrolled|purchased|bought|sold|signed|rejected|disqualified|churned)\b",
    re.IGNORECASE,
)
