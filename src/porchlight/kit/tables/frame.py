"""A whole file as a Polars frame of text, for the engines: every cell as it stood, every unreadable row kept apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl

from porchlight.kit.tables.reading import batches, open_table
from porchlight.kit.tables.records import Record, Reject

_ROWS_AT_ONCE = 20_000


class TextFrame(NamedTuple):
    """`rows` has a String column for each of the file's, in its order; an empty cell is the empty string.

    `lines` says where each row stands in the file, `rejects` which rows could not be read, and `remarks` are sentences
    about the reading that a person should see.
    """

    rows: pl.DataFrame
    lines: list[int]
    rejects: list[Reject]
    remarks: list[str]


def read_frame(path: Path, progress: Callable[[float], None] = lambda part: None) -> TextFrame:
    """The table in a CSV, gzipped CSV or Parquet file; raises `FileUnreadable`. `progress` is told 0 to 1."""
    with open_table(path) as table:
        schema = dict.fromkeys(table.columns, pl.String)
        parts: list[pl.DataFrame] = []
        lines: list[int] = []
        rejects: list[Reject] = []
        for batch in batches(table.rows, _ROWS_AT_ONCE):
            good = [row for row in batch if isinstance(row, Record)]
            rejects.extend(row for row in batch if isinstance(row, Reject))
            lines.extend(row.line for row in good)
            parts.append(pl.DataFrame([row.cells for row in good], schema=schema, orient="row"))
            progress(table.progress())
        return TextFrame(pl.concat(parts), lines, rejects, table.remarks())
