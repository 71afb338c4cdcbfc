"""Learning, without a single label, how often each level of agreement occurs among matches and among strangers.

Fellegi, Sunter, “A Theory for Record Linkage”, JASA 64 (1969); expectation–maximisation as in Winkler, “Using the EM
Algorithm for Weight Computation in the Fellegi–Sunter Model of Record Linkage” (1988). `u` comes from random pairs,
`m` from the pairs of the blocks. Pairs outside all blocks count as strangers, so that the prior is that of any pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.levels import MISSING

Floats = NDArray[np.float64]
_MOST_ROUNDS: Final = 200
_PSEUDO_MATCHES: Final = 2.0
"""Added to each level's count: no level may become impossible by not having been seen."""


@dataclass(frozen=True, slots=True)
class Patterns:
    """Distinct combinations of levels (rows × fields) and how many pairs show each, by their sampling weight."""

    levels: NDArray[np.int8]
    count: Floats


@dataclass(frozen=True, slots=True)
class Learned:
    """`m[f][l]` and `u[f][l]`: how often field `f` has level `l` among matches and among strangers, where present."""

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    matches: float
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


def shares(levels: NDArray[np.int8], count: Floats, number: int, prior: Floats) -> Floats:
    """How often each of `number` levels occurs where the field is present, drawn a little towards `prior`."""
    present = levels != MISSING
    seen: Floats = np.bincount(levels[present], count[present], number).astype(np.float64) + prior
    parts: Floats = seen / seen.sum()
    return parts


def log_ratios(learned_m: Sequence[Floats], learned_u: Sequence[Floats]) -> list[Floats]:
    """log2(m / u) of each level of each field, with a last 0 for missing (level -1)."""
    return [np.append(np.log2(m / u), 0.0) for m, u in zip(learned_m, learned_u, strict=True)]


def learn(
    candidates: Patterns, u: Sequence[Floats], start: Sequence[Floats], pairs_in_all: float, most_matches: float
) -> Learned:
    """`m` and the number of matches among all pairs, by expectation and maximisation until nothing moves.

    `most_matches` bounds the prior: more than that cannot be true (as many as records in linking, say).
    """
    m = list(start)
    matches = min(max(candidates.count.sum() * 0.05, 1.0), most_matches)
    for rounds in range(1, _MOST_ROUNDS + 1):
        posterior = _posterior(candidates, m, u, matches / pairs_in_all)
        weight = candidates.count * posterior
        fresh = [shares(candidates.levels[:, f], weight, len(m[f]), _PSEUDO_MATCHES * start[f]) for f in range(len(m))]
        total = min(max(float(weight.sum()), 1.0), most_matches)
        moved = max(float(np.abs(new - old).max()) for new, old in zip(fresh, m, strict=True))
        settled = moved < 1e-5 and abs(total - matches) < 1e-4 * matches
        m, matches = fresh, total
        if settled:
            return Learned(tuple(m), tuple(u), matches, rounds)
    return Learned(tuple(m), tuple(u), matches, _MOST_ROUNDS)


def _posterior(of: Patterns, m: Sequence[Floats], u: Sequence[Floats], prior: float) -> Floats:
    odds = np.full(len(of.count), np.log2(prior / (1.0 - prior)))
    for f, ratios in enumerate(log_ratios(m, u)):
        odds += ratios[of.levels[:, f]]
    return probability(odds)


def probability(log2_odds: Floats) -> Floats:
    return 1.0 / (1.0 + np.exp2(-np.clip(log2_odds, -200.0, 200.0)))
