"""From a table to a model: what matches and others look like, learned without a label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.blocking import Rows
from porchlight.intelligence.identity.choose import LARGEST_BLOCK, Sample, agreements, choose, sample
from porchlight.intelligence.identity.compare import compare_field
from porchlight.intelligence.identity.em import Learned, PairKind, Patterns, Samples, learn, patterns, posteriors
from porchlight.intelligence.identity.frequency import frequencies
from porchlight.intelligence.identity.keys import Hashes, Part, part_hashes, parts_of
from porchlight.intelligence.identity.levels import EXACT, LEVELS, Aspect
from porchlight.intelligence.identity.model import Card, Model
from porchlight.intelligence.identity.records import Field, Records

Floats = NDArray[np.float64]
Progress = Callable[[str, float], None]

_RANDOM_PAIRS: Final = 150_000
_ALL_PAIRS_UP_TO: Final = 1_200
_MATCHES_PER_RECORD: Final = 30.0
"""A bound for the matches while they are being learned."""
_START_EXACT, _START_DIFFERENT, _START_BETWEEN = 0.75, 0.05, 0.20
_PLACE: Final[frozenset[Aspect]] = frozenset({"postcode", "city", "state"})
_NAME: Final[frozenset[Aspect]] = frozenset({"given", "surname", "names", "email"})
_SHARED: Final[tuple[tuple[str, frozenset[Aspect], float, int], ...]] = (
    ("household", _PLACE | {"surname", "street", "number", "phone"}, 0.1, 1),
    ("place", _PLACE, 10.0, 1),
    ("name", _NAME, 1.0, 1),
    ("name and place", _NAME | _PLACE, 0.1, 2),
)
"""What pairs have in common that are no matches: by which aspects, how many of them a record has to begin with,
and how many fields must be left to tell them from matches."""


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
    every = all_pairs(records.size, border)
    if not fields or every < 1:
        raise ValueError("There must be two records and one field at least")
    hashes = {part: part_hashes(records, fields, part) for part in parts_of(fields)}
    drawn = sample(hashes, records.size, border, lambda part: progress("Trying blocking keys", part))
    progress("Learning weights", 0.0)
    levels = [compare_field(records, field, drawn.left, drawn.right).level for field in fields]
    progress("Learning weights", 0.5)
    inside, where = patterns(levels, 1.0 / drawn.chance)
    outside, random = _strangers(records, fields, drawn, hashes, border)
    start = _start(fields, random, records.size, every)
    learned = learn(Samples(inside, outside, random), start, _MATCHES_PER_RECORD * records.size / every)
    posterior = posteriors(inside, learned.kinds)[:, 0][where]
    progress("Learning weights", 0.9)
    keys, recall = choose(hashes, drawn, posterior, records.size)
    return Model(
        fields=tuple(fields),
        kinds=learned.kinds,
        frequencies=tuple(frequencies(records, field) for field in fields),
        keys=keys,
        largest_block=LARGEST_BLOCK,
        region=region,
        card=_card(records, drawn, int(random.count.sum()), learned, every, recall),
    )


def _card(records: Records, drawn: Sample, random: int, learned: Learned, every: int, recall: float) -> Card:
    return Card(
        records=records.size,
        random_pairs=random,
        block_pairs=len(drawn.left),
        matches=round(learned.kinds[0].share * every, 1),
        rounds=learned.rounds,
        recall=round(recall, 4),
    )


def _strangers(
    records: Records, fields: Sequence[Field], drawn: Sample, hashes: Mapping[Part, Hashes], border: int | None
) -> tuple[Patterns, Patterns]:
    """Random pairs, first as what stands for all that no tried key finds, then each for itself."""
    left, right = _random_pairs(records.size, border)
    found = np.logical_or.reduce([np.zeros(len(left), np.bool_), *agreements(hashes, drawn.tried, left, right)])
    levels = [compare_field(records, field, left, right).level for field in fields]
    outside, _ = patterns(levels, np.where(found, 0.0, all_pairs(records.size, border) / len(left)))
    random, _ = patterns(levels, np.ones(len(left)))
    return outside, random


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
    right += right >= left
    return np.minimum(left, right), np.maximum(left, right)


def _start(fields: Sequence[Field], random: Patterns, size: int, every: int) -> list[PairKind]:
    """Where learning begins: strangers as random pairs are, matches mostly alike, the others in what they share."""
    sizes = [len(LEVELS[field.aspect]) for field in fields]
    alike = [_alike(number) for number in sizes]
    kinds = [PairKind("match", min(0.3 * size / every, 0.3), tuple(alike))]
    for name, aspects, per_record, least_apart in _SHARED:
        own = [
            _shared_level(field.aspect, of) if field.aspect in aspects else None
            for field, of in zip(fields, alike, strict=True)
        ]
        apart = sum(of is None for of in own)
        if len(own) - apart >= 2 and apart >= least_apart:
            kinds.append(PairKind(name, min(per_record * size / every, 0.1), tuple(own)))
    strangers = []
    for level, number in zip(random.levels.T, sizes, strict=True):
        counts = np.bincount(level[level >= 0], random.count[level >= 0], number) + 0.5
        strangers.append(counts / counts.sum())
    return [*kinds, PairKind("strangers", 1.0 - sum(kind.share for kind in kinds), tuple(strangers))]


def _shared_level(aspect: Aspect, alike: Floats) -> Floats:
    """What others share of a field: an e-mail address is like a namesake's, never the same."""
    if aspect != "email":
        return alike
    shared = alike.copy()
    shared[EXACT] = 0.0
    shared /= shared.sum()
    return shared


def _alike(number: int) -> Floats:
    parts = np.full(number, _START_BETWEEN / (number - 2))
    parts[EXACT], parts[-1] = _START_EXACT, _START_DIFFERENT
    return parts
