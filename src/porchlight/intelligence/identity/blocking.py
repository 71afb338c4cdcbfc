"""Which pairs to compare: blocks of records that share a key, and the pairs in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.keys import NO_KEY, Hashes

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Records in the order of one key. Block `k` is `order[start[k]:start[k] + size[k]]`.

    Of two linked tables only pairs across are made: `split[k]` is how many of a block come from the left one, whose
    rows come first; of a single table it is the whole block.
    """

    order: Rows
    start: Rows
    size: Rows
    split: Rows
    linked: bool

    def pairs_in(self) -> Rows:
        """How many pairs each block makes."""
        return self.split * (self.size - self.split) if self.linked else self.size * (self.size - 1) // 2


def blocks(hashes: Hashes, border: int | None = None, rows: Rows | None = None) -> Blocks:
    """The blocks of more than one record. `border` is the number of rows of the left table where two are linked.

    `hashes` are those of `rows`, or of all.
    """
    if rows is None:
        rows = np.flatnonzero(hashes != NO_KEY)
        hashes = hashes[rows]
    # Only in linking does it matter which rows of a block come first, and a stable sort takes twice as long.
    by_hash = np.argsort(hashes, kind=None if border is None else "stable")
    order, ordered = rows[by_hash], hashes[by_hash]
    edges = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True]))) if order.size else np.zeros(1)
    start, size = edges[:-1].astype(np.int64), np.diff(edges).astype(np.int64)
    if border is None:
        split = size
    else:
        before = np.concatenate(([0], np.cumsum(order < border)))
        split = before[start + size] - before[start]
    found = Blocks(order, start, size, split, border is not None)
    return only(found, found.pairs_in() > 0)


def only(of: Blocks, kept: NDArray[np.bool_]) -> Blocks:
    return Blocks(of.order, of.start[kept], of.size[kept], of.split[kept], of.linked)


def pairs(of: Blocks, at_once: int = 4_000_000) -> Iterator[tuple[Rows, Rows]]:
    """The pairs of all blocks, lower row first, some millions at once."""
    counts = of.pairs_in()
    ends = np.cumsum(counts)
    first = 0
    while first < len(counts):
        done = ends[first - 1] if first else 0
        last = max(int(np.searchsorted(ends, done + at_once, "right")), first + 1)
        yield _expand(of, counts, slice(first, last))
        first = last


def _expand(of: Blocks, counts: Rows, part: slice) -> tuple[Rows, Rows]:
    count = counts[part]
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    start = np.repeat(of.start[part], count)
    if of.linked:
        right_size = np.repeat((of.size - of.split)[part], count)
        i, j = offset // right_size, np.repeat(of.split[part], count) + offset % right_size
    else:
        # The number of a pair below the diagonal gives its row by the inverse of the triangular numbers.
        j = ((1 + np.sqrt(8.0 * offset + 1)) // 2).astype(np.int64)
        j -= j * (j - 1) // 2 > offset
        j += j * (j + 1) // 2 <= offset
        i = offset - j * (j - 1) // 2
    a, b = of.order[start + i], of.order[start + j]
    return np.minimum(a, b), np.maximum(a, b)


def distinct_pairs(found: Sequence[tuple[Rows, Rows]], size: int) -> tuple[Rows, Rows]:
    """Each pair once, in order."""
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    numbers = np.concatenate([left * size + right for left, right in found])
    numbers.sort()
    numbers = numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if numbers.size else numbers
    return numbers // size, numbers % size
