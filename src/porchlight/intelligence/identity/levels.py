"""How alike two values are: for each kind of field the levels of agreement, best first, as data.

A level is a measure and the least it must reach; a pair of values has the first level that it reaches, and the last
one, `different`, otherwise. Jaro–Winkler: Winkler, “String Comparator Metrics and Enhanced Decision Rules in the
Fellegi–Sunter Model of Record Linkage”, 1990; an edit is one insertion, deletion, substitution or transposition of
neighbours (optimal string alignment).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from porchlight.intelligence.identity.fields import Kind
from porchlight.intelligence.identity.nicknames import groups_of_names

Aspect = Kind | Literal["names"]
"""What a field is compared as; `names` are the words of a full name beside given name and surname."""
Words = NDArray[np.object_]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]
Measure = Callable[[Words, Places, Places], Floats]
"""How alike `words[left]` and `words[right]` are, for many pairs of distinct words at once."""

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


def _workers(pairs: Places) -> int:
    """All cores where there is enough to do to make up for starting them."""
    return -1 if len(pairs) > 20_000 else 1


def _texts(scorer: Any, least: float) -> Measure:
    """A measure of RapidFuzz; what is below `least` counts as nothing, which spares most of its work."""

    def measure(words: Words, left: Places, right: Places) -> Floats:
        found: Floats = cpdist(
            words[left].tolist(),
            words[right].tolist(),
            scorer=scorer,
            score_cutoff=least,
            dtype=np.float64,
            workers=_workers(left),
        )
        return found

    return measure


def _within(most: int) -> Measure:
    """1 where two words are at most so many edits apart, else 0. The lengths alone rule out most."""

    def measure(words: Words, left: Places, right: Places) -> Floats:
        length = np.array(list(map(len, words.tolist())), np.int64)
        found = np.zeros(len(left))
        near = np.flatnonzero(np.abs(length[left] - length[right]) <= most)
        edits = cpdist(
            words[left[near]].tolist(),
            words[right[near]].tolist(),
            scorer=OSA.distance,
            score_cutoff=most,
            dtype=np.int32,
            workers=_workers(near),
        )
        found[near] = edits <= most
        return found

    return measure


def _codes(read: Callable[[str], str], words: Words) -> Places:
    """What is read from each word, as a number; -1 where it is nothing."""
    numbers = {"": -1}
    return np.array([numbers.setdefault(text, len(numbers)) for text in map(read, words.tolist())], np.int64)


def _same(read: Callable[[str], str]) -> Measure:
    """1 where the same thing is read from two words, and anything at all."""

    def measure(words: Words, left: Places, right: Places) -> Floats:
        codes = _codes(read, words)
        found: Floats = ((codes[left] == codes[right]) & (codes[left] >= 0)).astype(np.float64)
        return found

    return measure


def _area(code: str) -> str:
    """The district of a postcode: three of five digits, two of four, all but the last three signs of a British one."""
    return code[: {5: 3, 4: 2}.get(len(code), 3)] if code.isdecimal() else code[:-3]


def _nicknames(words: Words, left: Places, right: Places) -> Floats:
    groups = groups_of_names(words.tolist())
    known = groups[:, 0] >= 0
    found = np.zeros(len(left))
    both = np.flatnonzero(known[left] & known[right])
    ours, theirs = groups[left[both]], groups[right[both]]
    for column in range(groups.shape[1]):
        one = ours[:, column : column + 1]
        found[both] = np.maximum(found[both], ((one == theirs) & (one >= 0)).any(axis=1))
    return found


def _initial(words: Words, left: Places, right: Places) -> Floats:
    short = np.fromiter((len(word) == 1 for word in words), np.bool_, len(words))
    return _same(lambda word: word[:1])(words, left, right) * (short[left] | short[right])


def _part(words: Words, left: Places, right: Places) -> Floats:
    several = np.fromiter((" " in word for word in words), np.bool_, len(words))
    found = np.zeros(len(left))
    for n in np.flatnonzero(several[left] | several[right]).tolist():
        ours, theirs = set(words[left[n]].split()), set(words[right[n]].split())
        found[n] = ours < theirs or theirs < ours
    return found


def _date_parts(words: Words) -> tuple[Places, Places, Places]:
    return tuple(  # type: ignore[return-value]
        np.fromiter((int(word[part]) for word in words), np.int64, len(words))
        for part in (slice(4), slice(4, 6), slice(6, 8))
    )


def _swapped_date(words: Words, left: Places, right: Places) -> Floats:
    year, month, day = _date_parts(words)
    swapped = (month[left] == day[right]) & (day[left] == month[right])
    found: Floats = ((year[left] == year[right]) & swapped).astype(np.float64)
    return found


def _two_parts(words: Words, left: Places, right: Places) -> Floats:
    alike = np.sum([part[left] == part[right] for part in _date_parts(words)], axis=0)
    found: Floats = (alike >= 2).astype(np.float64)
    return found


_names_alike: Final = _texts(JaroWinkler.similarity, 0.8)
_words_shared: Final = _texts(fuzz.token_set_ratio, 75.0)
_similarity: Final = _texts(OSA.normalized_similarity, 0.65)
_one_edit: Final = _within(1)
_two_edits: Final = _within(2)
_same_area: Final = _same(_area)
_same_year: Final = _same(lambda word: word[:4])
_same_mailbox: Final = _same(lambda word: word.partition("@")[0])
_same_end: Final = _same(lambda word: word[-7:])
_run_together: Final = _same(lambda word: word.replace(" ", ""))

_EXACT: Final = Level("exact", None)
_CROSSED: Final = Level("in the other column", None)
_DIFFERENT: Final = Level("different", None)
_ONE_EDIT: Final = Level("one edit", _one_edit)
_TWO_EDITS: Final = Level("two edits", _two_edits)

LEVELS: Final[dict[Aspect, tuple[Level, ...]]] = {
    "given": (
        _EXACT,
        _CROSSED,
        Level("nickname", _nicknames),
        _ONE_EDIT,
        Level("close", _names_alike, 0.9),
        Level("initial", _initial),
        Level("similar", _names_alike, 0.8),
        _DIFFERENT,
    ),
    "surname": (
        _EXACT,
        _CROSSED,
        _ONE_EDIT,
        Level("close", _names_alike, 0.9),
        Level("part", _part),
        Level("similar", _names_alike, 0.8),
        _DIFFERENT,
    ),
    "names": (
        _EXACT,
        Level("mostly", _words_shared, 95.0),
        Level("partly", _words_shared, 75.0),
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
        _TWO_EDITS,
        Level("similar", _names_alike, 0.9),
        _DIFFERENT,
    ),
    "phone": (_EXACT, Level("same last seven", _same_end), _ONE_EDIT, _TWO_EDITS, _DIFFERENT),
    "postcode": (_EXACT, _ONE_EDIT, Level("same district", _same_area), _TWO_EDITS, _DIFFERENT),
    "street": (
        _EXACT,
        _CROSSED,
        Level("run together", _run_together),
        Level("few edits", _similarity, 0.85),
        Level("words shared", _words_shared, 90.0),
        Level("similar", _similarity, 0.65),
        _DIFFERENT,
    ),
    "number": (_EXACT, _ONE_EDIT, _DIFFERENT),
    "city": (
        _EXACT,
        _CROSSED,
        Level("few edits", _similarity, 0.8),
        Level("close", _names_alike, 0.88),
        _DIFFERENT,
    ),
    "state": (_EXACT, _ONE_EDIT, _DIFFERENT),
    "occupation": (_EXACT, Level("close", _names_alike, 0.88), Level("words shared", _words_shared, 90.0), _DIFFERENT),
    "other": (_EXACT, Level("close", _names_alike, 0.9), _DIFFERENT),
}


def level_of_words(aspect: Aspect, words: Words, left: Places, right: Places) -> NDArray[np.int8]:
    """The level of `words[left]` and `words[right]`, different words all. The same for `right` and `left`."""
    levels = LEVELS[aspect]
    found = np.full(len(left), len(levels) - 1, np.int8)
    open_ = np.arange(len(left))
    measured: dict[int, Floats] = {}
    for number, level in enumerate(levels):
        if level.measure is None or open_.size == 0:
            continue
        key = id(level.measure)
        if key not in measured:
            measured[key] = np.zeros(len(found))
            measured[key][open_] = level.measure(words, left[open_], right[open_])
        reached = measured[key][open_] >= level.least
        found[open_[reached]] = number
        open_ = open_[~reached]
    return found
