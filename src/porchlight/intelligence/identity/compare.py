"""Pairs of records as levels of agreement, a whole block of pairs at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.levels import CROSSED, EXACT, MISSING, level_of_words
from porchlight.intelligence.identity.records import Field, Records

Rows = NDArray[np.int64]
Levels = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one field, for every pair: the level, and the number of the value that is shared (-1 where none is)."""

    level: Levels
    shared: NDArray[np.int32]


def compare_field(records: Records, field: Field, left: Rows, right: Rows) -> Agreement:
    """How the rows of each pair agree in one field. Symmetric in `left` and `right`."""
    own = records.codes[field.name]
    a, b = own[left], own[right]
    level = _own_level(field, records, a, b)
    shared = np.where(level == EXACT, a, np.int32(-1))
    if field.partner is not None:
        _cross(records, field, left, right, level, shared)
    return Agreement(level, shared)


def _own_level(field: Field, records: Records, a: NDArray[np.int32], b: NDArray[np.int32]) -> Levels:
    words = records.words[field.vocabulary]
    level = np.where((a < 0) | (b < 0), np.int8(MISSING), np.int8(EXACT))
    unequal = np.flatnonzero((a != b) & (level == EXACT))
    if unequal.size:
        low, high = np.minimum(a[unequal], b[unequal]), np.maximum(a[unequal], b[unequal])
        pairs, where = np.unique(low.astype(np.int64) * len(words) + high, return_inverse=True)
        used, places = np.unique(np.concatenate((pairs // len(words), pairs % len(words))), return_inverse=True)
        found = level_of_words(field.aspect, words[used], places[: len(pairs)], places[len(pairs) :])
        level[unequal] = found[where]
    return level


def _cross(records: Records, field: Field, left: Rows, right: Rows, level: Levels, shared: NDArray[np.int32]) -> None:
    """Marks values that stand in the partner's column of the other record.

    Where only one value does, the field whose name sorts first has it, so that one agreement is not counted twice.
    """
    assert field.partner is not None
    own, other = records.codes[field.name], records.codes[field.partner]
    a, b, c, d = own[left], own[right], other[left], other[right]
    agree = ((a == b) & (a >= 0)) | ((c == d) & (c >= 0))
    here, there = (a == d) & (a >= 0) & ~agree, (b == c) & (b >= 0) & ~agree
    crossed = here | there if field.name < field.partner else here & there
    level[crossed] = CROSSED
    both = np.minimum(a, b) if field.name < field.partner else np.maximum(a, b)
    shared[crossed] = np.where(here & there, both, np.where(here, a, b))[crossed]
