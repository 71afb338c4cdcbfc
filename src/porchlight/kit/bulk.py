"""Writing many rows in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from porchlight.kit.arrays import Recordset
from porchlight.kit.database import Base

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_TYPE_NAMES = {
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "BIGINT": "int8",
    "INTEGER": "int4",
    "SMALLINT": "int2",
    "BOOLEAN": "bool",
    "FLOAT(53)": "float8",
    "FLOAT(53)[]": "float8[]",
}


async def insert_rows(
    connection: psycopg.AsyncConnection[Any],
    model: type[Base],
    rows: Sequence[dict[str, Any]],
    *,
    on_conflict: str = "",
    returning: Sequence[str] = (),
) -> psycopg.AsyncCursor[Any] | None:
    """Insert `rows`, which all have the same keys, in one statement.

    `on_conflict` is a fixed clause of ours, never input. Returns the cursor where `returning` names columns.
    """
    if not rows:
        return None
    recordset, statement = _statement(cast(Table, model.__table__), tuple(rows[0]), on_conflict, tuple(returning))
    return await connection.execute(statement, recordset.parameters(rows))


@lru_cache(maxsize=128)
def _statement(
    table: Table, names: tuple[str, ...], on_conflict: str, returning: tuple[str, ...]
) -> tuple[Recordset, bytes]:
    columns = ", ".join(map(_quoted, names))
    recordset = Recordset("given", {name: _type_name(table, name) for name in names})
    answer = f"RETURNING {', '.join(map(_quoted, returning))}" if returning else ""
    # Rendered once: composing it anew at each use costs more than running it.
    statement = (
        f"INSERT INTO {_quoted(table.name)} ({columns}) SELECT {columns} FROM {recordset.source} {on_conflict} {answer}"
    )
    return recordset, statement.encode()


def _type_name(table: Table, column: str) -> str:
    name = table.c[column].type.compile(_DIALECT)
    return _TYPE_NAMES.get(name, name.lower())


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
