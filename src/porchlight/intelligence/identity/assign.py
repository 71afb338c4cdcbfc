"""One to one: of two tables without duplicates a record can be only one of the other's."""

from __future__ import annotations

from typing import Final

import numpy as np

from porchlight.intelligence.identity.blocking import Rows
from porchlight.intelligence.identity.cluster import Pairs

_SURE: Final = 6.6
"""log2 odds of a probability of .99."""
_SHARED: Final = 0.01


def is_one_to_one(pairs: Pairs) -> bool:
    """Whether hardly a record (one in a hundred) is surely the same as two of the other table."""
    sure = pairs.log_odds >= _SURE
    return all(
        rows.size > 0 and len(np.unique(rows)) >= (1.0 - _SHARED) * len(rows)
        for rows in (pairs.left[sure], pairs.right[sure])
    )


def assign(pairs: Pairs, left_size: int, right_size: int) -> Pairs:
    """The best partner of each record, strongest pairs first, with the odds it has against all its rivals.

    Where nearly all of the smaller table have a partner, one that has a single candidate left is more likely to be
    found in it than a record drawn at random: `p / (1 - p)` for the part `p` of the smaller table that has one.
    """
    odds = np.exp2(np.clip(pairs.log_odds, -200.0, 200.0))
    rivals = _sum_of(pairs.left, odds)[pairs.left] + _sum_of(pairs.right, odds)[pairs.right] - 2.0 * odds
    order = np.lexsort((pairs.right, pairs.left, -pairs.log_odds))
    taken_left: set[int] = set()
    taken_right: set[int] = set()
    kept: list[int] = []
    for number, left, right in zip(
        order.tolist(), pairs.left[order].tolist(), pairs.right[order].tolist(), strict=True
    ):
        if left not in taken_left and right not in taken_right:
            taken_left.add(left)
            taken_right.add(right)
            kept.append(number)
    chosen = np.array(kept, np.int64)
    smaller = min(left_size, right_size)
    found = float((odds / (1.0 + odds + np.maximum(rivals, 0.0)))[chosen].sum())
    expected = (found + 1.0) / (smaller + 2.0)
    boost = expected / (1.0 - expected)
    own = odds[chosen] * max(boost, 1.0)
    rest = np.maximum(rivals[chosen], 0.0) * max(boost, 1.0)
    return Pairs(pairs.left[chosen], pairs.right[chosen], np.log2(own) - np.log2(1.0 + rest))


def _sum_of(rows: Rows, odds: np.ndarray) -> np.ndarray:
    return np.bincount(rows, odds)
