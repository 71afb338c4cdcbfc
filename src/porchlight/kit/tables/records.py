"""What a file's rows become: a record that has a cell for every column, or a reject that says why it has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from porchlight.kit.errors import PorchlightError


class Record(NamedTuple):
    """One row. `line` counts from 1 as an editor does (the header is line 1); in Parquet it counts the rows."""

    line: int
    cells: list[str]


class Reject(NamedTuple):
    """A row that did not go in. `cells` hold what stood there, in one piece where it could not be taken apart."""

    line: int
    column: str | None
    code: str
    sentence: str
    cells: list[str]


class FileUnreadable(PorchlightError):  # noqa: N818 - it names what was found
    """The file as a whole is no table. `reason` is one of missing, empty, no_rows, no_header, kind, damaged."""

    def __init__(self, reason: str, detail: str):
        super().__init__("file_unreadable", detail, field="file")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Table:
    """An open file. `rows` can be walked once; `progress` is the part of the file already read, 0 to 1."""

    columns: list[str]
    rows: Iterator[Record | Reject]
    progress: Callable[[], float]
    remarks: Callable[[], list[str]]
    """Sentences about how the file was read that a person should see, as known so far."""
