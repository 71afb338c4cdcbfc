"""When rows will win: a model of time learned from a table with a start and an end, and what it says of other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.fitting import hazard as hazards
from porchlight.intelligence.conversion.forecast import GRADE_A, GRADE_B
from porchlight.intelligence.conversion.tables.card import LeftOut
from porchlight.intelligence.conversion.tables.encoding import in_words, read
from porchlight.intelligence.conversion.tables.histories import read_histories
from porchlight.intelligence.conversion.tables.order import Order
from porchlight.intelligence.conversion.tables.outcome import Outcome, require_column
from porchlight.intelligence.conversion.tables.outcome_model import DECIMALS
from porchlight.intelligence.conversion.tables.screening import screen
from porchlight.intelligence.conversion.tables.timeline_model import (
    Plan,
    Table,
    TimelineModel,
    Trial,
    before,
    contributions,
    fit,
    sampled,
    take,
    with_pairs,
)
from porchlight.intelligence.evaluation.survival import c_index
from porchlight.intelligence.tables.kinds import describe, typed

__all__ = ["TimelineModel", "learn", "learn_timeline", "predict_timeline", "read_table"]

Floats = npt.NDArray[np.float64]

_CUTS: Final = (0.5, 0.7, 0.85)
_SLOPES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Never above one: what was learned from few wins is more often too sharp than too blunt."""
_TRIED_ROWS: Final = 8_000
_LEAST_WINS: Final = 8
_REASONS: Final = 5
_ROWS_AT_ONCE: Final = 100_000
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
    histories, known = found.histories, frame[found.kept]
    columns = describe(known, [name for name in frame.columns if name not in {start, end, outcome}])
    dates = {column.name for column in columns if column.kind == "date" and column.name not in keep}
    order = Order(np.argsort(histories.start, kind="stable"), f"“{start}”", True, None, None, None)
    ends = Outcome(end, "filled", histories.won.astype(float), ())
    rest = [column for column in columns if column.name not in dates or column.name in exclude]
    screened = screen(typed(known, rest), rest, ends, order, exclude=exclude, keep=keep)
    late = [
        LeftOut(
            column=name, reason="leak", evidence=f"A date that may be later than “{start}”; --keep it if it is not."
        )
        for name in sorted(dates.difference(exclude))
    ]
    return Table(
        screened.columns,
        typed(known, screened.columns),
        histories,
        found.as_of,
        (*screened.left_out, *late),
        (*found.remarks, *screened.remarks),
    )


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
    return fit(table, plan, slope=trials[plan].slope if trials else 1.0, trials=trials)


def inner_trials(table: Table) -> dict[Plan, Trial]:
    """Plans tried on rows that start after the day as of which they learned, over several such days; none where there
    is too little to learn from or to measure.

    First whether the level moves, by the loss, which it rules; then, for the better of the two, whether pairs are
    looked at as well.
    """
    small = sampled(table, _TRIED_ROWS)
    watched = small.histories
    moments = np.sort((watched.start + watched.days)[watched.won])
    splits = [
        (before(small, float(cut)), take(small, watched.start >= cut)) for cut in np.unique(np.quantile(moments, _CUTS))
    ]
    enough = [
        (earlier, later)
        for earlier, later in splits
        if min(earlier.histories.won.sum(), later.histories.won.sum()) >= _LEAST_WINS
    ]
    if not enough:
        return {}
    found = {plan: _tried(enough, plan) for plan in (Plan(False, False), Plan(True, False))}
    moving = min(found, key=lambda plan: found[plan].loss).moving
    return {**found, Plan(moving, True): _tried(enough, Plan(moving, True))}


def choose(trials: Mapping[Plan, Trial]) -> Plan:
    """The plan by its trials: the level by the loss; then what is looked at by C, which no level can change.

    Where nothing could be tried the richest plan stands, as all it may do is shrunk away unless the data ask for it.
    """
    richest = next((plan for plan in trials if plan.paired), Plan(moving=True, paired=True))
    plainer = Plan(richest.moving, paired=False)
    return plainer if trials and trials[plainer].c_index >= trials[richest].c_index else richest


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
        require_column(frame, column.name, "the model, which learned from one")
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

    `probability` is of ever winning, as far as anybody was watched; `score` 0–100, 50 an average row; `log_odds` are
    the score's, which the `reasons` add up to; `p_30`… are probabilities of having won within so many days of the
    start; `expected_days` is the median given a win, with its 80 % interval. Raises `TableUnfitError`.
    """
    rows = typed_rows(model, frame)
    if not model.columns:
        return _predicted(model, pl.DataFrame({"": [None] * frame.height}), horizons)
    return pl.concat(
        [_predicted(model, part, horizons) for part in rows.iter_slices(_ROWS_AT_ONCE)]
        or [_predicted(model, rows, horizons)]
    )


def _predicted(model: TimelineModel, rows: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    parts = np.round(contributions(model, rows), DECIMALS)
    ratio = np.round(parts.sum(axis=1), DECIMALS)
    score = 100.0 / (1.0 + np.exp(-ratio))
    days = expected_days(model, ratio)
    grade = np.where(score >= GRADE_A, "A", np.where(score >= GRADE_B, "B", "C"))
    return pl.DataFrame(
        {
            "probability": chance_by(model, ratio, float(model.hazard.ages[-1])),
            "score": score,
            "grade": pl.Series(grade.tolist(), dtype=pl.String),
            "log_odds": ratio,
            "reasons": pl.Series(_reasons(model, rows, parts, ratio), dtype=pl.String),
            **{f"p_{horizon}": chance_by(model, ratio, horizon) for horizon in horizons},
            "expected_days": days[:, 1],
            "expected_days_low": days[:, 0],
            "expected_days_high": days[:, 2],
        }
    )


def _reasons(model: TimelineModel, rows: pl.DataFrame, parts: Floats, ratio: Floats) -> list[str]:
    """The strongest reasons of each row, as “origin = social -0.6204; …”, all the others summed up last."""
    frame = with_pairs(rows, model.pairs)
    values = [read(frame, code.feature).to_list() for code in model.codes]
    strongest = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :_REASONS]
    found = []
    for row, best in enumerate(strongest.tolist()):
        shown = [place for place in best if parts[row, place]]
        said = [f"{in_words(model.codes[k], values[k][row])} {parts[row, k]:+.{DECIMALS}f}" for k in shown]
        remaining = round(float(ratio[row] - parts[row, shown].sum()), DECIMALS) + 0.0
        found.append("; ".join([*said, f"everything else {remaining:+.{DECIMALS}f}"]))
    return found
