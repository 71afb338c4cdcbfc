"""From tables of text to pairs and persons: the whole way, for one table or two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from porchlight.intelligence.identity.assign import assign, is_one_to_one
from porchlight.intelligence.identity.blocking import Rows, blocks, distinct_pairs, only, pairs
from porchlight.intelligence.identity.cluster import Pairs, persons, weigh_together
from porchlight.intelligence.identity.em import probability
from porchlight.intelligence.identity.fields import Column, recognise
from porchlight.intelligence.identity.keys import combine, part_hashes
from porchlight.intelligence.identity.learn import fit
from porchlight.intelligence.identity.model import Model
from porchlight.intelligence.identity.records import plan, prepare
from porchlight.intelligence.identity.score import Evidence, Scorer, evidence, promising, scorer

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]

DEFAULT_THRESHOLD: Final = 0.95
_LEAST_LOG_ODDS: Final = -5.0
"""Pairs of less than 3 % are not kept: neither they nor anything beside them can come to more."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was found. Rows are those of the table, then those of the other; pairs have the lower row first."""

    columns: list[Column]
    model: Model
    scorer: Scorer
    pairs: Pairs
    compared: int
    one_to_one: bool

    def probabilities(self) -> Floats:
        return probability(self.pairs.log_odds)


def resolve(
    table: pl.DataFrame,
    other: pl.DataFrame | None = None,
    ignore: frozenset[str] = frozenset(),
    region: str = "US",
    progress: Progress = lambda stage, part: None,
) -> Resolution:
    """Who is whom in `table`, or across `table` and `other` (text columns; empty or null is missing).

    Raises ValueError where no column can be compared, in words for the one who made the table.
    """
    progress("Reading columns", 0.0)
    columns, rows, border = _columns(table, other, ignore)
    fields = plan(rows, columns)
    if not fields:
        raise ValueError("No column says who a person is: " + "; ".join(f"{c.name}: {c.why}" for c in columns))
    order = _canonical_order(rows, border)
    records = prepare(rows, fields, region).take(order)
    model = fit(records, fields, border, region, progress)
    of = scorer(model, records)
    found, compared = _candidates(of, border, progress)
    progress("Weighing groups", 0.0)
    one_to_one = border is not None and is_one_to_one(found)
    if border is not None and one_to_one:
        found = assign(found, border, records.size - border)
    else:
        found = weigh_together(found, records.size, model.prior, lambda left, right: evidence(of, left, right).log_odds)
        if border is not None:
            across = (found.left < border) & (found.right >= border)
            found = Pairs(found.left[across], found.right[across], found.log_odds[across])
    back = order
    a, b = back[found.left], back[found.right]
    a, b = np.minimum(a, b), np.maximum(a, b)
    by_row = np.lexsort((b, a))
    inverse = np.empty_like(order)
    inverse[order] = np.arange(len(order))
    return Resolution(
        columns,
        model,
        replace(of, records=records.take(inverse)),
        Pairs(a[by_row], b[by_row], found.log_odds[by_row]),
        compared,
        one_to_one,
    )


def _columns(
    table: pl.DataFrame, other: pl.DataFrame | None, ignore: frozenset[str]
) -> tuple[list[Column], pl.DataFrame, int | None]:
    if other is None:
        return recognise(table, ignore), table, None
    theirs = _renamed(table, other, ignore)
    shared = [name for name in table.columns if name in theirs.columns]
    if not shared:
        raise ValueError("The two tables have no column in common")
    rows = pl.concat([table.select(shared), theirs.select(shared)])
    return recognise(rows, ignore), rows, table.height


def _renamed(table: pl.DataFrame, other: pl.DataFrame, ignore: frozenset[str]) -> pl.DataFrame:
    """`other` with its columns called as in `table`, where the names differ but only one column can be meant."""
    missing = [c for c in recognise(table, ignore) if c.kind not in (None, "other") and c.name not in other.columns]
    spare = [c for c in recognise(other, ignore) if c.kind not in (None, "other") and c.name not in table.columns]
    names = {
        theirs[0].name: ours.name
        for ours in missing
        if len(theirs := [c for c in spare if c.kind == ours.kind]) == 1
        and sum(c.kind == ours.kind for c in missing) == 1
    }
    return other.rename(names)


def _canonical_order(rows: pl.DataFrame, border: int | None) -> Rows:
    """An order that depends on what the rows hold and not on where they stand, so that the result does not either."""
    numbers = rows.hash_rows(seed=0).to_numpy()
    if border is None:
        return np.argsort(numbers, kind="stable")
    return np.concatenate(
        [np.argsort(numbers[:border], kind="stable"), border + np.argsort(numbers[border:], kind="stable")]
    )


def _candidates(of: Scorer, border: int | None, progress: Progress) -> tuple[Pairs, int]:
    """The pairs of all blocks that may be matches, and how many were looked at."""
    size = of.records.size
    parts = {part for key in of.model.keys for part in key.key}
    hashes = {part: part_hashes(of.records, of.model.fields, part) for part in parts}
    made: list[tuple[Rows, Rows]] = []
    for key in of.model.keys:
        found = blocks(combine([hashes[part] for part in key.key]), border)
        made += list(pairs(only(found, found.size < of.model.largest_block)))
    left, right = distinct_pairs(made, size)
    del made
    progress("Comparing", 0.0)
    kept = _compared(of, left, right, progress)
    return kept, len(left)


def _compared(of: Scorer, left: Rows, right: Rows, progress: Progress, at_once: int = 1_000_000) -> Pairs:
    parts: list[tuple[Rows, Rows, Floats]] = [(left[:0], right[:0], np.zeros(0))]
    for start in range(0, len(left), at_once):
        progress("Comparing", start / len(left))
        stop = start + at_once
        parts.append(promising(of, left[start:stop], right[start:stop], _LEAST_LOG_ODDS))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def evidence_of(of: Resolution, left: Rows, right: Rows) -> Evidence:
    """What each field says of some pairs."""
    return evidence(of.scorer, left, right)


def log_odds_of(of: Resolution, left: int, right: int) -> float | None:
    """The log2 odds of one pair in the end; None where it is not among those that may be one person's."""
    low, high = min(left, right), max(left, right)
    found = np.flatnonzero((of.pairs.left == low) & (of.pairs.right == high))
    return float(of.pairs.log_odds[found[0]]) if found.size else None


def clusters(of: Resolution, size: int, threshold: float) -> Rows:
    """The number of the person of each row at `threshold`: the lowest row that is the same person's."""
    return persons(of.pairs, size, log2_odds(threshold))


def log2_odds(chance: float) -> float:
    return (
        float(np.log2(chance) - np.log2(1.0 - chance)) if 0.0 < chance < 1.0 else (-np.inf if chance <= 0 else np.inf)
    )
