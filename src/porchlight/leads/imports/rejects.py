"""The rejects file: rows that did not go in, each with its line and reason, ready to be corrected and imported."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from porchlight.kit.errors import PorchlightError
from porchlight.kit.tables.reading import bare_name
from porchlight.kit.tables.records import Reject
from porchlight.leads.imports.columns import REJECT_COLUMNS


def rejects_beside(path: Path) -> Path:
    """Where the rejects of a file go unless told otherwise: `leads.rejects.csv` beside `leads.csv.gz`."""
    return path.with_name(f"{bare_name(path)}.rejects.csv")


def _header(columns: Sequence[str]) -> list[str]:
    return [*REJECT_COLUMNS, *(column for column in columns if column not in REJECT_COLUMNS)]


def _row(reject: Reject, columns: Sequence[str]) -> list[str]:
    cells = reject.cells
    if len(cells) == len(columns):
        cells = [cell for cell, column in zip(cells, columns, strict=True) if column not in REJECT_COLUMNS]
    reason = f"{reject.column}: {reject.sentence}" if reject.column else reject.sentence
    return [str(reject.line), reject.code, reason, *cells]


def rejects_text(rejects: Iterable[Reject], columns: Sequence[str], *, with_header: bool, most: int) -> str:
    """Rejects as the text of a rejects file, up to the one that passes `most` characters."""
    text = io.StringIO()
    writer = csv.writer(text)
    if with_header:
        writer.writerow(_header(columns))
    for reject in rejects:
        writer.writerow(_row(reject, columns))
        if text.tell() > most:
            break
    return text.getvalue()


class Rejects:
    """Writes rejects as they come; `counts` holds how many there are of each code.

    With `keep_to_line`, where a run goes on that was cut off, the rejects up to that line stay in the file.
    """

    def __init__(self, path: Path, columns: Sequence[str], keep_to_line: int = 0):
        self.path = path
        self.counts: Counter[str] = Counter()
        self._columns = columns
        self._file: IO[str] | None = None
        self._writer: Any = None
        if earlier := _rows_to_line(path, keep_to_line):
            self._open(earlier)

    @property
    def written(self) -> Path | None:
        """The file, if there was anything to write."""
        return self.path if self._file else None

    def add_all(self, rejects: Iterable[Reject]) -> None:
        """Write rejects, and through to the system, so that they outlive this process. Raises `PorchlightError`."""
        for reject in rejects:
            self.add(reject)
        if self._file is not None:
            self._file.flush()

    def add(self, reject: Reject) -> None:
        """Write one reject; makes the file when it is the first. Raises `PorchlightError`."""
        if self._file is None:
            self._open([])
        self._writer.writerow(_row(reject, self._columns))
        self.counts[reject.code] += 1

    def _open(self, earlier: Sequence[Sequence[str]]) -> None:
        draft = self.path.with_name(f"{self.path.name}.part")
        try:
            self._file = draft.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(_header(self._columns))
            self._writer.writerows(earlier)
            self._file.flush()
            # The file takes its name when it holds what was there before, so that being cut off again loses nothing.
            draft.replace(self.path)
        except OSError as error:
            raise PorchlightError(
                "file_unreadable",
                f"The rejects file {self.path} cannot be written ({error.strerror}): name another place for it",
                field="rejects_file",
            ) from error
        self.counts.update(row[1] for row in earlier)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _rows_to_line(path: Path, line: int) -> list[list[str]]:
    if not line or not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        return [row for row in rows if len(row) > 2 and row[0].isdecimal() and int(row[0]) <= line]


@contextmanager
def rejects_file(path: Path, columns: Sequence[str], *, keep_to_line: int = 0) -> Iterator[Rejects]:
    """A place for the rejects of a file with these columns. No file is made while there are none."""
    rejects = Rejects(path, columns, keep_to_line)
    try:
        yield rejects
    finally:
        rejects.close()
