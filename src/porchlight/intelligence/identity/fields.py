"""What the columns of a table hold, told by their names and, where those say nothing, by their content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

Kind = Literal[
    "given", "surname", "full_name", "email", "phone", "birth_date", "street", "number", "postcode", "city", "state",
    "occupation", "other",
]  # fmt: skip

_NAMES: Final[tuple[tuple[Kind, str], ...]] = (
    ("email", r"(e mail|email|mail)( address)?"),
    ("phone", r"((mobile|cell|tele|day|evening) ?)?(phone|tel)( ?(no|number|nr))?|mobile|cell|fax|whatsapp"),
    ("birth_date", r"dob|(date of )?birth ?(date|day)?|date of birth|born|birthday"),
    ("full_name", r"(full|contact|client|customer|lead|person|owner)? ?name|first and (last|sur) ?(name)?"),
    ("given", r"(first|given|fore|christian) ?name|f ?name|given|first"),
    ("surname", r"(last|family|sur|second) ?name|l ?name|surname|last"),
    ("number", r"(street|house|building) ?(number|no|nr|num)"),
    ("street", r"(street|mailing|home|postal|property)? ?(street|address|addr)( ?(line)? ?\d)?|addr ?\d"),
    ("postcode", r"(zip|post(al)?) ?(code)?|zip|pin ?code|eircode"),
    ("city", r"(home|mailing)? ?(city|town|suburb|locality|village)|(birth ?place|place of birth|place)"),
    ("state", r"state|province|region|county"),
    ("occupation", r"occupation|job|job title|profession|employment"),
)
_DECORATION: Final = re.compile(r"\b(primary|home|work|main|current|clean|fake|raw|std|\d)\b")
_CONTENT: Final[tuple[tuple[Kind, str], ...]] = (
    ("email", r"^\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*$"),
    ("birth_date", r"^\s*(1[6-9]|20)\d\d-\d\d-\d\d\s*$"),
    ("phone", r"^\s*\+?[\d()][\d\s().-]{8,}\d\s*$"),
)
_SAMPLE: Final = 2_000
_LONGEST: Final = 80
"""Cells longer than this on average are notes, not something that a person is told by."""

_ID_NAME: Final = re.compile(r"^(.*_)?(id|uuid|guid|key|ref)$|identifier")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. `kind` is None where it is left out, and `why` says so in words."""

    name: str
    kind: Kind | None
    why: str


def recognise(table: pl.DataFrame, ignore: frozenset[str] = frozenset()) -> list[Column]:
    """What every column of `table` (text; empty or null is missing) holds, in its order."""
    return [
        Column(name, None, "ignored as asked") if name in ignore else _recognise_one(table[name])
        for name in table.columns
    ]


def find_id(table: pl.DataFrame) -> str | None:
    """The first column that is called an identifier and has another value in every row."""
    for name in table.columns:
        if _ID_NAME.search(_plain(name).replace(" ", "_")) and table[name].n_unique() == table.height:
            return name
    return None


def _plain(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[\W_]+", " ", spaced).strip().lower()


def _recognise_one(values: pl.Series) -> Column:
    name = values.name
    filled = values.filter(values.is_not_null() & (values.str.strip_chars() != ""))
    if filled.is_empty():
        return Column(name, None, "empty")
    sample = filled if filled.len() <= _SAMPLE else filled.gather_every(filled.len() // _SAMPLE).head(_SAMPLE)
    plain = _plain(name)
    for kind, pattern in _NAMES:
        for words in (plain, _DECORATION.sub(" ", plain)):
            if re.fullmatch(pattern, " ".join(words.split())):
                return Column(name, kind, "its name")
    for kind, pattern in _CONTENT:
        share = sample.str.contains(pattern).mean()
        if isinstance(share, float) and share >= 0.8:
            return Column(name, kind, "its content")
    distinct = filled.n_unique()
    if distinct == 1:
        return Column(name, None, "the same in every row")
    if distinct == filled.len() and filled.len() > 20:
        return Column(name, None, "different in every row")
    mean_length = sample.str.len_chars().mean()
    if isinstance(mean_length, float) and mean_length > _LONGEST:
        return Column(name, None, "long text")
    return Column(name, "other", "compared as it stands")
