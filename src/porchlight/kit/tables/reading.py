"""A file's table as a stream of rows: CSV in any encoding and with any delimiter, gzipped CSV, Parquet."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from porchlight.kit.tables.delimited import Lines, read_header, records
from porchlight.kit.tables.records import FileUnreadable, Table

T = TypeVar("T")

_KINDS_TO_CONVERT = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"{\\rt": "a rich-text document",
}
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """The table in a file, told by its content rather than its name; raises `FileUnreadable`."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileUnreadable("missing", f"{path} cannot be opened: {error.strerror}") from error
    with file:
        size = max(path.stat().st_size, 1)
        magic = file.read(4)
        file.seek(0)
        if magic == _PARQUET:
            # Loading the library takes longer than any other import of the command line, and few files need it.
            from porchlight.kit.tables.parquet import parquet_table

            yield parquet_table(path)
            return
        for beginning, kind in _KINDS_TO_CONVERT.items():
            if magic.startswith(beginning):
                raise FileUnreadable("kind", f"{path.name} is {kind}: save it as CSV and take that")
        stream = gzip.GzipFile(fileobj=file) if magic.startswith(_GZIP) else file
        yield _delimited_table(stream, lambda: min(file.tell() / size, 1.0))


_SUFFIXES = re.compile(r"(?:\.(?:gz|csv|tsv|tab|txt|parquet|pq))+\Z", re.IGNORECASE)


def bare_name(path: Path) -> str:
    """What a file is called without its folder and endings: `crm-export` for `crm-export.csv.gz`."""
    return _SUFFIXES.sub("", path.name) or "table"


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """The rows in lists of at most `size`."""
    walk = iter(rows)
    while batch := list(islice(walk, size)):
        yield batch


def _delimited_table(stream: gzip.GzipFile | io.BufferedReader, progress: Callable[[], float]) -> Table:
    try:
        marks = stream.peek(2)[:2]
    except (OSError, EOFError) as error:
        raise FileUnreadable("damaged", f"The file is damaged ({error}): export or download it again") from error
    lines = Lines(stream, marks)
    delimiter, names = read_header(lines)
    rows = records(lines, delimiter, len(names))
    first = next(rows, None)
    if first is None:
        raise FileUnreadable("no_rows", "The file has a header line and no rows below it")

    def remarks() -> list[str]:
        count = lines.fallback_lines
        remark = f"{count:,} lines are not UTF-8 and were read as Windows-1252: check names with accents"
        return [remark] if count else []

    return Table(names, chain([first], rows), progress, remarks)
