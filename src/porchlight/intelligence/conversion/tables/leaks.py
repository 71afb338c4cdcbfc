"""The leak detector: columns that look filled in once the outcome was known, each with its evidence.

Nothing of a table says when a cell was written. What can be seen is power, measured on rows later than those that
taught it: how well one column alone tells winners from losers, whether having an answer at all does, whether some of
its answers are only winners' and others only losers', whether answers name the outcome, whether rows still open have
them. Each sign has a weight; signs that reach 1 together leave a column out. Power alone is no proof (time spent on a
website is honest power), so it decides only where it is near certainty.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.tables.fairness import plain_name
from porchlight.intelligence.conversion.tables.outcome import is_outcome_word
from porchlight.intelligence.evaluation.binary import auc
from porchlight.intelligence.tables.kinds import Column

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

ENOUGH: Final = 1.0
_ROWS: Final = 100_000
_TAUGHT: Final = 0.6
_PRIOR_ROWS: Final = 10.0
_BINS: Final = 20
_CERTAIN_AUC: Final = 0.88
_STRONG_AUC: Final = 0.70
_TELLING_GAPS_AUC: Final = 0.60
_CERTAIN_GAPS_AUC: Final = 0.80
_PURE_SHARE: Final = 0.04
_LEAST_PURE: Final = 10
_OPEN_GAP: Final = 0.3
_MOST_ROWS: Final = 0.95
_LEAST_ROWS: Final = 60
"""Fewer decided rows cannot tell a leak from luck: then only names and open rows count."""


class Sign(NamedTuple):
    weight: float
    sentence: str


_NAMES: Final = (
    (
        0.8,
        "its name says that it is written when a deal ends",
        r"clos(?:e|ed|ing) (?:date|value|amount|price|reason|by|at|on)|commission|invoice(?: .*)?|sale price"
        r"|revenue booked|(?:won|lost|loss|win) (?:date|reason|at|on)|reason (?:won|lost)|deal (?:value|outcome|result)"
        r"|(?:conversion|converted|contract|signing|signed|sold|enrol?lment|purchase|churn(?:ed)?) "
        r"(?:date|at|on|value|amount|price)",
    ),
    (
        0.6,
        "its name says that it follows the lead to its end",
        r"tags?|.*(?:stage|disposition|quality|rating|grade|rank|outcome|result|reason)"
        r"|(?:lead |deal |opportunity |call |contact |current )?status|lead (?:profile|score|result)"
        r"|(?:.* )?(?:last|latest|final|most recent|notable) .*|(?:modified|updated).*"
        r"|(?:call |talk )?duration|next (?:step|action|activity)",
    ),
)


def signs(
    column: Column,
    values: pl.Series,
    won: Floats,
    rows: Codes,
    start: pl.Series | None,
) -> list[Sign]:
    """The signs that this column leaks, the heaviest first.

    `values` (typed) and `won` are in the table's order, `won` being NaN for open rows; `rows` are the decided rows from
    the oldest to the newest; `start` is when each row began, where that is known.
    """
    found = [
        Sign(weight, f"{sentence} (“{column.name}”)")
        for weight, sentence, pattern in _NAMES
        if re.fullmatch(pattern, plain_name(column.name))
    ][:1]
    found += _open_rows(values, won)
    if column.kind == "date" and start is not None:
        found += _after_start(values.gather(rows), start.gather(rows))
    if len(rows) >= _LEAST_ROWS:
        taken = rows if len(rows) <= _ROWS else rows[:: -(-len(rows) // _ROWS)]
        found += _power(column, values.gather(taken), won[taken])
    return sorted(found, key=lambda sign: -sign.weight)


def verdict(found: Sequence[Sign]) -> str | None:
    """The evidence in one sentence where the signs suffice, None where they do not."""
    if sum(sign.weight for sign in found) < ENOUGH:
        return None
    return f"It looks filled in after the outcome: {'; '.join(sign.sentence for sign in found)}."


def _open_rows(values: pl.Series, won: Floats) -> list[Sign]:
    still_open = np.isnan(won)
    if int(still_open.sum()) < _LEAST_PURE:
        return []
    missing = values.is_null().to_numpy()
    of_open, of_decided = float(missing[still_open].mean()), float(missing[~still_open].mean())
    if of_open - of_decided < _OPEN_GAP:
        return []
    sentence = f"{of_open:.0%} of the rows still open have no answer, but {of_decided:.0%} of the decided ones"
    return [Sign(1.0, sentence)]


def _after_start(values: pl.Series, start: pl.Series) -> list[Sign]:
    if start.dtype != values.dtype:
        return []
    later = (values > start).drop_nulls()
    if later.len() < _LEAST_PURE or float(later.mean() or 0.0) < _MOST_ROWS:  # type: ignore[arg-type]
        return []
    return [Sign(0.6, "its dates lie after the row's own date, so they tell of later events")]


def _power(column: Column, values: pl.Series, won: Floats) -> list[Sign]:
    codes, names = _codes(values)
    taught = int(_TAUGHT * len(won))
    early, late = won[:taught], won[taught:]
    if not 0.0 < early.mean() < 1.0 or not 0.0 < late.mean() < 1.0:
        return []
    base = float(early.mean())
    rows = np.bincount(codes[:taught], minlength=len(names))
    rates = (np.bincount(codes[:taught], early, minlength=len(names)) + _PRIOR_ROWS * base) / (rows + _PRIOR_ROWS)
    power = auc(late, rates[codes[taught:]])
    missing = values.is_null().to_numpy().astype(np.float64)
    gaps = auc(late, missing[taught:])
    found = _of_power(power) + _of_gaps(max(gaps, 1.0 - gaps), won, missing > 0.5)
    if column.kind == "category":
        found += _of_answers(codes, names, won)
    return found


def _of_power(power: float) -> list[Sign]:
    if power >= _CERTAIN_AUC:
        return [Sign(1.0, f"on later rows it alone tells winners from losers (AUC {power:.2f})")]
    if power >= _STRONG_AUC:
        return [Sign(0.4, f"on later rows it alone has an AUC of {power:.2f}")]
    return []


def _of_gaps(power: float, won: Floats, missing: npt.NDArray[np.bool_]) -> list[Sign]:
    if power < _TELLING_GAPS_AUC:
        return []
    with_answer, without = float(won[~missing].mean()), float(won[missing].mean())
    sentence = f"{with_answer:.0%} of the rows with an answer won, and {without:.0%} of those without"
    return [Sign(1.0 if power >= _CERTAIN_GAPS_AUC else 0.4, sentence)]


def _of_answers(codes: Codes, names: Sequence[str | None], won: Floats) -> list[Sign]:
    """Answers that only winners have beside answers that only losers have, and answers that name an outcome."""
    base = float(won.mean())
    rows = np.bincount(codes, minlength=len(names))
    rate = np.bincount(codes, won, minlength=len(names)) / np.maximum(rows, 1)
    answered = np.array([name is not None for name in names]) & (rows >= _LEAST_PURE)
    sure_wins = answered & (1.0 - rate <= 0.2 * (1.0 - base))
    sure_losses = answered & (rate <= 0.2 * base)
    found = []
    if min(rows[sure_wins].sum(), rows[sure_losses].sum()) >= _PURE_SHARE * len(won):
        best, worst = _largest(rows, sure_wins), _largest(rows, sure_losses)
        sentence = (
            f"almost only winners have “{names[best]}” ({rate[best]:.0%} of {rows[best]:,} won) and almost only losers "
            f"“{names[worst]}” ({rate[worst]:.0%} of {rows[worst]:,})"
        )
        found.append(Sign(0.6, sentence))
    naming = (sure_wins | sure_losses) & np.array([name is not None and is_outcome_word(name) for name in names])
    if naming.any():
        level = _largest(rows, naming)
        found.append(Sign(0.6, f"“{names[level]}” names the outcome ({rate[level]:.0%} of {rows[level]:,} won)"))
    return found


def _largest(rows: Codes, among: npt.NDArray[np.bool_]) -> int:
    return int(np.argmax(np.where(among, rows, -1)))


def _codes(values: pl.Series) -> tuple[Codes, list[str | None]]:
    """Level numbers from 0 on and their names: answers, or ranges of numbers with equally many rows; missing is one."""
    if values.dtype != pl.String:
        numbers = values.to_physical().cast(pl.Float64).to_numpy()
        known = numbers[~np.isnan(numbers)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1))) if len(known) else np.empty(0)
        codes = np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers)).astype(np.int64)
        return codes, [str(edge) for edge in range(len(edges) + 1)] + [None]
    levels = values.drop_nulls().unique(maintain_order=True)
    found = values.replace_strict(levels, pl.Series(range(levels.len()), dtype=pl.Int64), default=levels.len())
    return found.to_numpy().astype(np.int64), [*levels.to_list(), None]
