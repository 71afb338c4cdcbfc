"""Records into persons. Two groups come together by what all their pairs say on average, never by one link: a chain of
strangers, each like the next, does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from porchlight.intelligence.identity.blocking import Blocks, Rows, pairs

Floats = NDArray[np.float64]
F = TypeVar("F", float, NDArray[np.float64])
Score = Callable[[Rows, Rows], Floats]

_ALIKE: Final = 0.6
"""How much two comparisons between the same two groups of records repeat one another.

A design effect (Kish, “Survey Sampling”, 1965): k × l pairs bring the evidence of kl / (1 + (kl − 1) × 0.6) pairs.
"""
_LARGEST: Final = 1_000
_STEPS: Final = (0.0, 2.0, 4.0, 6.0, 9.0, 12.0, 16.0, 24.0)
"""log2 odds of a link that holds a group together; the next one is taken where a group has more than `_LARGEST`."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of pairs, lower row first, and the log2 odds that they are one person's."""

    left: Rows
    right: Rows
    log_odds: Floats


def weigh_together(direct: Pairs, size: int, prior: float, score: Score) -> Pairs:
    """The pairs of records with what the records beside them say.

    Pairs that hang together (directly or through others) are weighed by average linkage (Sokal, Michener, “A
    Statistical Method for Evaluating Systematic Relationships”, 1958); `score` gives the log2 odds of those among them
    that blocking did not propose. The result is transitive: at any threshold the pairs above it make whole groups.
    Pairs that do not hang together keep what they have, at most even odds.
    """
    group = _groups(direct, size)
    count = np.bincount(group)
    together = group[direct.left] == group[direct.right]
    as_they_are = together & (count[group[direct.left]] == 2)
    loose = ~together
    order = np.argsort(group, kind="stable")
    start = np.cumsum(count) - count
    large = np.flatnonzero(count > 2)
    members = Blocks(order, start[large], count[large], count[large], False)
    found = [
        (direct.left[as_they_are], direct.right[as_they_are], direct.log_odds[as_they_are]),
        (direct.left[loose], direct.right[loose], np.minimum(direct.log_odds[loose], 0.0)),
    ]
    place = np.empty(size, np.int64)
    place[order] = np.arange(size) - start[group[order]]
    for left, right in pairs(members):
        found.append((left, right, _smooth(left, right, score(left, right), group, place, count, prior)))
    return Pairs(*(np.concatenate(column) for column in zip(*found, strict=True)))


def persons(of: Pairs, size: int, least: float) -> Rows:
    """For every row the number of its person, joined at log2 odds of `least`: the lowest row among its records."""
    kept = of.log_odds >= least
    _, label = _components(of.left[kept], of.right[kept], size)
    lowest = np.full(size, size, np.int64)
    np.minimum.at(lowest, label, np.arange(size))
    return lowest[label]


def _components(left: Rows, right: Rows, size: int) -> tuple[int, Rows]:
    graph = coo_matrix((np.ones(len(left), np.int8), (left, right)), (size, size))
    number, label = connected_components(graph, directed=False)
    return int(number), label.astype(np.int64)


def _groups(direct: Pairs, size: int) -> Rows:
    """The number of the group of every row: what links of even odds hold together, or stronger ones if that is much."""
    kept = direct.log_odds >= _STEPS[0]
    left, right, odds = direct.left[kept], direct.right[kept], direct.log_odds[kept]
    for step in _STEPS[1:]:
        _, label = _components(left, right, size)
        much = np.bincount(label)[label[left]] > _LARGEST
        if not much.any():
            return label
        held = ~much | (odds >= step)
        left, right, odds = left[held], right[held], odds[held]
    return _components(left, right, size)[1]


def _smooth(left: Rows, right: Rows, odds: Floats, group: Rows, place: Rows, count: Rows, prior: float) -> Floats:
    """The log2 odds of all pairs of some whole groups, which come one after another."""
    of = group[left]
    edges = np.flatnonzero(np.concatenate(([True], of[1:] != of[:-1], [True])))
    smooth = np.empty_like(odds)
    triples = edges[:-1][np.diff(edges) == 3][:, None] + np.arange(3)
    smooth[triples] = _linked_triples(odds[triples], prior)
    more = np.diff(edges) > 3
    for first, last in zip(edges[:-1][more].tolist(), edges[1:][more].tolist(), strict=True):
        size = int(count[of[first]])
        square = np.zeros((size, size))
        a, b = place[left[first:last]], place[right[first:last]]
        square[a, b] = square[b, a] = odds[first:last]
        smooth[first:last] = _linked(square, prior)[a, b]
    return smooth


def _linked_triples(odds: Floats, prior: float) -> Floats:
    """As `_linked`, for many groups of three records at once: a row has the log2 odds of the three pairs."""
    nearest = odds.max(axis=1)
    third = _together((odds.sum(axis=1) - nearest) / 2.0, 2.0, prior)
    is_nearest = np.arange(3) == odds.argmax(axis=1)[:, None]
    found: Floats = np.where(is_nearest, np.maximum(nearest, third)[:, None], third[:, None])
    return found


def _together(mean: F, many: float, prior: float) -> F:
    """The log2 odds of two groups from the mean of all pairs across, which are so many."""
    return prior + (mean - prior) * many / (1.0 + (many - 1.0) * _ALIKE)


def _linked(odds: Floats, prior: float) -> Floats:
    """For every two of a few records the log2 odds at which average linkage brings them together."""
    size = len(odds)
    highest = float(odds.max()) + 1.0
    tree = linkage(highest - odds[np.triu_indices(size, 1)], "average")
    members = [[n] for n in range(size)]
    nodes: list[tuple[list[int], list[int], float]] = []
    for one, other, height, _ in tree.tolist():
        ours, theirs = members[int(one)], members[int(other)]
        mean = highest - height
        nodes.append((ours, theirs, _together(mean, len(ours) * len(theirs), prior)))
        members.append(ours + theirs)
    found = np.full((size, size), -np.inf)
    for ours, theirs, value in reversed(nodes):
        # A whole group that is surely one person's makes its parts so, however little alike two of them are.
        everyone = ours + theirs
        value = max(value, float(found[ours[0], theirs[0]]))
        found[np.ix_(everyone, everyone)] = value
    return found
