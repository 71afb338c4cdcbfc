"""A table made ready to compare: every field as numbers into a list of its distinct values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from porchlight.intelligence.identity.fields import Column
from porchlight.intelligence.identity.levels import Aspect
from porchlight.intelligence.identity.normalise import Normaliser, is_day_first, name, normaliser, split_full_name
from porchlight.intelligence.identity.plain import plain_form

Codes = NDArray[np.int32]
_Cells = tuple[pl.Series, Normaliser, pl.Expr | None]
NAMES: Final = "names of persons"
_LIKE: Final = 0.95
_SAMPLE: Final = 5_000
_FEW: Final = 2_000


@dataclass(frozen=True, slots=True)
class Field:
    """One thing by which two records are compared.

    `sources` are the columns it is read from; fields of one `vocabulary` number their values alike, so that a value
    in its `partner` field is recognised.
    """

    name: str
    aspect: Aspect
    sources: tuple[str, ...]
    vocabulary: str
    partner: str | None = None
    day_first: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """`codes[field][row]` numbers a value of `words[vocabulary]`; -1 is missing."""

    size: int
    codes: dict[str, Codes]
    words: dict[str, NDArray[np.object_]]

    def take(self, rows: NDArray[np.int64]) -> Records:
        return Records(len(rows), {name: codes[rows] for name, codes in self.codes.items()}, self.words)


def plan(table: pl.DataFrame, columns: Sequence[Column]) -> tuple[Field, ...]:
    """The fields to compare `table` by."""
    of_kind: dict[str, list[str]] = {}
    for column in columns:
        if column.kind is not None:
            of_kind.setdefault(column.kind, []).append(column.name)
    fields = list(_name_fields(table, of_kind))
    for column in columns:
        if column.kind is None or column.kind in ("given", "surname", "full_name"):
            continue
        others = [other for other in of_kind[column.kind] if other != column.name]
        crossing = column.kind in ("street", "city") and len(others) == 1
        fields.append(
            Field(
                column.name,
                column.kind,
                (column.name,),
                column.kind if crossing else column.name,
                others[0] if crossing else None,
                column.kind == "birth_date" and is_day_first(table[column.name].drop_nulls().head(_SAMPLE).to_list()),
            )
        )
    return tuple(fields)


def _name_fields(table: pl.DataFrame, of_kind: Mapping[str, Sequence[str]]) -> list[Field]:
    given, surname = of_kind.get("given", [])[:1], of_kind.get("surname", [])[:1]
    full = list(of_kind.get("full_name", []))
    if given and surname:
        joined = pl.concat_str(
            [pl.col(given[0]).fill_null(""), pl.col(surname[0]).fill_null("")], separator=" "
        ).str.strip_chars()
        full = [
            column
            for column in full
            if (table.select((pl.col(column).fill_null("") == joined).mean()).item() or 0.0) < _LIKE
        ]
        rest = (Field(column, "names", (column, given[0], surname[0]), column) for column in full[:1])
        return [
            Field(given[0], "given", (given[0],), NAMES, surname[0]),
            Field(surname[0], "surname", (surname[0],), NAMES, given[0]),
            *rest,
        ]
    if full:
        column = full[0]
        return [
            Field(f"{column}: given", "given", (column,), NAMES, f"{column}: surname"),
            Field(f"{column}: surname", "surname", (column,), NAMES, f"{column}: given"),
            Field(f"{column}: other", "names", (column,), f"{column}: other"),
        ]
    single = [*((g, "given") for g in given), *((s, "surname") for s in surname)]
    return [Field(column, "given" if aspect == "given" else "surname", (column,), NAMES) for column, aspect in single]


def prepare(table: pl.DataFrame, fields: Sequence[Field], region: str = "US") -> Records:
    """`table` (text columns) as numbers. The values of one vocabulary are numbered in the order they appear."""
    codes: dict[str, Codes] = {}
    words: dict[str, NDArray[np.object_]] = {}
    for vocabulary in dict.fromkeys(field.vocabulary for field in fields):
        members = [field for field in fields if field.vocabulary == vocabulary]
        encode = _encode_few if table.height <= _FEW else _encode
        found, known = encode(
            [(_source(table, field), _reader(field, region), _plain(field, region)) for field in members]
        )
        codes |= {field.name: own for field, own in zip(members, found, strict=True)}
        words[vocabulary] = np.array([*known, ""], object)[:-1]
    return Records(table.height, codes, words)


def _source(table: pl.DataFrame, field: Field) -> pl.Series:
    """The cells a field is read from; several columns in one cell each, between them a sign that no text has."""
    if len(field.sources) == 1:
        return table[field.sources[0]]
    return table.select(pl.concat_str([pl.col(c).fill_null("") for c in field.sources], separator="\x1f")).to_series()


def _reader(field: Field, region: str) -> Normaliser:
    column = field.sources[0]
    if field.name == column and field.aspect != "names":
        return normaliser(field.aspect, day_first=field.day_first, region=region)
    if field.aspect == "given":
        return lambda cell: split_full_name(cell)[0]
    if field.aspect == "surname":
        return lambda cell: split_full_name(cell)[1]
    return _other_names if len(field.sources) > 1 else _middle_names


def _plain(field: Field, region: str) -> pl.Expr | None:
    """The short way for a field that holds what its column holds."""
    if field.aspect == "names" or field.name != field.sources[0]:
        return None
    return plain_form(field.aspect, region)


def _other_names(cell: str) -> str | None:
    full, *known = cell.split("\x1f")
    return _without(full, {word for part in known for word in (name(part) or "").split()})


def _middle_names(cell: str) -> str | None:
    return _without(cell, {word for part in split_full_name(cell) for word in (part or "").split()})


def _without(full: str, known: set[str]) -> str | None:
    return " ".join(word for word in (name(full) or "").split() if word not in known) or None


def _encode_few(columns: Sequence[_Cells]) -> tuple[list[Codes], list[str]]:
    """As `_encode`, for so few cells that a dictionary is faster than a join, which wakes every core."""
    numbers: dict[str, int] = {}
    found = []
    for cells, read, _ in columns:
        known: dict[str | None, int] = {None: -1}
        for cell in cells:
            if cell not in known:
                known[cell] = -1 if (word := read(cell)) is None else numbers.setdefault(word, len(numbers))
        found.append(np.fromiter((known[cell] for cell in cells), np.int32, cells.len()))
    return found, list(numbers)


def _encode(columns: Sequence[_Cells]) -> tuple[list[Codes], list[str]]:
    """For each column the number of the normalised form of every cell, -1 where it is none; and the forms in order."""
    forms = [_forms(*column) for column in columns]
    words = pl.concat(forms).drop_nulls().unique(maintain_order=True)
    numbers = pl.DataFrame({"form": words, "code": pl.Series(np.arange(words.len()), dtype=pl.Int32)})
    found = []
    for form in forms:
        joined = pl.DataFrame({"form": form}).join(numbers, on="form", how="left", maintain_order="left")
        found.append(joined["code"].fill_null(-1).to_numpy().astype(np.int32))
    return found, words.to_list()


def _forms(cells: pl.Series, read: Normaliser, plain: pl.Expr | None) -> pl.Series:
    """The normalised form of each cell: the usual ones together, every other distinct one by itself."""
    table = pl.DataFrame({"cell": cells})
    if plain is None:
        forms = pl.Series("form", [None], pl.String).new_from_index(0, table.height)
    else:
        forms = table.select(form=plain).to_series()
    rest = np.flatnonzero(forms.is_null().to_numpy() & cells.is_not_null().to_numpy())
    if rest.size == 0:
        return forms
    others = cells.gather(rest)
    read_each = {cell: read(cell) for cell in others.unique().to_list()}
    return forms.scatter(rest, pl.Series([read_each[cell] for cell in others], dtype=pl.String))
