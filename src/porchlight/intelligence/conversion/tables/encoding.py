"""From a table's columns to the numbers that models take.

Each column becomes one feature of the trees and a block of features of the logistic model: a number its clipped value,
bends at its quantiles, and a mark for its most frequent value; a category a mark for each frequent answer. Not having
answered is an answer of its own. The linear features are centred, so that 0 stands for the average row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.tables.kinds import Column

Floats = npt.NDArray[np.float64]
Part = Literal["value", "weekday", "hour", "month", "words"]

MOST_LEVELS: Final = 60
_LEAST_ROWS: Final = 5
_LEAST_SHARE: Final = 0.001
_GAPS_SHARE: Final = 0.005
_SPIKE_SHARE: Final = 0.1
_SKEWED: Final = 2.0
_TAIL: Final = 0.005
_YEAR_DAYS: Final = 365
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OTHER: Final = "another answer"
MISSING: Final = "not answered"


@dataclass(frozen=True, slots=True)
class Feature:
    """What is read of a column: its value, or a part of a date or text."""

    column: str
    part: Part = "value"

    @property
    def name(self) -> str:
        return self.column if self.part == "value" else f"{self.column}: {self.part}"


@dataclass(frozen=True, slots=True)
class NumberCode:
    """`unit` > 0 says that the value is taken as log(1 + value / unit); `knots` are on the standardised scale."""

    feature: Feature
    low: float
    high: float
    unit: float
    mean: float
    scale: float
    knots: tuple[float, ...]
    spike: float | None
    gaps: bool
    means: tuple[float, ...]
    kind: Literal["number"] = "number"


@dataclass(frozen=True, slots=True)
class CategoryCode:
    """`levels` are the frequent answers, the most frequent first; `rare` says that there were others."""

    feature: Feature
    levels: tuple[str, ...]
    rare: bool
    gaps: bool
    means: tuple[float, ...]
    kind: Literal["category"] = "category"


Code = NumberCode | CategoryCode


@dataclass(frozen=True, slots=True)
class Encoded:
    """Rows as the models take them.

    - `linear` (n, d) is centred; `owner` (d,) gives the code that each of its features belongs to.
    - `trees` (n, c) has one feature per code: numbers as they are, categories as level numbers, NaN where missing.
    """

    linear: Floats
    owner: npt.NDArray[np.int64]
    trees: npt.NDArray[np.float32]


def learn_codes(frame: pl.DataFrame, columns: Sequence[Column]) -> list[Code]:
    """How to encode these columns of a typed frame; one that says nothing here gets no code."""
    codes: list[Code] = []
    for column in columns:
        for feature in _features(frame.get_column(column.name), column):
            values = read(frame, feature)
            code = _number(values, feature) if values.dtype == pl.Float64 else _category(values, feature)
            if code is not None:
                codes.append(code)
    return codes


def encode(frame: pl.DataFrame, codes: Sequence[Code]) -> Encoded:
    """The rows of a typed frame, encoded."""
    blocks: list[Floats] = [np.empty((frame.height, 0))]
    trees = np.empty((frame.height, len(codes)), dtype=np.float32)
    owner: list[int] = []
    for place, code in enumerate(codes):
        values = read(frame, code.feature)
        if isinstance(code, NumberCode):
            numbers = values.to_numpy().astype(np.float64)
            block, trees[:, place] = _number_block(numbers, code), numbers
            block -= np.asarray(code.means)
        else:
            level = _levels(values, code)
            trees[:, place] = np.where(level < 0, np.nan, level)
            block = _category_block(level, code)
        blocks.append(block)
        owner.extend([place] * block.shape[1])
    return Encoded(np.concatenate(blocks, axis=1), np.asarray(owner, dtype=np.int64), trees)


def read(frame: pl.DataFrame, feature: Feature) -> pl.Series:
    """A feature's values: Float64 for a number, String for a category."""
    values = frame.get_column(feature.column)
    match feature.part:
        case "value":
            return values
        case "weekday":
            names = dict(enumerate(_WEEKDAYS, start=1))
            return values.dt.weekday().replace_strict(names, return_dtype=pl.String)
        case "hour":
            return values.dt.hour().cast(pl.Float64)
        case "month":
            return values.dt.strftime("%B")
        case "words":
            return values.str.count_matches(r"\S+").fill_null(0).cast(pl.Float64)


def in_words(code: Code, value: object) -> str:
    """A feature with one row's value, in words."""
    name = code.feature.name
    if value is None:
        return f"{name}: {MISSING}"
    if isinstance(value, float):
        return f"{name} = {value:,.10g}"
    return f"{name} = {value}"


def _features(values: pl.Series, column: Column) -> list[Feature]:
    if column.kind in ("number", "category"):
        return [Feature(column.name)]
    if column.kind == "text":
        return [Feature(column.name, "words")]
    if column.kind != "date":
        return []
    parts: list[Part] = ["weekday"]
    dates = values.drop_nulls()
    if dates.len() and dates.dt.hour().n_unique() > 1:
        parts.append("hour")
    if dates.len() and (dates.max() - dates.min()).days >= 2 * _YEAR_DAYS:  # type: ignore[operator,union-attr]
        parts.append("month")  # a month seen in one year only cannot be told from that year
    return [Feature(column.name, part) for part in parts]


def _number(values: pl.Series, feature: Feature) -> NumberCode | None:
    numbers = values.drop_nulls().to_numpy()
    gaps = values.null_count() >= max(_LEAST_ROWS, _GAPS_SHARE * values.len())
    if not len(numbers) or (numbers.min() == numbers.max() and not gaps):
        return None
    low, high = (float(edge) for edge in np.quantile(numbers, (_TAIL, 1.0 - _TAIL)))
    if low == high:
        low, high = float(numbers.min()), float(numbers.max())
    clipped = np.clip(numbers, low, high)
    unit = 0.0
    spread = float(clipped.std())
    if low >= 0.0 and spread > 0.0 and float(np.mean(((clipped - clipped.mean()) / spread) ** 3)) > _SKEWED:
        unit = float(np.median(clipped[clipped > 0.0]))
        clipped = np.log1p(clipped / unit)
    mean, scale = float(clipped.mean()), float(clipped.std()) or 1.0
    counted, counts = np.unique(numbers, return_counts=True)
    most = int(counts.argmax())
    spike = float(counted[most]) if counts[most] >= _SPIKE_SHARE * len(numbers) and len(counted) > 2 else None
    standard = (clipped - mean) / scale
    bends = 0 if values.len() < 300 else 3 if values.len() < 2000 else 7
    body = standard if spike is None else standard[numbers != spike]
    edges = np.unique(np.quantile(body, np.linspace(0, 1, bends + 2))) if bends and len(counted) > 3 else np.empty(0)
    code = NumberCode(feature, low, high, unit, mean, scale, tuple(edges[1:-1].tolist()), spike, gaps, ())
    means = _number_block(values.to_numpy().astype(np.float64), code).mean(axis=0)
    return NumberCode(feature, low, high, unit, mean, scale, code.knots, spike, gaps, tuple(means.tolist()))


def _number_block(numbers: Floats, code: NumberCode) -> Floats:
    missing = np.isnan(numbers)
    clipped = np.clip(np.where(missing, code.low, numbers), code.low, code.high)
    if code.unit:
        clipped = np.log1p(clipped / code.unit)
    standard = np.where(missing, 0.0, (clipped - code.mean) / code.scale)
    parts = [standard, *(np.where(missing, 0.0, np.maximum(0.0, standard - knot)) for knot in code.knots)]
    if code.spike is not None:
        parts.append((numbers == code.spike).astype(np.float64))
    if code.gaps:
        parts.append(missing.astype(np.float64))
    return np.column_stack(parts)


def _category(values: pl.Series, feature: Feature) -> CategoryCode | None:
    least = max(_LEAST_ROWS, _LEAST_SHARE * values.len())
    counts = values.drop_nulls().value_counts(name="rows").sort(["rows", values.name], descending=[True, False])
    levels = counts.filter(pl.col("rows") >= least).get_column(values.name).to_list()[:MOST_LEVELS]
    gaps = values.null_count() >= least
    known = int(counts.head(len(levels)).get_column("rows").sum())
    rare = values.len() - values.null_count() - known >= least
    if len(levels) + rare + gaps < 2:
        return None
    code = CategoryCode(feature, tuple(levels), rare, gaps, ())
    level = _levels(values, code)
    means = tuple(float((level == marked).mean()) for marked in _marks(code))
    return CategoryCode(feature, code.levels, rare, gaps, means)


def _levels(values: pl.Series, code: CategoryCode) -> npt.NDArray[np.int64]:
    """Level numbers; one more than the last for another answer, -1 where missing."""
    known = pl.Series(code.levels, dtype=pl.String)
    found = values.replace_strict(known, pl.Series(range(len(known)), dtype=pl.Int64), default=len(known))
    level: npt.NDArray[np.int64] = found.to_numpy().astype(np.int64)
    level[values.is_null().to_numpy()] = -1
    return level


def _marks(code: CategoryCode) -> list[int]:
    marked = list(range(len(code.levels)))
    if code.rare:
        marked.append(len(code.levels))
    if code.gaps:
        marked.append(-1)
    return marked


def _category_block(level: npt.NDArray[np.int64], code: CategoryCode) -> Floats:
    marked = np.asarray(_marks(code))
    block: Floats = (level[:, None] == marked[None, :]).astype(np.float64)
    block -= np.asarray(code.means)
    block[~np.isin(level, marked)] = 0.0  # an answer never seen is an average one
    return block
