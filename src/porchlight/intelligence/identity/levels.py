"""How alike two values are: for each kind of field the levels of agreement, best first, as data.

A level is a measure and the least it must reach; a pair of values has the first level that it reaches, and the last
one, `different`, otherwise. Jaro–Winkler: Winkler, “String Comparator Metrics and Enhanced Decision Rules in the
Fellegi–Sunter Model of Record Linkage”, 1990; an edit is one insertion, deletion, substitution or transposition of
neighbours (optimal string alignment).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from porchlight.intelligence.identity.fields import Kind
from porchlight.intelligence.identity.nicknames import nicknames_of_one

Aspect = Kind | Literal["names"]
"""What a field is compared as; `names` are the words of a full name beside given name and surname."""
Words = Sequence[str]
Floats = NDArray[np.float64]
Measure = Callable[[Words, Words], Floats]

MISSING: Final = -1
EXACT: Final = 0
CROSSED: Final = 1
"""The values are the same, but in one another's column: given name and surname, or two address lines, swapped."""


@dataclass(frozen=True, slots=True)
class Level:
    name: str
    measure: Measure | None
    """None where the level is told by the columns and not by the two values alone."""
    least: float = 1.0


def _by_pair(test: Callable[[str, str], bool]) -> Measure:
    def measure(left: Words, right: Words) -> Floats:
        return np.fromiter(map(test, left, right), np.float64, len(left))

    return measure


def _scored(scorer: Any, scale: float = 1.0) -> Measure:
    def measure(left: Words, right: Words) -> Floats:
        return cpdist(left, right, scorer=scorer, dtype=np.float64) * scale

    return measure


def _is_initial(left: str, right: str) -> bool:
    return (len(left) == 1 or len(right) == 1) and left[0] == right[0]


def _is_part(left: str, right: str) -> bool:
    ours, theirs = set(left.split()), set(right.split())
    return ours < theirs or theirs < ours


def _area(code: str) -> str:
    """The district of a postcode: three of five digits, two of four, all but the last three signs of a British one."""
    return code[: {5: 3, 4: 2}.get(len(code), 3)] if code.isdecimal() else code[:-3]


def _is_swapped_date(left: str, right: str) -> bool:
    return left[:4] == right[:4] and left[4:6] == right[6:] and left[6:] == right[4:6]


def _agreeing_parts(left: str, right: str) -> bool:
    return (left[:4] == right[:4]) + (left[4:6] == right[4:6]) + (left[6:] == right[6:]) == 2


_jaro_winkler: Final = _scored(JaroWinkler.similarity)
_edits: Final = _scored(OSA.distance, -1.0)
_words_shared: Final = _scored(fuzz.token_set_ratio, 0.01)
_similarity: Final = _scored(OSA.normalized_similarity)
_nicknames: Final = _by_pair(nicknames_of_one)
_initial: Final = _by_pair(_is_initial)
_part: Final = _by_pair(_is_part)
_same_area: Final = _by_pair(lambda left, right: _area(left) == _area(right))
_swapped_date: Final = _by_pair(_is_swapped_date)
_two_parts: Final = _by_pair(_agreeing_parts)
_same_year: Final = _by_pair(lambda left, right: left[:4] == right[:4])
_same_mailbox: Final = _by_pair(lambda left, right: left.partition("@")[0] == right.partition("@")[0])
_same_end: Final = _by_pair(lambda left, right: left[-7:] == right[-7:])
_run_together: Final = _by_pair(lambda left, right: left.replace(" ", "") == right.replace(" ", ""))

_EXACT: Final = Level("exact", None)
_CROSSED: Final = Level("in the other column", None)
_DIFFERENT: Final = Level("different", None)
_ONE_EDIT: Final = Level("one edit", _edits, -1)

LEVELS: Final[dict[Aspect, tuple[Level, ...]]] = {
    "given": (
        _EXACT,
        _CROSSED,
        Level("nickname", _nicknames),
        _ONE_EDIT,
        Level("close", _jaro_winkler, 0.9),
        Level("initial", _initial),
        Level("similar", _jaro_winkler, 0.8),
        _DIFFERENT,
    ),
    "surname": (
        _EXACT,
        _CROSSED,
        _ONE_EDIT,
        Level("close", _jaro_winkler, 0.9),
        Level("part", _part),
        Level("similar", _jaro_winkler, 0.8),
        _DIFFERENT,
    ),
    "names": (
        _EXACT,
        Level("mostly", _words_shared, 0.95),
        Level("partly", _words_shared, 0.75),
        _DIFFERENT,
    ),
    "birth_date": (
        _EXACT,
        Level("day and month swapped", _swapped_date),
        _ONE_EDIT,
        Level("two of day, month, year", _two_parts),
        Level("same year", _same_year),
        _DIFFERENT,
    ),
    "email": (
        _EXACT,
        Level("same mailbox elsewhere", _same_mailbox),
        Level("two edits", _edits, -2),
        Level("similar", _jaro_winkler, 0.9),
        _DIFFERENT,
    ),
    "phone": (_EXACT, Level("same last seven", _same_end), _ONE_EDIT, Level("two edits", _edits, -2), _DIFFERENT),
    "postcode": (_EXACT, _ONE_EDIT, Level("same district", _same_area), Level("two edits", _edits, -2), _DIFFERENT),
    "street": (
        _EXACT,
        _CROSSED,
        Level("run together", _run_together),
        Level("few edits", _similarity, 0.85),
        Level("words shared", _words_shared, 0.9),
        Level("similar", _similarity, 0.65),
        _DIFFERENT,
    ),
    "number": (_EXACT, _ONE_EDIT, _DIFFERENT),
    "city": (
        _EXACT,
        _CROSSED,
        Level("few edits", _similarity, 0.8),
        Level("close", _jaro_winkler, 0.88),
        _DIFFERENT,
    ),
    "state": (_EXACT, _ONE_EDIT, _DIFFERENT),
    "occupation": (_EXACT, Level("close", _jaro_winkler, 0.88), Level("words shared", _words_shared, 0.9), _DIFFERENT),
    "other": (_EXACT, Level("close", _jaro_winkler, 0.9), _DIFFERENT),
}


def level_of_words(aspect: Aspect, left: NDArray[np.object_], right: NDArray[np.object_]) -> NDArray[np.int8]:
    """The level of each pair of different, present values. The same for `right`, `left`."""
    levels = LEVELS[aspect]
    found = np.full(len(left), len(levels) - 1, np.int8)
    open_ = np.arange(len(left))
    measured: dict[int, Floats] = {}
    for number, level in enumerate(levels):
        if level.measure is None or open_.size == 0:
            continue
        key = id(level.measure)
        if key not in measured:
            measured[key] = np.full(len(found), -np.inf)
            measured[key][open_] = level.measure(left[open_].tolist(), right[open_].tolist())
        reached = measured[key][open_] >= level.least
        found[open_[reached]] = number
        open_ = open_[~reached]
    return found
