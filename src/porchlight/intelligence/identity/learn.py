"""From a table to a model: what matches and strangers look like, learned without a label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.blocking import Rows
from porchlight.intelligence.identity.choose import LARGEST_BLOCK, choose, sample
from porchlight.intelligence.identity.compare import compare_field
from porchlight.intelligence.identity.em import Learned, learn, log_ratios, patterns, probability, shares
from porchlight.intelligence.identity.frequency import frequencies
from porchlight.intelligence.identity.keys import part_hashes, parts_of
from porchlight.intelligence.identity.levels import EXACT, LEVELS
from porchlight.intelligence.identity.model import Card, Model, weights_of
from porchlight.intelligence.identity.records import Field, Records

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]

_RANDOM_PAIRS: Final = 400_000
_ALL_PAIRS_UP_TO: Final = 1_200
_MATCHES_PER_RECORD: Final = 30.0
"""A bound for the prior while it is being learned."""
_START_EXACT, _START_DIFFERENT, _START_BETWEEN = 0.75, 0.05, 0.20


def all_pairs(size: int, border: int | None) -> int:
    """How many pairs there are: within one table, or across two."""
    return size * (size - 1) // 2 if border is None else border * (size - border)


def fit(
    records: Records,
    fields: Sequence[Field],
    border: int | None = None,
    region: str = "US",
    progress: Progress = lambda stage, part: None,
) -> Model:
    """The model of `records`; `border` is how many of them are the left table where two are linked.

    Raises ValueError where there is nothing to learn from: no pair of records, or no field.
    """
    if not fields or all_pairs(records.size, border) < 1:
        raise ValueError("There must be two records and one field at least")
    hashes = {part: part_hashes(records, fields, part) for part in parts_of(fields)}
    drawn = sample(hashes, records.size, border, lambda part: progress("Trying blocking keys", part))
    progress("Learning weights", 0.0)
    levels = [compare_field(records, field, drawn.left, drawn.right).level for field in fields]
    progress("Learning weights", 0.5)
    strangers = _random_pairs(records.size, border)
    apart = [compare_field(records, field, *strangers).level for field in fields]
    learned, posterior = _learn(fields, levels, 1.0 / drawn.chance, apart, all_pairs(records.size, border), records)
    progress("Learning weights", 0.9)
    keys, recall = choose(hashes, drawn, posterior, records.size)
    return Model(
        fields=tuple(fields),
        weights=weights_of(learned.m, learned.u),
        m=learned.m,
        u=learned.u,
        frequencies=tuple(frequencies(records, field) for field in fields),
        prior=prior_of(learned.matches, records.size, border),
        keys=keys,
        largest_block=LARGEST_BLOCK,
        region=region,
        card=Card(
            records.size,
            len(strangers[0]),
            len(drawn.left),
            round(learned.matches, 1),
            learned.rounds,
            round(recall, 4),
        ),
    )


def prior_of(matches: float, size: int, border: int | None) -> float:
    """log2 odds that a random pair is a match."""
    every = all_pairs(size, border)
    part = min(max(matches, 1.0) / every, 0.5)
    return float(np.log2(part / (1.0 - part)))


def _random_pairs(size: int, border: int | None) -> tuple[Rows, Rows]:
    """All pairs of a small table; of a larger one some, always the same."""
    if size <= _ALL_PAIRS_UP_TO:
        left, right = np.triu_indices(size, 1)
        if border is not None:
            across = (left < border) & (right >= border)
            left, right = left[across], right[across]
        return left.astype(np.int64), right.astype(np.int64)
    dice = np.random.default_rng(size)
    if border is not None:
        return dice.integers(0, border, _RANDOM_PAIRS), dice.integers(border, size, _RANDOM_PAIRS)
    left, right = dice.integers(0, size, _RANDOM_PAIRS), dice.integers(0, size - 1, _RANDOM_PAIRS)
    return left, right + (right >= left)


def _learn(
    fields: Sequence[Field],
    levels: Sequence[NDArray[np.int8]],
    weight: Floats,
    apart: Sequence[NDArray[np.int8]],
    every: int,
    records: Records,
) -> tuple[Learned, Floats]:
    """What EM finds, and how likely each sampled pair is a match.

    Random pairs hold some matches, few, but most of those that agree on a birth date; so `u` is counted again with
    each pair weighted by how likely it is none.
    """
    sizes = [len(LEVELS[field.aspect]) for field in fields]
    start = [_start(size) for size in sizes]
    seen, where = patterns(levels, weight)
    strangers = np.ones(len(apart[0]))
    most = _MATCHES_PER_RECORD * records.size
    for _ in range(3):
        u = [shares(level, strangers, size, np.full(size, 0.5)) for level, size in zip(apart, sizes, strict=True)]
        learned = learn(seen, u, start, every, min(most, every * 0.5))
        ratios = log_ratios(learned.m, learned.u)
        prior = np.log2(learned.matches / every)
        strangers = 1.0 - probability(prior + sum(of[level] for of, level in zip(ratios, apart, strict=True)))
    odds = prior + sum(of[seen.levels[:, f]] for f, of in enumerate(ratios))
    return learned, probability(odds)[where]


def _start(size: int) -> Floats:
    between = np.full(size, _START_BETWEEN / (size - 2))
    between[EXACT], between[-1] = _START_EXACT, _START_DIFFERENT
    return between
