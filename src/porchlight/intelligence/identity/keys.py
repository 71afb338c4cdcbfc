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
import polars as pl
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


_WORD: Final = pl.col("word")


@dataclass(frozen=True, slots=True)
class Facet:
    """What is read from a word: an expression over the column `word`, or a function where none can say it."""

    name: str
    of: pl.Expr | Callable[[str], str]


_WHOLE: Final = Facet("value", _WORD)
EITHER_ORDER: Final = Facet("either order", _WORD)
_LETTERS: Final = _WORD.str.replace_all(" ", "", literal=True)
_MONTH_DAY: Final = _WORD.str.slice(4)
_FACETS: Final[dict[Aspect, tuple[Facet, ...]]] = {
    "given": (
        _WHOLE,
        Facet("root", lambda word: root_name(word.partition(" ")[0])),
        Facet("initial", _WORD.str.head(1)),
    ),
    "surname": (_WHOLE, Facet("sound", sound), Facet("first three", _WORD.str.head(3))),
    "names": (_WHOLE,),
    "birth_date": (
        _WHOLE,
        Facet("year", _WORD.str.head(4)),
        # The first of January is what those write who know the year alone.
        Facet("month and day", pl.when(_MONTH_DAY.is_in(["0000", "0101"])).then(pl.lit("")).otherwise(_MONTH_DAY)),
        Facet("year and month", _WORD.str.head(6)),
    ),
    "email": (_WHOLE, Facet("mailbox", _WORD.str.extract("^([^@]*)", 1))),
    "phone": (_WHOLE, Facet("last seven", _WORD.str.tail(7))),
    "street": (_WHOLE, Facet("letters", _LETTERS.str.head(6))),
    "number": (_WHOLE,),
    "postcode": (_WHOLE, Facet("first three", _WORD.str.head(3))),
    "city": (_WHOLE, Facet("first four", _LETTERS.str.head(4))),
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
    words = pl.DataFrame({"word": pl.Series(records.words[field.vocabulary].tolist(), dtype=pl.String)})
    if isinstance(facet.of, pl.Expr):
        texts = words.select(facet.of).to_series()
    else:
        texts = pl.Series(list(map(facet.of, words["word"].to_list())), dtype=pl.String)
    if lasting:
        numbers = np.array([hash_text(text) for text in texts.to_list()], np.uint64)
    else:
        numbers = np.maximum(texts.hash(seed=0).to_numpy(), np.uint64(1))
    return np.append(np.where((texts == "").to_numpy(), NO_KEY, numbers), NO_KEY)


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
