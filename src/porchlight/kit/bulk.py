"""Writing many rows in one statement.

COPY is refused on tables with row-level security, so rows travel as one JSON document that the server takes apart;
measured on imports, that costs about as much as the arrays of `unnest` and reads far better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import orjson
import psycopg
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from porchlight.kit.database import Base

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_rows(
    connection: psycopg.AsyncConnection[Any],
    model: type[Base],
    rows: Sequence[dict[str, Any]],
    *,
    on_conflict: str = "",
    returning: Sequence[str] = (),
) -> psycopg.AsyncCursor[Any] | None:
    """Insert `rows`, which all have the same keys, in one statement. Bytes are given as `hex_bytes(...)`.

    `on_conflict` is a fixed clause of ours, never input. Returns the cursor where `returning` names columns.
    """
    if not rows:
        return None
    statement = _statement(cast(Table, model.__table__), tuple(rows[0]), on_conflict, tuple(returning))
    return await connection.execute(statement, (orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS).decode(),))


@lru_cache(maxsize=128)
def _statement(table: Table, names: tuple[str, ...], on_conflict: str, returning: tuple[str, ...]) -> bytes:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    typed = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(table.c[n].type.compile(_DIALECT))) for n in names
    )
    # Rendered once: composing it anew at each use costs more than running it.
    return (
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM json_to_recordset(%s::json) AS r ({}) {} {}")
        .format(
            sql.Identifier(table.name),
            columns,
            columns,
            typed,
            sql.SQL(on_conflict),
            _returning(returning),
        )
        .as_bytes()
    )


def _returning(names: Iterable[str]) -> sql.Composable:
    listed = list(names)
    if not listed:
        return sql.SQL("")
    return sql.SQL("RETURNING {}").format(sql.SQL(", ").join(map(sql.Identifier, listed)))


def hex_bytes(data: bytes) -> str:
    """Bytes as the text that PostgreSQL reads as bytea."""
    return "\\x" + data.hex()
