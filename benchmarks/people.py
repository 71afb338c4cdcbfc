"""Made-up people with made-up mistakes, as many as are asked for: what the speed of record linkage is measured on."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

import polars as pl

DUPLICATED = 0.2
"""The part of the records that are another's duplicate."""
MISTAKES = 1.2
"""How many mistakes a duplicate has, on average."""

_ONSETS = ("b", "br", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "st", "t", "v", "w")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ee")
_CODAS = ("", "l", "n", "r", "s", "th", "ck", "nd")
_MAILS = ("gmail.com", "yahoo.com", "outlook.com", "icloud.com", "aol.com", "comcast.net")
_STREETS = ("Street", "Avenue", "Road", "Lane", "Drive", "Court")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
T = TypeVar("T")
_COLUMNS = ("first_name", "surname", "dob", "email", "phone", "street", "city", "state", "postcode")


def people(count: int, seed: int = 4) -> pl.DataFrame:
    """`count` records with `unique_id` and `cluster`, in random order; the same for the same seed."""
    dice = random.Random(seed)
    given, surnames = _words(dice, 3_000), _words(dice, 40_000)
    cities = [(name, dice.choice(("NY", "NJ", "CT", "PA", "MA", "CA", "TX", "FL"))) for name in _words(dice, 4_000)]
    streets = _words(dice, 8_000)
    rows: list[tuple[str, ...]] = []
    originals: list[tuple[str, ...]] = []
    for _ in range(count):
        if originals and dice.random() < DUPLICATED:
            number = dice.randrange(len(originals))
            rows.append((*_spoiled(originals[number], dice), str(number)))
            continue
        first, last = _common(given, dice), _common(surnames, dice)
        city, state = _common(cities, dice)
        person = (
            first,
            last,
            f"{dice.randrange(1935, 2006)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}",
            f"{first}.{last}{dice.randrange(100)}@{dice.choice(_MAILS)}".lower(),
            f"{dice.randrange(201, 990)}{dice.randrange(2_000_000, 9_999_999)}",
            f"{dice.randrange(1, 2000)} {_common(streets, dice)} {dice.choice(_STREETS)}",
            city,
            state,
            f"{hash_of(city) % 90_000 + 10_000 + dice.randrange(8)}",
        )
        rows.append((*person, str(len(originals))))
        originals.append(person)
    dice.shuffle(rows)
    table = pl.DataFrame(rows, schema=[*_COLUMNS, "cluster"], orient="row")
    return table.with_columns(pl.all().replace("", None)).insert_column(
        0, pl.Series("unique_id", [f"R{n}" for n in range(count)])
    )


def hash_of(text: str) -> int:
    """A number for `text` that every run gives alike."""
    number = 0
    for sign in text:
        number = (number * 31 + ord(sign)) % 1_000_000_007
    return number


def _words(dice: random.Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = 1 + (dice.random() < 0.9) + (dice.random() < 0.3)
        word = "".join(dice.choice(_ONSETS) + dice.choice(_VOWELS) + dice.choice(_CODAS) for _ in range(syllables))
        if len(word) > 3:
            found[word.capitalize()] = None
    return list(found)


def _common(of: list[T], dice: random.Random) -> T:
    """A draw that favours the first: the n-th about as often as 1 / n, as with real names."""
    return of[int(len(of) ** dice.random()) - 1]


def _spoiled(person: tuple[str, ...], dice: random.Random) -> tuple[str, ...]:
    cells = list(person)
    if dice.random() < 0.02:
        cells[0], cells[1] = cells[1], cells[0]
    while dice.random() < MISTAKES / (1.0 + MISTAKES):
        cell = dice.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 8))
        cells[cell] = dice.choice(_MISTAKES)(cells[cell], dice)
    return tuple(cells)


def _missing(cell: str, dice: random.Random) -> str:
    return ""


def _typing(cell: str, dice: random.Random) -> str:
    if not cell:
        return cell
    at = dice.randrange(len(cell))
    sign = dice.choice("0123456789" if cell[at].isdecimal() else _LETTERS)
    return dice.choice(
        (
            cell[:at] + sign + cell[at + 1 :],
            cell[:at] + cell[at + 1 :],
            cell[:at] + cell[at : at + 2][::-1] + cell[at + 2 :],
        )
    )


_MISTAKES: tuple[Callable[[str, random.Random], str], ...] = (_missing, _typing, _typing)
