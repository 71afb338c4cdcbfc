"""The rejects file: rows that did not go in, each with its line and reason, ready to be corrected and imported."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from porchlight.kit.errors import PorchlightError
from porchlight.leads.imports.columns import REJECT_COLUMNS
from porchlight.leads.imports.reading import source_named_by
from porchlight.leads.imports.records import Reject


def rejects_beside(path: Path) -> Path:
    """Where the rejects of a file go unless told otherwise: `leads.rejects.csv` beside `leads.csv.gz`."""
    return path.with_name(f"{source_named_by(path)}.rejects.csv")


class Rejects:
    """Writes rejects as they come; `counts` holds how many there are of each code."""

    def __init__(self, path: Path, columns: Sequence[str]):
        self.path = path
        self.counts: Counter[str] = Counter()
        self._columns = [column for column in columns if column not in REJECT_COLUMNS]
        self._kept = [place for place, column in enumerate(columns) if column not in REJECT_COLUMNS]
        self._width = len(columns)
        self._file: IO[str] | None = None
        self._writer: Any = None

    @property
    def written(self) -> Path | None:
        """The file, if there was anything to write."""
        return self.path if self._file else None

    def add(self, reject: Reject) -> None:
        """Write one reject; makes the file when it is the first. Raises `PorchlightError`."""
        if self._file is None:
            try:
                self._file = self.path.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise PorchlightError(
                    "file_unreadable",
                    f"The rejects file {self.path} cannot be written ({error.strerror}): name another place for it",
                    field="rejects_file",
                ) from error
            self._writer = csv.writer(self._file)
            self._writer.writerow([*REJECT_COLUMNS, *self._columns])
        cells = reject.cells
        if len(cells) == self._width:
            cells = [cells[place] for place in self._kept]
        reason = f"{reject.column}: {reject.sentence}" if reject.column else reject.sentence
        self._writer.writerow([reject.line, reject.code, reason, *cells])
        self.counts[reject.code] += 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@contextmanager
def rejects_file(path: Path, columns: Sequence[str]) -> Iterator[Rejects]:
    """A place for the rejects of a file with these columns. No file is made while there are none."""
    rejects = Rejects(path, columns)
    try:
        yield rejects
    finally:
        rejects.close()
