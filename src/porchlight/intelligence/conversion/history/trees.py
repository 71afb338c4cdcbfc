"""Boosted trees, each of one factor, compiled so that a single lead is read in microseconds.

All nodes of all trees are asked at once, and the leaf of a
tree is the lowest bit that no answer has ruled out (Lucchese et al., "QuickScorer", SIGIR 2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from porchlight.intelligence.conversion.features import FACTORS, FEATURES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAVES_AT_MOST: Final = 8
"""A tree's leaves are the bits of one byte."""
TREES_AT_MOST: Final = 1_000

FACTOR_OF_FEATURE: Final = tuple(FACTORS.index(feature.factor) for feature in FEATURES)
FACTOR_GROUPS: Final = tuple(
    tuple(index for index, factor in enumerate(FACTOR_OF_FEATURE) if factor == number) for number in range(len(FACTORS))
)
_LOWEST_BIT: Final = np.array([0] + [(byte & -byte).bit_length() - 1 for byte in range(1, 256)], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes in any order, the root first; a child c ≥ 0 is a node and c < 0 the leaf −c − 1, leaves from left to right.

    A lead goes left where `features[node]` ≤ `thresholds[node]`, and where it has no data as `missing_left` says.
    `values` are log-odds and `rows` how many training rows came to each leaf.
    """

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    values: tuple[float, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """Trees as arrays. `effects` (leaves, features): what each leaf of each tree adds, by the features on its path.

    A split credits its feature with the difference it makes to the mean of the rows (Saabas 2014), so the effects of a
    path add up to the leaf's value less the tree's mean; `constant` is the sum of those means.
    """

    columns: Ints
    thresholds: Floats
    masks: npt.NDArray[np.uint8]
    starts: Ints
    leaf_starts: Ints
    effects: Floats
    constant: float

    def effects_of(self, values: Sequence[float | None]) -> Floats:
        """What each feature adds for one lead, shape (features,), in log-odds."""
        if not len(self.starts):
            return np.zeros(len(FEATURES))
        x = np.array(values, dtype=np.float64)
        wide = _widened(x)
        kept = np.where(wide[self.columns] > self.thresholds, self.masks, _ALL)
        leaves = self.leaf_starts + _LOWEST_BIT[np.bitwise_and.reduceat(kept, self.starts)]
        added: Floats = self.effects[leaves].sum(axis=0)
        return added

    def effects_of_many(self, matrix: Floats) -> Floats:
        """What each feature adds for every row of `matrix` (n, features; NaN without data), same shape."""
        found = np.zeros(matrix.shape)
        if not len(self.starts):
            return found
        for start in range(0, len(matrix), _CHUNK):
            wide = _widened(matrix[start : start + _CHUNK])
            kept = np.where(wide[:, self.columns] > self.thresholds, self.masks, _ALL)
            leaves = self.leaf_starts + _LOWEST_BIT[np.bitwise_and.reduceat(kept, self.starts, axis=1)]
            added = found[start : start + _CHUNK]
            for factor, (first, last) in enumerate(self._spans()):
                columns = list(FACTOR_GROUPS[factor])
                part = self.effects[:, columns]
                added[:, columns] = part[leaves[:, first:last]].sum(axis=1)
        return found

    def _spans(self) -> Iterator[tuple[int, int]]:
        """The trees of each factor, which stand together."""
        factors = np.array(FACTOR_OF_FEATURE)[self.columns[self.starts] % len(FEATURES)]
        for factor in range(len(FACTORS)):
            yield int(np.searchsorted(factors, factor)), int(np.searchsorted(factors, factor, side="right"))


_ALL: Final = np.uint8(255)
_CHUNK: Final = 1_000


def compiled(trees: Sequence[Tree], scale: float = 1.0) -> Compiled:
    """The trees ready to be asked, their values times `scale`."""
    order = sorted(trees, key=lambda tree: FACTOR_OF_FEATURE[tree.features[0]])
    columns: list[int] = []
    masks: list[int] = []
    starts: list[int] = []
    leaf_starts: list[int] = []
    effects: list[Floats] = []
    constant = 0.0
    for tree in order:
        starts.append(len(columns))
        leaf_starts.append(len(effects))
        paths, means = _paths(tree)
        constant += scale * means[0]
        for node, feature in enumerate(tree.features):
            columns.append(feature if tree.missing_left[node] else feature + len(FEATURES))
            ruled_out = [leaf for leaf, path in enumerate(paths) if (node, False) in path]
            masks.append(255 & ~sum(1 << leaf for leaf in ruled_out))
        for leaf, path in enumerate(paths):
            added = np.zeros(len(FEATURES))
            steps = [node for node, _ in path]
            after = [means[node] for node in steps[1:]] + [tree.values[leaf]]
            for node, mean in zip(steps, after, strict=True):
                added[tree.features[node]] += scale * (mean - means[node])
            effects.append(added)
    return Compiled(
        np.array(columns, dtype=np.int64),
        np.array([threshold for tree in order for threshold in tree.thresholds]),
        np.array(masks, dtype=np.uint8),
        np.array(starts, dtype=np.int64),
        np.array(leaf_starts, dtype=np.int64),
        np.array(effects).reshape(-1, len(FEATURES)),
        constant,
    )


def to_json(trees: Sequence[Tree]) -> list[dict[str, Any]]:
    return [{name: list(getattr(tree, name)) for name in _FIELDS} for tree in trees]


def from_json(items: Sequence[Mapping[str, Any]]) -> tuple[Tree, ...]:
    """The trees that `to_json` wrote. Raises ValueError where they are no trees of one factor each."""
    if len(items) > TREES_AT_MOST:
        raise ValueError(f"{len(items)} trees: at most {TREES_AT_MOST} are read")
    return tuple(_checked(Tree(**{name: tuple(item[name]) for name in _FIELDS})) for item in items)


_FIELDS: Final = ("features", "thresholds", "missing_left", "left", "right", "values", "rows")


def _checked(tree: Tree) -> Tree:
    nodes, leaves = len(tree.features), len(tree.values)
    same = {len(tree.thresholds), len(tree.missing_left), len(tree.left), len(tree.right)} == {nodes}
    if not (same and 0 < nodes < LEAVES_AT_MOST and leaves == nodes + 1 == len(tree.rows)):
        raise ValueError("a tree has nodes or leaves too many or too few")
    if sorted((*tree.left, *tree.right)) != [*range(-leaves, 0), *range(1, nodes)]:
        raise ValueError("the nodes of a tree do not hang together")
    if any(
        child <= node
        for node, pair in enumerate(zip(tree.left, tree.right, strict=True))
        for child in pair
        if child >= 0
    ):
        raise ValueError("a node of a tree comes before the one above it")
    if not all(0 <= feature < len(FEATURES) for feature in tree.features):
        raise ValueError("a tree asks for a feature that does not exist")
    if len({FACTOR_OF_FEATURE[feature] for feature in tree.features}) != 1:
        raise ValueError("a tree mixes factors")
    numbers = (*tree.thresholds, *tree.values)
    if not all(isfinite(number) for number in numbers) or min(tree.rows) < 0 or not sum(tree.rows):
        raise ValueError("a tree holds a number out of bounds")
    return tree


def _widened(x: Floats) -> Floats:
    """Every feature twice: once with missing data below every threshold, once above."""
    missing = np.isnan(x)
    return np.concatenate([np.where(missing, -np.inf, x), np.where(missing, np.inf, x)], axis=-1)


def _paths(tree: Tree) -> tuple[list[list[tuple[int, bool]]], list[float]]:
    """For each leaf the nodes above it with whether it lies to their right, and the mean value under each node."""
    paths: list[list[tuple[int, bool]]] = [[] for _ in tree.values]
    total, rows = [0.0] * len(tree.features), [0] * len(tree.features)
    parent = {
        child: (node, right)
        for node in range(len(tree.features))
        for child, right in ((tree.left[node], False), (tree.right[node], True))
    }
    for leaf in range(len(tree.values)):
        at = -leaf - 1
        while at in parent:
            at, right = parent[at]
            paths[leaf].append((at, right))
            total[at] += tree.values[leaf] * tree.rows[leaf]
            rows[at] += tree.rows[leaf]
        paths[leaf].reverse()
    return paths, [value / count if count else 0.0 for value, count in zip(total, rows, strict=True)]
