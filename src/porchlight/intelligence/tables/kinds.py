"""What each column of a table of text holds, and the table with its values typed.

A frame of text has only String columns, an empty cell being an empty string. Kinds are found on the cells themselves;
names decide only whether a column of different whole numbers counts something or names its row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

Kind = Literal["number", "category", "date", "id", "text", "constant"]

UNANSWERED: Final = frozenset(
    {
        "", "-", "--", "---", ".", "?", "#n/a", "#na", "(blank)", "(empty)", "(none)", "<na>", "<null>", "blank",
        "empty",
        "n.a.", "n/a", "na", "nan", "nat", "nil", "no answer", "no data", "none", "not answered", "not applicable",
        "not available", "not known", "not provided", "not specified", "null", "please choose", "please select",
        "select", "select one", "tbd", "undefined", "unknown", "unspecified",
    }
)  # fmt: skip
"""What exports write for a question nobody answered, in lower case; forms put the first entry of a list there."""

SENTINELS: Final = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
"""Numbers that stand for "none" where they lie far outside all others."""
DATE_FORMATS: Final = (
    "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%Y/%m/%d", "%Y/%m/%d %H:%M:%S", "%Y%m%d", "%Y%m%dT%H%M%S",
    "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d-%m-%Y",
    "%m-%d-%Y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y", "%m/%d/%y", "%d/%m/%y", "%Y-%m",
)  # fmt: skip

_SAMPLE: Final = 20_000
_MOST: Final = 0.97
_ID_DISTINCT: Final = 0.98
_ID_NAME: Final = re.compile(
    r"(?:^|[\W_])(?:id|ids|no|nr|num|number|key|ref|reference|uuid|guid|code)$|[a-z](?:ID|Id)$"
)
_WHOLE: Final = r"^[+-]?\d{1,18}(?:\.0+)?$"
_NUMBER: Final = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
_THOUSANDS: Final = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_DECIMAL_COMMA: Final = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+$"
_UNIT: Final = r"(?:[%$€£¥₹]|USD|EUR|GBP|INR|CAD|AUD)?"
_MONEY: Final = rf"^([+-]?)\s*{_UNIT}\s*([+-]?[\d.,]+(?:[eE][+-]?\d+)?)\s*{_UNIT}$"
_COMPACT_DATE: Final = r"^(19|20)\d{6}$"
_CODE: Final = r"^0\d+$"
_WORDS_OF_TEXT: Final = 3.0


@dataclass(frozen=True, slots=True)
class Column:
    """`missing` is the part of rows without an answer, `distinct` how many different answers there are.

    `form` is a date's format, or how a number is written (`plain`, `comma`); `sentinel` a number that means "none";
    `rising` says that a column of ids rises (1) or falls (-1) with the rows.
    """

    name: str
    kind: Kind
    missing: float
    distinct: int
    form: str = ""
    sentinel: float | None = None
    rising: int = 0


def answered(column: pl.Expr) -> pl.Expr:
    """The cells without surrounding blanks, null where nobody answered."""
    text = column.str.strip_chars()
    return pl.when(~text.str.to_lowercase().is_in(list(UNANSWERED))).then(text)


def describe(rows: pl.DataFrame, names: Iterable[str] | None = None) -> list[Column]:
    """The columns of a frame of text (those in `names`, else all), in the frame's order."""
    wanted = set(rows.columns if names is None else names)
    return [_column(rows.get_column(name)) for name in rows.columns if name in wanted]


def typed(rows: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """The named columns with their values: Float64, Datetime, or String; null where missing or not of the kind."""
    return pl.DataFrame([_values(rows.get_column(column.name), column) for column in columns])


def date_form(values: pl.Series) -> str | None:
    """The format that most of these answered cells share, None where they are no dates.

    Where day and month cannot be told apart the first format in `DATE_FORMATS` stands: the American order.
    """
    best, most = None, 0
    for form in DATE_FORMATS:
        read = _dates(pl.col(values.name), form)
        count = values.len() - int(values.to_frame().select(read.is_null().sum()).item())
        if count > most:
            best, most = form, count
            if count == values.len():
                break
    return best if most and most >= 0.95 * values.len() else None


def _column(cells: pl.Series) -> Column:
    name, rows = cells.name, cells.len()
    values = cells.to_frame().select(answered(pl.col(name))).to_series()
    missing = values.null_count() / max(1, rows)
    values = values.drop_nulls()
    distinct = values.n_unique()
    if distinct == 0 or (distinct == 1 and missing == 0.0):
        return Column(name, "constant", missing, distinct)
    sample = values if values.len() <= _SAMPLE else values.gather_every(-(-values.len() // _SAMPLE))
    unique = distinct >= _ID_DISTINCT * values.len() and distinct >= 20
    form = _number_form(sample)
    if form is not None:
        dated = date_form(sample) if form == "plain" and bool(sample.str.contains(_COMPACT_DATE).all()) else None
        if dated is not None:
            return Column(name, "date", missing, distinct, dated)
        rising = _rising(values, form) if unique else 0
        whole = form == "plain" and float(sample.str.contains(_WHOLE).mean() or 0.0) >= _MOST  # type: ignore[arg-type]
        if unique and whole and (rising or _ID_NAME.search(name)):
            return Column(name, "id", missing, distinct, form, None, rising)
        return Column(name, "number", missing, distinct, form, _sentinel(values, form))
    if float(sample.str.contains(r"\d").mean() or 0.0) >= _MOST:  # type: ignore[arg-type]
        dated = date_form(sample)
        if dated is not None:
            return Column(name, "date", missing, distinct, dated)
    words = float(sample.str.count_matches(r"\S+").mean() or 0.0)  # type: ignore[arg-type]
    mostly_different = distinct > 0.5 * values.len() and distinct >= 20
    if words > _WORDS_OF_TEXT and mostly_different:
        return Column(name, "text", missing, distinct)
    return Column(name, "id" if unique or (mostly_different and distinct > 1000) else "category", missing, distinct)


def _number_form(sample: pl.Series) -> str | None:
    if float(sample.str.contains(_CODE).mean() or 0.0) > 0.01:  # type: ignore[arg-type]  # 02139 is a name, not a number
        return None
    bare = sample.str.replace(_MONEY, "$1$2")
    plain = float((bare.str.contains(_NUMBER) | bare.str.contains(_THOUSANDS)).mean() or 0.0)  # type: ignore[arg-type]
    comma = float((bare.str.contains(_DECIMAL_COMMA) | bare.str.contains(_NUMBER)).mean() or 0.0)  # type: ignore[arg-type]
    if plain >= _MOST:
        return "plain"
    return "comma" if comma >= _MOST else None


def _numbers(cells: pl.Series, form: str) -> pl.Series:
    number = cells.cast(pl.Float64, strict=False)
    if form == "comma" or number.null_count() > cells.null_count():  # the slow way, only where it is needed
        bare = cells.str.replace(_MONEY, "$1$2")
        if form == "comma":
            bare = bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        else:
            bare = bare.str.replace_all(",", "", literal=True)
        number = bare.cast(pl.Float64, strict=False)
    return number.set(~(number.is_finite() & (number.abs() < 1e15)), None)


def _dates(cells: pl.Expr, form: str) -> pl.Expr:
    if "%z" in form:
        return cells.str.to_datetime(form, strict=False, time_zone="UTC", time_unit="us").dt.replace_time_zone(None)
    if "%H" in form or "%I" in form:
        return cells.str.to_datetime(form, strict=False, time_unit="us")
    if form == "%Y-%m":
        return (cells + "-01").str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    return cells.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def _values(cells: pl.Series, column: Column) -> pl.Series:
    values = cells.to_frame().select(answered(pl.col(column.name))).to_series()
    if column.kind == "number" or (column.kind == "id" and column.rising):
        number = _numbers(values, column.form)
        return number if column.sentinel is None else number.set(number == column.sentinel, None)
    if column.kind == "date":
        return values.to_frame().select(_dates(pl.col(column.name), column.form).alias(column.name)).to_series()
    return values


def _rising(values: pl.Series, form: str) -> int:
    numbers = _numbers(values, form).drop_nulls()
    if numbers.is_sorted():
        return 1
    return -1 if numbers.is_sorted(descending=True) else 0


def _sentinel(values: pl.Series, form: str) -> float | None:
    numbers = _numbers(values, form).drop_nulls()
    if not numbers.len():
        return None
    for candidate in SENTINELS:
        share = float((numbers == candidate).mean() or 0.0)  # type: ignore[arg-type]
        others = numbers.filter(numbers != candidate)
        if share < 0.01 or others.n_unique() < 3:
            continue
        low, high = float(others.min()), float(others.max())  # type: ignore[arg-type]
        if (candidate < 0.0 <= low) or (candidate > 3.0 * max(high, 1.0) and low >= 0.0):
            return candidate
    return None
