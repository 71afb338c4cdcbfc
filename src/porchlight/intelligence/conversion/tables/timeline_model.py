"""The model of time itself: how a table is fitted by a plan, what the columns add, and how it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.fitting import hazard as hazards
from porchlight.intelligence.conversion.fitting.hazard import Hazard, Histories
from porchlight.intelligence.conversion.tables.card import LeftOut
from porchlight.intelligence.conversion.tables.encoding import (
    MISSING,
    CategoryCode,
    Code,
    Feature,
    NumberCode,
    encode,
    learn_codes,
)
from porchlight.intelligence.tables.kinds import Column

Floats = npt.NDArray[np.float64]

FORMAT: Final = 1
PAIR: Final = " × "
_JOINT: Final = " · "
_PAIRED_COLUMNS: Final = 4
_MOST_ROWS: Final = 30_000
"""To learn from; more make a fit slower and change little, as there are only some hundred coefficients."""
_SEED: Final = 11


class Plan(NamedTuple):
    """A way to learn: whether the level may move with the calendar, and which columns are looked at together."""

    moving: bool
    paired: bool

    @property
    def said(self) -> str:
        level = "level that follows the calendar" if self.moving else "level that never moves"
        return f"{level}, {'columns and pairs of columns' if self.paired else 'columns one by one'}"


class Trial(NamedTuple):
    """How a plan did on later rows in the inner validation: its mean `loss` (lower is better), its `c_index`, and the
    `slope` by which its log hazard ratios should have been multiplied."""

    loss: float
    c_index: float
    slope: float


@dataclass(frozen=True, slots=True)
class TimelineModel:
    """`codes` encode the columns; the coefficients of `hazard` belong to their features in order.

    `trials` are those of the inner validation, empty where there was too little for one; `as_of`
    is in days since 1970.
    """

    columns: tuple[Column, ...]
    pairs: tuple[tuple[str, str], ...]
    codes: tuple[Code, ...]
    hazard: Hazard
    plan: Plan
    trials: tuple[tuple[Plan, Trial], ...]
    as_of: float
    rows: int
    wins: int
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, default=_plain, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> TimelineModel:
        """The model of `to_json`; raises `ValueError` where the text is not one of this format or out of bounds."""
        return loaded(text)


@dataclass(frozen=True, slots=True)
class Table:
    """Columns to learn from with their histories, row for row."""

    columns: tuple[Column, ...]
    frame: pl.DataFrame
    histories: Histories
    as_of: float
    left_out: tuple[LeftOut, ...]
    remarks: tuple[str, ...]


def take(table: Table, which: npt.NDArray[np.bool_]) -> Table:
    """Some rows of a table, by a mask."""
    h = table.histories
    return Table(
        table.columns,
        table.frame.filter(pl.Series(which)),
        Histories(h.start[which], h.days[which], h.won[which]),
        table.as_of,
        table.left_out,
        table.remarks,
    )


def before(table: Table, as_of: float) -> Table:
    """The table as it stood at an earlier moment (days since 1970): what was won later is open."""
    part = take(table, table.histories.start < as_of)
    h = part.histories
    ended = h.won & (h.start + h.days < as_of)
    days = np.maximum(np.where(ended, h.days, np.minimum(h.days, as_of - h.start)), hazards.LEAST_DAYS)
    return Table(part.columns, part.frame, Histories(h.start, days, ended), as_of, part.left_out, part.remarks)


def fit(
    table: Table,
    plan: Plan,
    *,
    slope: float = 1.0,
    trials: Mapping[Plan, Trial] | None = None,
    precision: float | None = None,
) -> TimelineModel:
    """The model of a table by one plan.

    `slope` multiplies what it learned of the columns; `precision` fixes the shrinkage instead of learning it.
    """
    small = sampled(table, _MOST_ROWS)
    model = _fit(small, plan, (), precision)
    if plan.paired:
        model = _fit(small, plan, _pairs(model), precision)
    hazard = hazards.tempered(model.hazard, small.histories, contributions(model, small.frame).sum(axis=1), slope)
    return replace(
        model,
        hazard=hazard,
        trials=tuple((trials or {}).items()),
        rows=len(table.histories.days),
        wins=int(table.histories.won.sum()),
    )


def sampled(table: Table, most: int) -> Table:
    """At most so many rows of a table, by chance that is always the same."""
    rows = len(table.histories.days)
    if rows <= most:
        return table
    chosen = np.zeros(rows, dtype=bool)
    chosen[np.random.default_rng(_SEED).choice(rows, most, replace=False)] = True
    return take(table, chosen)


def _fit(table: Table, plan: Plan, pairs: tuple[tuple[str, str], ...], precision: float | None) -> TimelineModel:
    frame = with_pairs(table.frame, pairs)
    paired = [Column(PAIR.join(pair), "category", 0.0, 0) for pair in pairs]
    codes = tuple(learn_codes(frame, [*table.columns, *paired]))
    encoded = encode(frame, codes)
    edges = np.searchsorted(encoded.owner, np.arange(len(codes) + 1))
    blocks = [slice(int(low), int(high)) for low, high in pairwise(edges)]
    found = hazards.fit(
        table.histories, encoded.linear, blocks, as_of=table.as_of, moving=plan.moving, precision=precision
    )
    return TimelineModel(table.columns, pairs, codes, found, plan, (), table.as_of, 0, 0, table.left_out, table.remarks)


def _pairs(model: TimelineModel) -> tuple[tuple[str, str], ...]:
    """The pairs of the categories that say most, by their effective number of coefficients."""
    said = {
        code.feature.column: freedom
        for code, freedom in zip(model.codes, model.hazard.freedom, strict=True)
        if isinstance(code, CategoryCode) and code.feature.part == "value"
    }
    best = sorted(said, key=lambda name: (-said[name], name))[:_PAIRED_COLUMNS]
    return tuple((left, right) for left, right in combinations(sorted(best), 2))


def with_pairs(frame: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    together = [
        pl.concat_str([pl.col(name).fill_null(MISSING) for name in pair], separator=_JOINT).alias(PAIR.join(pair))
        for pair in pairs
    ]
    return frame.with_columns(together)


def contributions(model: TimelineModel, frame: pl.DataFrame) -> Floats:
    """What each code adds to the log hazard ratio of the rows of a typed frame, shape (n, codes); 0 is average."""
    encoded = encode(with_pairs(frame, model.pairs), model.codes)
    parts = encoded.linear * model.hazard.coefficients
    found = np.zeros((frame.height, len(model.codes)))
    for place in range(len(model.codes)):
        found[:, place] = parts[:, encoded.owner == place].sum(axis=1)
    return found


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in a model")


def loaded(text: str) -> TimelineModel:
    held: dict[str, Any] = json.loads(text)
    if held.pop("format", None) != FORMAT:
        raise ValueError(f"the model is not of format {FORMAT}: learn it again with this version")
    try:
        curve = held.pop("hazard")
        hazard = Hazard(
            **{name: np.asarray(value, dtype=np.float64) for name, value in curve.items() if name != "freedom"},
            freedom=tuple(curve["freedom"]),
        )
        model = TimelineModel(
            columns=tuple(Column(**column) for column in held.pop("columns")),
            pairs=tuple((left, right) for left, right in held.pop("pairs")),
            codes=tuple(_code(code) for code in held.pop("codes")),
            hazard=hazard,
            plan=Plan(*held.pop("plan")),
            left_out=tuple(
                LeftOut(column=left["column"], reason=left["reason"], evidence=left["evidence"])
                for left in held.pop("left_out")
            ),
            trials=tuple((Plan(*plan), Trial(*trial)) for plan, trial in held.pop("trials")),
            remarks=tuple(held.pop("remarks")),
            **held,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"the model is incomplete: {error}") from error
    _check(model)
    return model


def _code(held: dict[str, Any]) -> Code:
    feature = Feature(**held.pop("feature"))
    listed: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in held.items()}
    return NumberCode(feature, **listed) if held["kind"] == "number" else CategoryCode(feature, **listed)


def _check(model: TimelineModel) -> None:
    curve = model.hazard
    arrays = (curve.ages, curve.log_hazard, curve.coefficients, curve.periods, curve.levels)
    if not all(np.isfinite(array).all() and array.ndim == 1 for array in arrays):
        raise ValueError("the model holds numbers that are not finite")
    if len(curve.ages) != len(curve.log_hazard) + 1 or curve.ages[0] != 0.0 or (np.diff(curve.ages) <= 0).any():
        raise ValueError("the ages of the model do not rise")
    width = sum(len(code.means) for code in model.codes)
    if len(curve.coefficients) != width:
        raise ValueError(f"the model has {len(curve.coefficients)} coefficients for {width} features")
