"""Parquet files, read in slices so that memory does not grow with the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from porchlight.kit.tables.delimited import column_names
from porchlight.kit.tables.records import FileUnreadable, Record, Reject, Table

_ROWS_AT_ONCE = 5_000


def parquet_table(path: Path) -> Table:
    """The table in a Parquet file, every value as text; raises `FileUnreadable`."""
    try:
        frame = pl.scan_parquet(path)
        schema = frame.collect_schema()
        total = frame.select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FileUnreadable("damaged", f"The Parquet file cannot be read: {error}") from error
    if not total:
        raise FileUnreadable("no_rows", "The file has columns and no rows in them")
    text = frame.select([_as_text(name, kind) for name, kind in schema.items()])
    read = [0]

    def rows() -> Iterator[Record | Reject]:
        for offset in range(0, total, _ROWS_AT_ONCE):
            part = text.slice(offset, _ROWS_AT_ONCE).collect()
            for place, cells in enumerate(part.iter_rows(), start=1):
                if any(cells):
                    yield Record(offset + place, list(cells))
            read[0] = offset + len(part)

    return Table(column_names(list(schema)), rows(), lambda: read[0] / total, list)


def _as_text(name: str, kind: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(kind, pl.Datetime):
        column = column.dt.to_string("iso:strict")
    elif isinstance(kind, (pl.List, pl.Array)) and not kind.inner.is_nested():
        listed = column.arr.to_list() if isinstance(kind, pl.Array) else column
        column = listed.cast(pl.List(pl.String)).list.join("; ")
    elif kind == pl.Binary:
        column = column.bin.encode("base64")
    elif kind.is_nested():
        encoded = column if isinstance(kind, pl.Struct) else pl.struct(column)
        column = pl.when(column.is_not_null()).then(encoded.struct.json_encode())
    return column.cast(pl.String).fill_null("").alias(name)
