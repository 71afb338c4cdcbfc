"""What records are filed under: stable numbers, so that only records that share one are compared.

A facet is one way to read a field (the whole value, how a name sounds, the year of a date); a key is one facet or
several together. The numbers are the same in every process and may be kept in a database.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from porchlight.intelligence.identity.levels import Aspect
from porchlight.intelligence.identity.nicknames import root_name
from porchlight.intelligence.identity.records import Field, Records

Hashes = NDArray[np.uint64]
NO_KEY: Final = np.uint64(0)

_VOWELS: Final = re.compile(r"(?<=.)[aeiouyhw]+")
_ALIKE: Final = str.maketrans({"c": "k", "q": "k", "z": "s", "v": "f", "d": "t", "g": "k", "b": "p", "m": "n"})


def sound(word: str) -> str:
    """A name by its first letter and the next three consonants, those that sound alike as one."""
    plain = word.replace("ph", "f").replace("ck", "k").replace(" ", "")
    first, rest = plain[:1], _VOWELS.sub("", plain.translate(_ALIKE))[1:]
    return first + re.sub(r"(.)\1+", r"\1", rest)[:3]


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    of: Callable[[str], str]


def _whole(word: str) -> str:
    return word


_WHOLE: Final = Facet("value", _whole)
EITHER_ORDER: Final = Facet("either order", _whole)
_FACETS: Final[dict[Aspect, tuple[Facet, ...]]] = {
    "given": (_WHOLE, Facet("root", lambda word: root_name(word.partition(" ")[0])), Facet("initial", lambda w: w[:1])),
    "surname": (_WHOLE, Facet("sound", sound), Facet("first three", lambda word: word[:3])),
    "names": (_WHOLE,),
    "birth_date": (
        _WHOLE,
        Facet("year", lambda word: word[:4]),
        Facet("month and day", lambda word: "" if word[4:] in ("0000", "0101") else word[4:]),
        Facet("year and month", lambda word: word[:6]),
    ),
    "email": (_WHOLE, Facet("mailbox", lambda word: word.partition("@")[0])),
    "phone": (_WHOLE, Facet("last seven", lambda word: word[-7:])),
    "street": (_WHOLE, Facet("sound", lambda word: sound(word)), Facet("letters", lambda w: w.replace(" ", "")[:6])),
    "number": (_WHOLE,),
    "postcode": (_WHOLE, Facet("first three", lambda word: word[:3])),
    "city": (_WHOLE, Facet("first four", lambda word: word.replace(" ", "")[:4])),
    "state": (_WHOLE,),
    "occupation": (_WHOLE,),
    "other": (_WHOLE,),
}


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One facet of one field."""

    field: str
    facet: str


Key = tuple[Part, ...]
"""The parts that two records must share all of."""


def parts_of(fields: Sequence[Field]) -> list[Part]:
    found = [Part(field.name, facet.name) for field in fields for facet in _FACETS[field.aspect]]
    crossing = [field for field in fields if field.partner is not None and field.name < field.partner]
    return found + [Part(field.name, EITHER_ORDER.name) for field in crossing]


def hash_text(text: str) -> int:
    """A 64-bit number for `text`, never 0, which is kept for no key."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") or 1


def part_hashes(records: Records, fields: Sequence[Field], part: Part, *, lasting: bool = False) -> Hashes:
    """For every record the number of its part; `NO_KEY` where it is missing.

    Numbers that are to be kept are `lasting`: the same for the same text everywhere. Others hold within `records` only,
    and cost less.
    """
    field = next(field for field in fields if field.name == part.field)
    codes = records.codes[field.name]
    if part.facet == EITHER_ORDER.name and field.partner is not None:
        table = _table(records, field, EITHER_ORDER, lasting)
        one, other = table[codes], table[records.codes[field.partner]]
        return combine([np.minimum(one, other), np.maximum(one, other)])
    if field.aspect == "surname" and field.partner is not None:
        codes = np.where(codes < 0, records.codes[field.partner], codes)
    facet = next(facet for facet in _FACETS[field.aspect] if facet.name == part.facet)
    return _table(records, field, facet, lasting)[codes]


def _table(records: Records, field: Field, facet: Facet, lasting: bool) -> Hashes:
    """The number of each word of the field's vocabulary, and at last that of a missing one."""
    words = records.words[field.vocabulary].tolist()
    if lasting:
        read = (facet.of(word) for word in words)
        return np.fromiter((*(hash_text(text) if text else 0 for text in read), 0), np.uint64, len(words) + 1)
    if facet.of is _whole:
        return np.append(_spread(np.arange(1, len(words) + 1, dtype=np.uint64)), NO_KEY)
    numbers = {"": 0}
    codes = np.fromiter((numbers.setdefault(facet.of(word), len(numbers)) for word in words), np.uint64, len(words))
    return np.append(np.where(codes == 0, NO_KEY, _spread(codes)), NO_KEY)


def _spread(numbers: Hashes) -> Hashes:
    """Numbers that look random, different for different ones (Steele, Lea, Flood, splitmix64, 2014)."""
    mixed = numbers * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def combine(parts: Sequence[Hashes]) -> Hashes:
    """The numbers of a key from those of its parts; `NO_KEY` where any is missing."""
    mixed = parts[0].copy()
    missing = parts[0] == NO_KEY
    for part in parts[1:]:
        mixed ^= mixed >> np.uint64(29)
        mixed = mixed * np.uint64(0xBF58476D1CE4E5B9) + part
        missing |= part == NO_KEY
    if len(parts) > 1:
        mixed ^= mixed >> np.uint64(32)
    mixed[missing] = NO_KEY
    mixed[~missing & (mixed == NO_KEY)] = np.uint64(1)
    return mixed


def name_of(key: Key) -> str:
    return " + ".join(part.field if part.facet == "value" else f"{part.field} ({part.facet})" for part in key)
