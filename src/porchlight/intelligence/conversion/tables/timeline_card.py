"""The card of a model of time: how it did on later rows that it had not seen, as of a day, and what to make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import exp, isfinite
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.tables.card import (
    FORMAT,
    Bin,
    Candidate,
    Card,
    Chosen,
    CurvePoint,
    Estimate,
    LearnedFrom,
    LiftPoint,
    Measure,
    Verdict,
)
from porchlight.intelligence.conversion.tables.histories import day_of
from porchlight.intelligence.conversion.tables.moved import moved
from porchlight.intelligence.conversion.tables.timeline import chance_by, learn, read_table
from porchlight.intelligence.conversion.tables.timeline_model import (
    Plan,
    Table,
    TimelineModel,
    before,
    contributions,
    fit,
    take,
    with_pairs,
)
from porchlight.intelligence.evaluation import survival
from porchlight.intelligence.evaluation.binary import Interval

Floats = npt.NDArray[np.float64]

_LATER: Final = (0.7, 0.5)
"""Parts of the rows, by start, after which a model is measured: the first that leaves enough wins on each side."""
_LEAST_WINS: Final = 5
_HORIZONS: Final = (3, 7, 14, 30, 60, 90, 150, 180, 270, 365, 730)
_SHOWN_HORIZONS: Final = 4
_WATCHED_PART: Final = 0.1
"""Of the later rows, how many must have been watched as long as a horizon for it to be shown."""
_CURVE_POINTS: Final = 60
_MEASURED_ROWS: Final = 20_000
_PLAIN_RIDGE: Final = 1.0
_FEW_ROWS: Final = 500
_SOME_WINS: Final = 50
_SHIFTED: Final = 1.5
_MISCALIBRATED: Final = 0.05


@dataclass(frozen=True, slots=True)
class Trial:
    """Later rows that a model had not seen, and who says what of them: `chances` are (n, horizons), by the model, the
    Kaplan–Meier curve of the earlier rows, and a plain proportional-hazards regression. `ranks` are log hazard ratios.
    """

    cut: float
    days: Floats
    won: npt.NDArray[np.bool_]
    model: TimelineModel
    ratio: Floats
    plain: TimelineModel
    plain_ratio: Floats
    base: survival.Curve
    horizons: tuple[int, ...]


def learn_with_card(
    frame: pl.DataFrame,
    *,
    start: str,
    end: str,
    outcome: str | None = None,
    won: str | None = None,
    as_of: datetime | None = None,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
    table: str,
    made_at: str,
    version: str,
) -> tuple[TimelineModel, Card]:
    """A model of time and its card; raises `TableUnfitError`.

    `table` is the file's name; `made_at` an ISO 8601 time.
    """
    given = read_table(frame, start=start, end=end, outcome=outcome, won=won, as_of=as_of, exclude=exclude, keep=keep)
    model, trial = learn(given), measure(given)
    h = given.histories
    parts = contributions(model, given.frame)
    return model, Card(
        format=FORMAT,
        kind="timeline",
        version=version,
        made_at=made_at,
        learned_from=LearnedFrom(
            table=table,
            outcome=f"time from {start} to {end}" + (f", where {outcome} is a win" if outcome else ""),
            rows=len(h.days),
            wins=int(h.won.sum()),
            unseen_rows=0 if trial is None else len(trial.days),
            unseen_wins=0 if trial is None else int(trial.won.sum()),
            first=day_of(float(h.start.min())),
            last=day_of(float(h.start.max())),
            split=_split(trial, start),
        ),
        chosen=Chosen(
            model=f"A curve of time that levels off, {model.plan.said}",
            calibration=f"inner slope {_slope(model):.1f}",
            candidates=[Candidate(name=plan.said, loss=tried.loss) for plan, tried in model.trials],
        ),
        verdict=_verdict(trial),
        measures=[] if trial is None else _measures(trial),
        reliability=[] if trial is None else _reliability(trial),
        lift=[] if trial is None else _lift(trial),
        curve=[] if trial is None else _curve(trial),
        moved=moved(model.codes, with_pairs(given.frame, model.pairs), parts),
        left_out=list(given.left_out),
        groups=[],
        cautions=_cautions(given, model, trial),
        remarks=list(given.remarks),
    )


def measure(table: Table) -> Trial | None:
    """The same way of learning, as of an earlier day, on the rows that start from that day on; None where there are too
    few wins on either side."""
    starts = table.histories.start
    for part in _LATER:
        cut = float(np.quantile(starts, part))
        earlier, later = before(table, cut), take(table, starts >= cut)
        if min(earlier.histories.won.sum(), later.histories.won.sum()) >= _LEAST_WINS:
            break
    else:
        return None
    later = take(later, _spread(len(later.histories.days)))
    model, plain = learn(earlier), fit(earlier, Plan(moving=False, paired=False), precision=_PLAIN_RIDGE)
    h = later.histories
    longest = float(np.quantile(h.days, 1 - _WATCHED_PART))
    horizons = tuple(day for day in _HORIZONS if day <= longest)[-_SHOWN_HORIZONS:] or (max(1, int(longest)),)
    return Trial(
        cut,
        h.days,
        h.won,
        model,
        contributions(model, later.frame).sum(axis=1),
        plain,
        contributions(plain, later.frame).sum(axis=1),
        survival.kaplan_meier(earlier.histories.days, earlier.histories.won),
        horizons,
    )


def _spread(rows: int) -> npt.NDArray[np.bool_]:
    """A mask of at most so many rows, evenly: C looks at pairs, and more rows change no figure that is shown."""
    taken = np.zeros(rows, dtype=bool)
    taken[np.linspace(0, rows - 1, min(rows, _MEASURED_ROWS)).astype(np.int64)] = True
    return taken


def _split(trial: Trial | None, start: str) -> str:
    if trial is None:
        return "There were too few wins to keep rows back and measure it."
    day = day_of(trial.cut)
    return (
        f"The same way of learning was tried as of {day}, on {len(trial.days):,} rows with “{start}” from that day on; "
        "what was still open on that day, it took for open."
    )


def _slope(model: TimelineModel) -> float:
    return dict(model.trials)[model.plan].slope if model.trials else 1.0


def _estimate(found: Interval) -> Estimate:
    value, low, high = (end if isfinite(end) else None for end in found)
    return Estimate(value=0.0 if value is None else value, low=low, high=high)


def _measures(trial: Trial) -> list[Measure]:
    found = [
        Measure(
            name="c_index",
            horizon=None,
            model=_estimate(survival.c_index(trial.days, trial.won, trial.ratio)),
            base=Estimate(value=0.5, low=None, high=None),
            plain=_estimate(survival.c_index(trial.days, trial.won, trial.plain_ratio)),
        )
    ]
    for horizon in trial.horizons:
        base = np.full(len(trial.days), 1.0 - float(survival.open_at(trial.base, horizon)))
        model, plain = chance_by(trial.model, trial.ratio, horizon), chance_by(trial.plain, trial.plain_ratio, horizon)
        found.append(
            Measure(
                name="brier_at",
                horizon=horizon,
                model=_estimate(survival.brier_at(trial.days, trial.won, model, horizon)),
                base=_estimate(survival.brier_at(trial.days, trial.won, base, horizon)),
                plain=_estimate(survival.brier_at(trial.days, trial.won, plain, horizon)),
            )
        )
    last = trial.horizons[-1]
    found.append(
        Measure(
            name="ece",
            horizon=last,
            model=Estimate(value=_off(trial), low=None, high=None),
            base=None,
            plain=Estimate(
                value=survival.calibration_error_at(
                    trial.days, trial.won, chance_by(trial.plain, trial.plain_ratio, last), last
                ),
                low=None,
                high=None,
            ),
        )
    )
    return found


def _off(trial: Trial) -> float:
    last = trial.horizons[-1]
    return survival.calibration_error_at(trial.days, trial.won, chance_by(trial.model, trial.ratio, last), last)


def _reliability(trial: Trial) -> list[Bin]:
    last = trial.horizons[-1]
    bins = survival.reliability_at(trial.days, trial.won, chance_by(trial.model, trial.ratio, last), last)
    return [
        Bin(rows=b.rows, predicted=b.forecast, observed=Estimate(value=b.came_true, low=b.low, high=b.high))
        for b in bins
    ]


def _lift(trial: Trial) -> list[LiftPoint]:
    """By the wins within the last horizon, each weighing for those that nobody watched so long."""
    last = trial.horizons[-1]
    weights = survival.known_weights(trial.days, trial.won, last) * (trial.won & (trial.days <= last))
    total = float(weights.sum())
    if total == 0.0:
        return []
    found = np.concatenate([[0.0], np.cumsum(weights[np.argsort(-trial.ratio, kind="stable")])]) / total
    place = np.linspace(0, 1, len(found))
    return [LiftPoint(part=step / 20, found=float(np.interp(step / 20, place, found))) for step in range(1, 21)]


def _curve(trial: Trial) -> list[CurvePoint]:
    truth = survival.kaplan_meier(trial.days, trial.won)
    days = np.linspace(0, float(np.quantile(trial.days, 1 - _WATCHED_PART)), _CURVE_POINTS)
    found = []
    for day in days:
        observed = survival.won_by(truth, float(day))
        predicted = float(chance_by(trial.model, trial.ratio, float(day)).mean())
        found.append(CurvePoint(day=float(day), predicted=predicted, observed=_estimate(observed)))
    return found


def _verdict(trial: Trial | None) -> Verdict:
    if trial is None:
        return Verdict(
            trust="no", sentence="Too few wins to measure it on rows it had not seen: do not rank leads by it."
        )
    c = survival.c_index(trial.days, trial.won, trial.ratio)
    figures = f"C-index {c.value:.2f} [{c.low:.2f}, {c.high:.2f}] on {len(trial.days):,} later rows"
    if not isfinite(c.low) or c.low <= 0.5:
        return Verdict(
            trust="no" if trial.won.sum() >= _SOME_WINS else "with_care",
            sentence=f"Nothing here proved to tell which leads win sooner: {figures}. Do not rank leads by it.",
        )
    if trial.won.sum() < _SOME_WINS:
        return Verdict(trust="with_care", sentence=f"It seems to tell leads apart, on few wins: {figures}.")
    last = trial.horizons[-1]
    base = np.full(len(trial.days), 1.0 - float(survival.open_at(trial.base, last)))
    errors = [
        survival.brier_at(trial.days, trial.won, p, last).value
        for p in (chance_by(trial.model, trial.ratio, last), base)
    ]
    if errors[0] >= errors[1] or _off(trial) > _MISCALIBRATED:
        return Verdict(
            trust="with_care", sentence=f"Its order of leads can be trusted ({figures}); its probabilities less so."
        )
    return Verdict(trust="yes", sentence=f"It tells leads apart, and its probabilities come true: {figures}.")


def _cautions(table: Table, model: TimelineModel, trial: Trial | None) -> list[str]:
    found, h = [], table.histories
    if len(h.days) < _FEW_ROWS or h.won.sum() < _SOME_WINS:
        found.append(
            f"It learned from {len(h.days):,} rows and {int(h.won.sum()):,} wins: expect its figures to change as rows "
            "are added."
        )
    rise = exp(float(model.hazard.levels[-1] - model.hazard.levels[0]))
    if not 1 / _SHIFTED < rise < _SHIFTED:
        found.append(
            f"The pace of winning {'rose' if rise > 1 else 'fell'} over the table's time. It forecasts at the newest "
            "pace: learn anew often, and trust the order of the scores more than the probabilities."
        )
    if trial is not None and _off(trial) > _MISCALIBRATED:
        found.append(
            f"When it was tried, its probabilities were off by {100 * _off(trial):.0f} points on average: the pace had "
            "changed since the day as of which it learned."
        )
    found.append(
        f"Nobody was watched longer than {h.days.max():,.0f} days: it takes it that nobody wins later, and gives every "
        "longer horizon the same probability."
    )
    found.append("It knows this table's leads only: not another market, source or team, nor what happens afterwards.")
    return found
