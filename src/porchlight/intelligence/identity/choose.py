"""Blocking keys chosen from the data: every facet and every two of them are tried on a sample of their blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.blocking import Rows, blocks, distinct_pairs, pairs
from porchlight.intelligence.identity.keys import NO_KEY, Hashes, Key, Part, combine
from porchlight.intelligence.identity.model import BlockingKey

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LARGEST_BLOCK: Final = 100
"""A key that this many records share finds none of them: what so many have in common is no sign of one person."""
_SAMPLED_PAIRS: Final = 300_000
_BUDGET_PER_RECORD: Final = 12
_LEAST_BUDGET: Final = 2_000_000
_LEAST_GAIN: Final = 0.0001
"""A key that adds less than this part of the matches is not worth its pass over the table."""
_TIMES_FOUND: Final = 2
_AGAIN_PER_RECORD: Final = 1.0
"""Up to so many pairs for each record, keys are also chosen for finding again what others find."""
_WORTH: Final = np.array([0.0, 0.1, 1.0])
"""What finding a match is worth that has been found twice, once or not at all."""
_MATCHES_TRIED: Final = 30_000
_HIGHEST: Final = 2.0**64 - 2048.0
_SURVEYED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Tried:
    """A key that could be used: about how many pairs it makes, the part of its blocks that was sampled, and the
    buckets (of the lowest bits of its numbers) that hold too many records."""

    key: Key
    pairs: float
    rate: float
    oversize: Rows


@dataclass(frozen=True, slots=True)
class Sample:
    """Pairs from the blocks of all tried keys; `chance` is that of each pair to have been drawn."""

    left: Rows
    right: Rows
    chance: Floats
    tried: tuple[Tried, ...]


def budget(records: int) -> int:
    """How many pairs all keys together may make."""
    return max(_LEAST_BUDGET, _BUDGET_PER_RECORD * records)


def sample(
    hashes: Mapping[Part, Hashes], size: int, border: int | None, progress: Callable[[float], None] = lambda part: None
) -> Sample:
    """Tries every facet and every two facets of different fields."""
    # What is nearly a key by itself finds with a second part nothing that it does not find alone.
    enough = {part for part in hashes if _is_enough((part,), hashes, border)}
    shared = {part: _shared(numbers) for part, numbers in hashes.items()}
    keys: list[Key] = [(part,) for part in hashes]
    keys += [
        (one, other)
        for one, other in combinations(hashes, 2)
        if one.field != other.field and not {one, other} & enough and shared[one] * shared[other] * size < LARGEST_BLOCK
    ]
    tried, drawn = [], []
    for number, key in enumerate(keys):
        progress(number / len(keys))
        survey = _survey(key, hashes, border, _SAMPLED_PAIRS / len(keys))
        if survey is None or survey.pairs > budget(size):
            continue
        tried.append(survey)
        numbers = combine([hashes[part] for part in key])
        rows = np.flatnonzero((numbers <= np.uint64(survey.rate * _HIGHEST)) & (numbers != NO_KEY))
        rows = rows[~_oversize(survey, numbers[rows], size)]
        drawn += list(pairs(blocks(numbers[rows], border, rows)))
    left, right = distinct_pairs(drawn, size)
    missed = np.ones(len(left))
    for one, shares in zip(tried, agreements(hashes, tried, left, right), strict=True):
        missed[shares] *= 1.0 - one.rate
    return Sample(left, right, np.maximum(1.0 - missed, 1e-6), tuple(tried))


def agreements(hashes: Mapping[Part, Hashes], tried: Sequence[Tried], left: Rows, right: Rows) -> list[Bools]:
    """For each tried key which of the pairs it finds."""
    same: dict[Part, Bools] = {}
    for part in dict.fromkeys(part for one in tried for part in one.key):
        a, b = hashes[part][left], hashes[part][right]
        same[part] = (a == b) & (a != NO_KEY)
    return [_finds(hashes, one, same, left) for one in tried]


def _finds(hashes: Mapping[Part, Hashes], one: Tried, same: Mapping[Part, Bools], left: Rows) -> Bools:
    agree: Bools = np.logical_and.reduce([same[part] for part in one.key])
    rows = np.flatnonzero(agree)
    numbers = combine([hashes[part][left[rows]] for part in one.key])
    agree[rows[_oversize(one, numbers, len(hashes[one.key[0]]))]] = False
    return agree


def _oversize(one: Tried, numbers: Hashes, size: int) -> Bools:
    """Which of these numbers of the key fall into a bucket that holds too many records."""
    bits = _bits(size)
    large: Bools = np.zeros(1 << bits, np.bool_)
    large[one.oversize] = True
    found: Bools = large[_bucket(numbers, bits)]
    return found


def _is_in(chosen: Sequence[int], size: int) -> Bools:
    found = np.zeros(size, np.bool_)
    found[list(chosen)] = True
    return found


def _shared(numbers: Hashes) -> float:
    """The chance that two records share the part, whichever they are."""
    some, bits = numbers[:: _step(len(numbers))], _bits(len(numbers))
    count = np.bincount(_bucket(some[some != NO_KEY], bits), minlength=1 << bits) / max(len(some), 1)
    return float(count @ count)


def _is_enough(key: Key, hashes: Mapping[Part, Hashes], border: int | None) -> bool:
    survey = _survey(key, hashes, border, 0.0)
    return survey is not None and survey.oversize.size == 0 and survey.pairs <= len(hashes[key[0]])


def _survey(key: Key, hashes: Mapping[Part, Hashes], border: int | None, wanted: float) -> Tried | None:
    """What the key would make, by the blocks of some of the records, or None where it makes nothing."""
    size = len(hashes[key[0]])
    step, bits = _step(size), _bits(size)
    some = combine([hashes[part][::step] for part in key])
    rows = np.flatnonzero(some != NO_KEY)
    bucket = _bucket(some[rows], bits)
    count = np.bincount(bucket, minlength=1 << bits)
    large = count * step >= LARGEST_BLOCK
    usable = (count > 1) & ~large
    small = count[usable]
    if border is None:
        made = float((small * (small - 1) // 2).sum())
    else:
        before = np.bincount(bucket[rows * step < border], minlength=1 << bits)[usable]
        made = float((before * (small - before)).sum())
    if made == 0:
        return None
    made *= step * step
    return Tried(key, made, min(1.0, wanted / made), np.flatnonzero(large))


def _step(size: int) -> int:
    """Every how manieth record is enough to look at; rows are in no meaningful order."""
    return max(1, size // _SURVEYED)


def _bits(size: int) -> int:
    return int(np.clip(np.ceil(np.log2(max(size // _step(size), 2))) + 4, 12, 22))


def _bucket(numbers: Hashes, bits: int) -> Rows:
    return (numbers & np.uint64((1 << bits) - 1)).view(np.int64)


def choose(
    hashes: Mapping[Part, Hashes], drawn: Sample, posterior: Floats, size: int
) -> tuple[tuple[BlockingKey, ...], float]:
    """The keys that find the most likely matches for the pairs they make, and the recall of all chosen, estimated.

    Greedy for the budgeted cover: Khuller, Moss, Naor, “The Budgeted Maximum Coverage Problem”, 1999. The matches that
    no key finds are estimated from those that one and two keys find: Chao, “Estimating the Population Size for
    Capture-Recapture Data with Unequal Catchability”, Biometrics 43 (1987).
    """
    likely = np.flatnonzero(posterior > 0.5)
    likely = likely[:: max(len(likely) // _MATCHES_TRIED, 1)]
    if likely.size == 0:
        cheap = sorted(drawn.tried, key=lambda one: one.pairs)[:10]
        return tuple(BlockingKey(one.key, round(one.pairs), 0.0) for one in cheap), 0.0
    finds = np.stack(agreements(hashes, drawn.tried, drawn.left[likely], drawn.right[likely]), axis=1)
    weight = posterior[likely] / drawn.chance[likely]
    cost = np.array([one.pairs for one in drawn.tried])
    # Once is not enough: what one key finds by luck here, another must find in the next record of that person.
    wanting = np.full(len(weight), _TIMES_FOUND)
    left = float(budget(size))
    chosen: list[int] = []
    while True:
        gain = (weight * _WORTH[wanting]) @ finds
        gain[(cost > left) | (gain < _LEAST_GAIN * weight.sum())] = 0.0
        again = (weight * (wanting == _TIMES_FOUND)) @ finds < _LEAST_GAIN * weight.sum()
        gain[again & (cost.sum(where=_is_in(chosen, len(cost))) + cost > _AGAIN_PER_RECORD * size)] = 0.0
        gain[chosen] = 0.0
        best = int(np.argmax(gain / (cost + size * 0.1)))
        if gain[best] <= 0.0:
            break
        chosen.append(best)
        left -= cost[best]
        wanting = np.maximum(wanting - finds[:, best], 0)
    times = finds[:, chosen].sum(axis=1)
    once, twice, any_ = (
        float(weight[times == 1].sum()),
        float(weight[times == 2].sum()),
        float(weight[times > 0].sum()),
    )
    unseen = once * once / (2.0 * max(twice, 1.0))
    of_all = max(float(weight.sum()), any_ + unseen)
    share = (weight @ finds) / of_all
    keys = tuple(BlockingKey(drawn.tried[n].key, round(cost[n]), float(share[n])) for n in chosen)
    return keys, any_ / of_all
