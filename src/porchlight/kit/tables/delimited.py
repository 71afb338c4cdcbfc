"""Delimited text (CSV and its kin), row by row, with line numbers, in constant memory, and past every damaged row.

The standard library's parser runs in its strict mode, so that a misplaced quotation mark shows at once. Such a row is
read again leniently by itself; a quotation mark that is never closed costs only its own line, since the lines it
swallowed are put back and read anew.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from porchlight.kit.tables.records import FileUnreadable, Record, Reject

DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE = 1 << 20
"""In characters; with the parser's own limit of 131,072 for a field it bounds the memory a broken file can take."""
_SNIFFED_LINES = 30
_KEPT_OF_BROKEN_LINE = 10_000
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_DAMAGE = (OSError, EOFError, zlib.error)


class LineTooLongError(Exception):
    pass


class Lines:
    """The physical lines of a text, numbered; those taken since `begin` can be put back.

    A line that is not UTF-8 is read as Windows-1252, which is what spreadsheets on Windows write; `fallback_lines`
    counts these.
    """

    def __init__(self, stream: gzip.GzipFile | io.BufferedReader, marks: bytes):
        encoding = "utf-16" if marks.startswith(_UTF_16_MARKS) else "utf-8-sig"
        errors = "replace" if encoding == "utf-16" else "surrogateescape"
        self._readline = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="").readline
        self._put_back: list[str] = []  # the next one last
        self._too_long: set[int] = set()
        self.taken: list[str] = []
        self.number = 0
        self.fallback_lines = 0

    def begin(self) -> None:
        self.taken = []

    def put_back(self, count: int) -> None:
        """Give back the last `count` lines taken, to be taken again."""
        for _ in range(count):
            self._put_back.append(self.taken.pop())
            self.number -= 1

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        if self._put_back:
            text = self._put_back.pop()
            if self.number + 1 in self._too_long:
                self._take(text)
                raise LineTooLongError
        else:
            text = self._readline(LONGEST_LINE)
            if not text:
                raise StopIteration
            if len(text) == LONGEST_LINE and text[-1] not in "\r\n":
                self._refuse_long_line(text)
            if not text.isascii():
                text = self._decoded(text)
        self._take(text)
        return text

    def _take(self, text: str) -> None:
        self.number += 1
        self.taken.append(text)

    def _refuse_long_line(self, text: str) -> None:
        self._take(text[:_KEPT_OF_BROKEN_LINE])
        self._too_long.add(self.number)
        while text and text[-1] not in "\r\n":
            text = self._readline(LONGEST_LINE)
        raise LineTooLongError

    def _decoded(self, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            self.fallback_lines += 1
            raw = text.encode("utf-8", "surrogateescape")
            try:
                return raw.decode("cp1252")
            except UnicodeDecodeError:
                return raw.decode("latin-1")
        return text


def sniffed_delimiter(lines: Lines) -> str:
    """The character that divides the first line into the most columns and the next ones into as many."""
    lines.begin()
    with suppress(LineTooLongError):  # a matter for the row that holds it
        for _ in islice(lines, _SNIFFED_LINES):
            pass
    sample = lines.taken[:]
    lines.put_back(len(sample))

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
        except csv.Error:
            return (0, 0)
        return (widths[0], widths.count(widths[0])) if widths else (0, 0)

    return max(DELIMITERS, key=fit)


_EXCEL_DELIMITER_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)


def read_header(lines: Lines) -> tuple[str, list[str]]:
    """The delimiter and the column names; raises `FileUnreadable`."""
    try:
        lines.begin()
        first = next(lines, "")
        declared = _EXCEL_DELIMITER_LINE.fullmatch(first)
        if not declared:
            lines.put_back(len(lines.taken))
        delimiter = declared[1] if declared else sniffed_delimiter(lines)
        cells: list[str] = []
        while not any(cell.strip() for cell in cells):
            cells = next(csv.reader(lines, delimiter=delimiter))
    except StopIteration:
        raise FileUnreadable("empty", "The file is empty: export it again with a header line and its rows") from None
    except LineTooLongError:
        raise FileUnreadable("no_header", "The first line is longer than any header: is this a CSV file?") from None
    except csv.Error as error:
        raise FileUnreadable("no_header", f"The header line cannot be read ({error}): is this a CSV file?") from error
    except _DAMAGE as error:
        raise FileUnreadable("damaged", f"The file is damaged ({error}): export or download it again") from error
    if "\0" in "".join(cells):
        raise FileUnreadable("kind", "The file holds binary data: save it as CSV, gzipped CSV or Parquet")
    names = column_names(cells)
    if any(_EMAIL_SHAPED.fullmatch(name) for name in names):
        raise FileUnreadable(
            "no_header", "The first line is a row, not a header: put a line with the columns' names above it"
        )
    return delimiter, names


_EMAIL_SHAPED = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def column_names(cells: list[str]) -> list[str]:
    """Names as unique as they must be: `Notes`, `Notes (2)`; a column without one is named by its place."""
    names = [" ".join(cell.split()) or f"Column {place}" for place, cell in enumerate(cells, start=1)]
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name] += 1
        while seen[name] > 1 and f"{name} ({seen[name]})" in names:
            seen[name] += 1
        if seen[name] > 1:
            names[place] = f"{name} ({seen[name]})"
    return names


def records(lines: Lines, delimiter: str, width: int) -> Iterator[Record | Reject]:
    """Every row below the header that is not blank."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _after_error(lines, delimiter, width, str(error))
            continue
        except LineTooLongError:
            sentence = f"the line has more than {LONGEST_LINE:,} characters; only its beginning is kept here"
            yield Reject(_first_line(lines), None, "line.too_long", sentence, ["".join(lines.taken)])
            continue
        except _DAMAGE as error:
            sentence = f"the file is damaged from here on ({error}): export or download it again"
            yield Reject(lines.number + 1, None, "file.damaged", sentence, [])
            return
        if any(cells):
            yield _fitted(_first_line(lines), cells, width)


def _first_line(lines: Lines) -> int:
    return lines.number - len(lines.taken) + 1


def _fitted(line: int, cells: list[str], width: int) -> Record | Reject:
    if len(cells) > width and not any(cells[width:]):
        del cells[width:]
    if len(cells) != width:
        kind = "few" if len(cells) < width else "many"
        sentence = f"the row has {len(cells)} cells and the header {width}: quote cells that hold the delimiter"
        return Reject(line, None, f"row.too_{kind}_cells", sentence, cells)
    if any("\0" in cell for cell in cells):
        return Reject(line, None, "row.nul", "the row holds a NUL character: the file is damaged or not text", cells)
    return Record(line, cells)


def _after_error(lines: Lines, delimiter: str, width: int, error: str) -> Record | Reject:
    swallowed = len(lines.taken) - 1
    first = _first_line(lines)
    lines.put_back(swallowed)
    text = lines.taken[0]
    if not swallowed:
        try:
            return _fitted(first, next(csv.reader([text], delimiter=delimiter)), width)
        except csv.Error as again:
            error = str(again)
    if "field larger" in error and not swallowed:
        code, sentence = "cell.too_long", f"a cell has more than {csv.field_size_limit():,} characters"
    else:
        code, sentence = "row.quotes", "a quotation mark is opened and not closed as it should be: double those inside"
    return Reject(first, None, code, sentence, [text.rstrip("\r\n")])
