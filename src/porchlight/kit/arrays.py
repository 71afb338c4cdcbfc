"""Columns of values as PostgreSQL's binary arrays: how many rows travel to the server in one statement.

COPY is refused on tables with row-level security. A JSON document of the rows takes the server twice the time of one
binary array a column (measured with wide rows: 12 against 6.5 µs a row), because nothing has to be parsed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_LENGTH: Final = struct.Struct(">i").pack
_NULL: Final = _LENGTH(-1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_ZERO: Final = date(2000, 1, 1).toordinal()


def _list_text(items: Sequence[Any]) -> bytes:
    """An array within an array: `unnest` would flatten it, so it travels as text."""
    return f"{{{','.join(map(_quoted, items))}}}".encode()


def _quoted(item: Any) -> str:
    if isinstance(item, float):
        return repr(item)
    return '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _microseconds(at: datetime) -> bytes:
    return _PACK_INT8((at - _EPOCH) // _MICROSECOND)


_PACK_INT8: Final = struct.Struct(">q").pack


class Packed(bytes):
    """An array ready to be sent; a subclass for each type of array, which is how psycopg tells them apart."""


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


@dataclass(frozen=True, slots=True)
class _Element:
    """How values of a type are written: PostgreSQL's number of the type, its array, and the bytes of a value.

    `cast` is what the text has to become where a type travels as text.
    """

    oid: int
    array: type[Packed]
    encode: Callable[[Any], bytes]
    cast: str = ""


def _element(oid: int, array_oid: int, encode: Callable[[Any], bytes], cast: str = "") -> _Element:
    array = type(f"Array{array_oid}", (Packed,), {})
    psycopg.adapters.register_dumper(array, type(f"Array{array_oid}Dumper", (_AsItIs,), {"oid": array_oid}))
    return _Element(oid, array, encode, cast)


_ELEMENTS: Final[Mapping[str, _Element]] = {
    "uuid": _element(2950, 2951, lambda value: value.int.to_bytes(16)),
    "text": _element(25, 1009, str.encode),
    "bool": _element(16, 1000, struct.Struct(">?").pack),
    "int2": _element(21, 1005, struct.Struct(">h").pack),
    "int4": _element(23, 1007, struct.Struct(">i").pack),
    "int8": _element(20, 1016, _PACK_INT8),
    "float8": _element(701, 1022, struct.Struct(">d").pack),
    "date": _element(1082, 1182, lambda value: _LENGTH(value.toordinal() - _DAY_ZERO)),
    "timestamptz": _element(1184, 1185, _microseconds),
    "bytea": _element(17, 1001, bytes),
    "json": _element(114, 199, lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)),
    "jsonb": _element(3802, 3807, lambda value: b"\x01" + orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)),
    "text[]": _element(25, 1009, _list_text, cast="::text[]"),
    "float8[]": _element(25, 1009, _list_text, cast="::float8[]"),
}
"""From `pg_type.dat` and the types' `recv` functions."""


def packed(type_name: str, values: Sequence[Any]) -> Packed:
    """`values` as an array of the PostgreSQL type; None is NULL. Raises what the type's encoding raises: `struct.error`
    for a number out of bounds, `ValueError` for text that is no Unicode."""
    element = _ELEMENTS[type_name]
    if not values:
        return element.array(struct.pack(">iii", 0, 0, element.oid))
    encode = element.encode
    # Much is the same in every row: what is one object is written once.
    written = {id(None): _NULL}
    parts = [struct.pack(">iiiii", 1, 1, element.oid, len(values), 1)]
    for value in values:
        part = written.get(id(value))
        if part is None:
            data = encode(value)
            part = written[id(value)] = _LENGTH(len(data)) + data
        parts.append(part)
    return element.array(b"".join(parts))


class Recordset:
    """Rows as a relation that a statement reads. `source` stands in its FROM; `parameters` are what it then needs.

    `types` are the columns' types in the order of the columns; both are ours, never input.
    """

    def __init__(self, name: str, types: Mapping[str, str]):
        self._types: Final = types
        self._names: Final = {column: f"{name}_{column}" for column in types}
        arrays = ", ".join(f"%({self._names[column]})s" for column in types)
        columns = ", ".join(f'"{column}"' for column in types)
        casts = ", ".join(f'"{column}"{_ELEMENTS[kind].cast}' for column, kind in types.items())
        self.source: Final = f"(SELECT {casts} FROM unnest({arrays}) AS raw ({columns})) AS {name}"

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Packed]:
        """The rows' columns. Raises `KeyError` where a row lacks one, and as `packed`."""
        return {self._names[name]: packed(kind, [row[name] for row in rows]) for name, kind in self._types.items()}
