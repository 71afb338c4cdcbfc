"""Learning, without a single label, how often each level of agreement occurs among matches and among others.

Fellegi, Sunter, “A Theory for Record Linkage”, JASA 64 (1969), as a mixture learned by expectation–maximisation
(Winkler, “Using the EM Algorithm for Weight Computation in the Fellegi–Sunter Model of Record Linkage”, 1988), with
more than one kind of pair that is no match. Those of one household share surname, address and phone, those of one
place its postcode, city and state, those of one name often an e-mail address made of it; with strangers alone to
explain them, they would be taken for matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.levels import MISSING

Floats = NDArray[np.float64]
_MOST_ROUNDS: Final = 100
_MOST_DIFFERENT: Final = (0.5, 0.2)
"""How often a field may differ among matches, and a shared one among those who share it: more would be neither."""
_PSEUDO_PAIRS: Final = 2.0
"""Added to the levels of each kind: none may become impossible by not having been seen."""
_NEARLY_NEVER: Final = 1e-3
"""How often a level occurs in a kind that began without it: such a level is learned to be no other."""
_RAREST: Final = 1e-6
"""No coincidence among strangers counts as rarer, because people share addresses, numbers and machines."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct combinations of levels (rows × fields) and how many of all pairs show each, as far as is estimated."""

    levels: NDArray[np.int8]
    count: Floats


@dataclass(frozen=True, slots=True)
class PairKind:
    """One kind of pair: the part of all pairs that it is, and for each field how often each level occurs in it.

    A field that is None is as among strangers.
    """

    name: str
    share: float
    levels: tuple[Floats | None, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """`kinds` begin with the matches and end with the strangers."""

    kinds: tuple[PairKind, ...]
    rounds: int


def patterns(levels: Sequence[NDArray[np.int8]], weight: Floats) -> tuple[Patterns, NDArray[np.int64]]:
    """The combinations in `levels` (one array for each field) and, for each pair, the number of its own."""
    packed = np.zeros(len(weight), np.int64)
    for level in levels:
        packed = packed * 10 + (level + 1)
    distinct, where = np.unique(packed, return_inverse=True)
    places = [10**power for power in range(len(levels) - 1, -1, -1)]
    table = np.stack([(distinct // place % 10 - 1).astype(np.int8) for place in places], axis=1)
    return Patterns(table, np.bincount(where, weight, len(distinct)).astype(np.float64)), where


@dataclass(frozen=True, slots=True)
class Samples:
    """Pairs to learn from: `inside` stands for those that some blocking key finds, `outside` for all others.

    `random` are pairs as they come, which know strangers best.
    """

    inside: Patterns
    outside: Patterns
    random: Patterns

    def pairs(self) -> float:
        return float(self.inside.count.sum() + self.outside.count.sum())


def learn(samples: Samples, start: Sequence[PairKind], most_matches: float) -> Learned:
    """The kinds of pairs, from where they start until nothing moves. The last of `start` are the strangers.

    No pair outside counts as a match: there are so many that the least doubt of each would add up to more matches than
    there are. `most_matches` is the largest part of all pairs that may be matches.
    """
    kinds = tuple(replace(kind, levels=tuple(map(_possible, kind.levels))) for kind in start)
    for rounds in range(1, _MOST_ROUNDS + 1):
        fresh = _next(samples, kinds, start, most_matches)
        moved = max(
            float(np.abs(new - old).max())
            for new, old in zip(fresh[0].levels, kinds[0].levels, strict=True)
            if new is not None and old is not None
        )
        settled = moved < 1e-4 and abs(fresh[0].share - kinds[0].share) < 1e-3 * kinds[0].share
        kinds = fresh
        if settled:
            return Learned(kinds, rounds)
    return Learned(kinds, _MOST_ROUNDS)


def posteriors(seen: Patterns, kinds: Sequence[PairKind]) -> Floats:
    """How likely each pattern (rows) is of each kind (columns)."""
    strangers = kinds[-1].levels
    odds = np.stack(
        [
            np.log2(kind.share / kinds[-1].share)
            + sum(
                np.append(np.log2(own / other), 0.0)[seen.levels[:, field]]
                for field, (own, other) in enumerate(zip(kind.levels, strangers, strict=True))
                if own is not None and other is not None and own is not other
            )
            * np.ones(len(seen.count))
            for kind in kinds
        ],
        axis=1,
    )
    parts = np.exp2(odds - odds.max(axis=1, keepdims=True))
    found: Floats = parts / parts.sum(axis=1, keepdims=True)
    return found


def _possible(levels: Floats | None) -> Floats | None:
    return None if levels is None else np.maximum(levels, _NEARLY_NEVER * (levels == 0.0))


def _next(
    samples: Samples, kinds: Sequence[PairKind], start: Sequence[PairKind], most_matches: float
) -> tuple[PairKind, ...]:
    inside = samples.inside.count[:, None] * posteriors(samples.inside, kinds)
    outside = samples.outside.count[:, None] * posteriors(samples.outside, kinds)
    outside[:, 0] = 0.0
    apart = samples.random.count[:, None] * posteriors(samples.random, kinds)
    shares = (inside.sum(axis=0) + outside.sum(axis=0)) / samples.pairs()
    shares[0] = min(shares[0], most_matches)
    both = np.concatenate((samples.inside.levels, samples.outside.levels))
    weight = np.concatenate((inside, outside))
    fresh = []
    for number, kind in enumerate(kinds):
        levels: list[Floats | None] = []
        for field, first in enumerate(start[number].levels):
            if first is None:
                levels.append(None)
            elif kind is kinds[-1]:
                like = [n for n, other in enumerate(kinds) if n == number or other.levels[field] is None]
                counted = _levels(samples.random.levels[:, field], apart[:, like].sum(axis=1), first)
                levels.append(np.maximum(counted, _RAREST))
            else:
                counted = _levels(both[:, field], weight[:, number], first)
                levels.append(_alike(counted, _MOST_DIFFERENT[number > 0]))
        fresh.append(PairKind(kind.name, max(float(shares[number]), 1e-15), tuple(levels)))
    return tuple(fresh)


def _alike(levels: Floats, most_different: float) -> Floats:
    different = min(float(levels[-1]), most_different)
    kept: Floats = levels * ((1.0 - different) / max(1.0 - float(levels[-1]), 1e-12))
    kept[-1] = different
    return kept


def _levels(levels: NDArray[np.int8], weight: Floats, first: Floats) -> Floats:
    present = levels != MISSING
    counts = np.bincount(levels[present], weight[present], len(first)) + _PSEUDO_PAIRS * first
    counts[first == 0.0] = 0.0
    parts: Floats = counts / counts.sum()
    kept: Floats = np.maximum(parts, _NEARLY_NEVER * (first == 0.0))
    return kept


def probability(log2_odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp2(-np.clip(log2_odds, -200.0, 200.0)))
