"""When rows will win: a model of time learned from a table with a start and an end, and what it says of other rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.fitting import hazard as hazards
from porchlight.intelligence.conversion.tables.encoding import in_words, read
from porchlight.intelligence.conversion.tables.fairness import guard
from porchlight.intelligence.conversion.tables.histories import read_histories
from porchlight.intelligence.conversion.tables.timeline_model import (
    PLANS,
    Plan,
    Table,
    TimelineModel,
    Trial,
    before,
    contributions,
    fit,
    take,
    with_pairs,
)
from porchlight.intelligence.evaluation.survival import c_index
from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.intelligence.tables.kinds import Column, describe, typed

__all__ = ["TimelineModel", "learn", "learn_timeline", "predict_timeline", "read_table"]

Floats = npt.NDArray[np.float64]

_CUTS: Final = (0.5, 0.7, 0.85)
_SLOPES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Never above one: what was learned from few wins is more often too sharp than too blunt."""
_LEAST_WINS: Final = 8
_REASONS: Final = 4
_PARTS: Final = (0.1, 0.5, 0.9)


def read_table(
    frame: pl.DataFrame,
    *,
    start: str,
    end: str,
    outcome: str | None = None,
    won: str | None = None,
    as_of: datetime | None = None,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> Table:
    """What can be learned from a frame of text strictly as of a day; raises `TableUnfitError`."""
    found = read_histories(frame, start=start, end=end, outcome=outcome, won=won, as_of=as_of)
    known = frame[found.kept]
    given = [name for name in frame.columns if name not in {start, end, outcome}]
    columns, left_out = [], []
    for column in describe(known, given):
        reason = _refused(column, known.get_column(column.name), column.name in exclude, column.name in keep)
        if reason is None:
            columns.append(column)
        else:
            left_out.append((column.name, *reason))
    return Table(
        tuple(columns), typed(known, columns), found.histories, found.as_of, tuple(left_out), tuple(found.remarks)
    )


def _refused(column: Column, cells: pl.Series, excluded: bool, kept: bool) -> tuple[str, str] | None:
    if excluded:
        return "asked", "Left out as asked."
    match column.kind:
        case "constant":
            return ("empty" if column.distinct == 0 else "constant"), "Every row holds the same."
        case "id":
            return "identifier", "It names the row."
        case "text":
            return "free_text", "Free text is not read for a model of time."
        case "date" if not kept:
            return "leak", "A date beside the start may have been filled in after it; keep it if it was not."
    guarded = None if kept else guard(column, cells)
    return None if guarded is None else (guarded.reason, guarded.evidence)


def learn_timeline(
    frame: pl.DataFrame,
    *,
    start: str,
    end: str,
    outcome: str | None = None,
    won: str | None = None,
    as_of: datetime | None = None,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> TimelineModel:
    """Learns from a frame of text when its rows win, strictly as of `as_of`.

    `exclude` leaves columns out; `keep` takes them in spite of what they look like. Raises `TableUnfitError`.
    """
    return learn(
        read_table(frame, start=start, end=end, outcome=outcome, won=won, as_of=as_of, exclude=exclude, keep=keep)
    )


def learn(table: Table) -> TimelineModel:
    """The model of a table: the plan by inner validation on later rows, then fitted on all."""
    trials = inner_trials(table)
    plan = choose(trials)
    return fit(table, plan, slope=trials[PLANS.index(plan)].slope if trials else 1.0, trials=trials)


def choose(trials: Sequence[Trial]) -> Plan:
    """The plan by the trials of `PLANS`, in two steps: whether the level moves, by the loss, which it rules; then what
    is looked at, by C, which no level can change.

    Where nothing could be tried the level may move: it stays where it is unless the data move it.
    """
    if not trials:
        return Plan(moving=True, paired=False)
    tried = dict(zip(PLANS, trials, strict=True))
    moving = tried[Plan(True, False)].loss < tried[Plan(False, False)].loss
    return Plan(moving, tried[Plan(moving, True)].c_index > tried[Plan(moving, False)].c_index)


def inner_trials(table: Table) -> tuple[Trial, ...]:
    """Each plan tried on rows that start after the day as of which it learned, over several such days; none where
    there is too little to learn from or to measure."""
    watched = table.histories
    moments = np.sort((watched.start + watched.days)[watched.won])
    splits = [
        (before(table, float(cut)), take(table, watched.start >= cut)) for cut in np.unique(np.quantile(moments, _CUTS))
    ]
    enough = [
        (earlier, later)
        for earlier, later in splits
        if min(earlier.histories.won.sum(), later.histories.won.sum()) >= _LEAST_WINS
    ]
    return tuple(_tried(enough, plan) for plan in PLANS) if enough else ()


def _tried(splits: Sequence[tuple[Table, Table]], plan: Plan) -> Trial:
    loss, c, rows, wins = 0.0, 0.0, 0, 0
    by_slope = np.zeros(len(_SLOPES))
    for earlier, later in splits:
        model, h = fit(earlier, plan), later.histories
        ratio = contributions(model, later.frame).sum(axis=1)
        loss += float(hazards.losses(model.hazard, h, ratio).sum())
        by_slope += [
            hazards.losses(model.hazard, h, slope * ratio).sum() - hazards.level_gain(model.hazard, h, slope * ratio)
            for slope in _SLOPES
        ]
        rows, won = rows + len(h.days), int(h.won.sum())
        wins, c = wins + won, c + won * c_index(h.days, h.won, ratio).value
    return Trial(loss / rows, c / wins, _SLOPES[int(np.argmin(by_slope))])


def typed_rows(model: TimelineModel, frame: pl.DataFrame) -> pl.DataFrame:
    """A frame of text with the model's columns and their values; raises `TableUnfitError` where one is missing."""
    for column in model.columns:
        if column.name not in frame.columns:
            raise TableUnfitError(f"The table has no column “{column.name}”, which the model learned from", column.name)
    if not model.columns:
        return frame.select()
    return typed(frame, model.columns)


def chance_by(model: TimelineModel, log_ratio: Floats, horizon: float) -> Floats:
    """The probability (n,) of having won within `horizon` days of the start, by log hazard ratio (n,)."""
    return -np.expm1(-hazards.cumulative(model.hazard, horizon) * np.exp(log_ratio))


def expected_days(model: TimelineModel, log_ratio: Floats) -> Floats:
    """Days to the win, given that there is one: the low end of the 80 % interval, the median, the high end; (n, 3)."""
    ratio = np.exp(log_ratio)
    ever = -np.expm1(-hazards.cumulative(model.hazard, model.hazard.ages[-1]) * ratio)
    return np.column_stack([hazards.time_of(model.hazard, -np.log1p(-part * ever) / ratio) for part in _PARTS])


def predict_timeline(model: TimelineModel, frame: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    """One row per row of a frame of text, in its order.

    `probability` is of ever winning, as far as anybody was watched; `score` is 0–100, 50 an average row; `reasons` are
    signed log-odds that add up to the score's; `p_30`… are probabilities of having won within so many days of the
    start; `expected_days` is the median given a win, with its 80 % interval. Raises `TableUnfitError`.
    """
    rows = typed_rows(model, frame)
    parts = contributions(model, rows)
    ratio = parts.sum(axis=1)
    score = 100.0 / (1.0 + np.exp(-ratio))
    days = expected_days(model, ratio)
    return pl.DataFrame(
        {
            "probability": chance_by(model, ratio, float(model.hazard.ages[-1])),
            "score": score,
            "grade": np.where(score >= 80.0, "A", np.where(score >= 60.0, "B", "C")),
            "reasons": reasons(model, rows, parts),
            **{f"p_{horizon}": chance_by(model, ratio, horizon) for horizon in horizons},
            "expected_days": days[:, 1],
            "expected_days_low": days[:, 0],
            "expected_days_high": days[:, 2],
        }
    )


def reasons(model: TimelineModel, rows: pl.DataFrame, parts: Floats) -> list[str]:
    """The strongest reasons of each row of a typed frame, as “origin = social −0.62; …”, the rest summed up last."""
    frame = with_pairs(rows, model.pairs)
    values = [read(frame, code.feature).to_list() for code in model.codes]
    order = np.argsort(-np.abs(parts), axis=1)[:, :_REASONS]
    found = []
    for row, best in enumerate(order):
        said = [f"{in_words(model.codes[k], values[k][row])} {parts[row, k]:+.3f}" for k in best]
        if len(model.codes) > _REASONS:
            said.append(f"everything else {parts[row].sum() - parts[row, best].sum():+.3f}")
        found.append("; ".join(said))
    return found
