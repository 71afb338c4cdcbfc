"""Whether a new model may take over: it has to forecast later leads better than the one in service, and be calibrated.

Rows of one lead tell the same story, so all errors are those of sums per lead (Liang & Zeger 1986).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from porchlight.intelligence.conversion.fitting import logistic
from porchlight.intelligence.conversion.history.landmarks import Floats, Ints, Rows, converted_within
from porchlight.intelligence.conversion.history.model import Model, score_many
from porchlight.intelligence.conversion.history.terms import About
from porchlight.intelligence.evaluation.binary import Interval, losses, reliability

LEAST_CONVERSIONS: Final = 10
"""Later leads that converted before two models can be told apart."""
SURE: Final = 0.05
"""One-sided level of the paired test."""
LEVEL_WITHIN: Final = (0.8, 1.25)
"""Forecast over observed conversions that still counts as calibrated …"""
SLOPE_WITHIN: Final = (0.75, 1.33)
"""… and how much steeper or flatter than the truth the forecasts may be …"""
ECE_WITHIN: Final = 0.03
"""… and the mean distance between forecast and truth."""
_Z: Final = 1.959963984540054
_DRAWS: Final = 200


@dataclass(frozen=True, slots=True)
class Calibration:
    """`level`: observed over forecast conversions; `slope`: 1 where log-odds are as spread as they should be; `ece`.

    Each with its 95 % interval. It holds where no interval lies wholly outside of what is tolerated.
    """

    level: Interval
    slope: Interval
    ece: Interval

    @property
    def holds(self) -> bool:
        return (
            _overlaps(self.level, LEVEL_WITHIN) and _overlaps(self.slope, SLOPE_WITHIN) and self.ece.low <= ECE_WITHIN
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """`gain` is by how much the candidate's log-loss is lower, with its 95 % interval; `reason` is a sentence."""

    promote: bool
    reason: str
    leads: int
    conversions: int
    gain: Interval | None = None
    p_value: float | None = None
    calibration: Calibration | None = None


def compare(candidate: Model, incumbent: Model, rows: Rows, horizon: float = 90.0) -> Verdict:
    """Whether the candidate should replace the incumbent, judged on `rows` that neither has learned from."""
    y, weights = converted_within(rows, horizon)
    known = weights > 0.0
    rows, y, weights = rows.take(known), y[known], weights[known]
    leads = len(np.unique(rows.lead))
    conversions = len(np.unique(rows.lead[y > 0.5]))
    if conversions < LEAST_CONVERSIONS:
        return Verdict(
            False,
            f"Too early to say: {_number(conversions, 'later lead')} converted, and {LEAST_CONVERSIONS} are needed.",
            leads,
            conversions,
        )
    about = [About(one.owner, one.custom) for one in rows.about]
    new, old = (score_many(model, rows.values, rows.marks, about).probability for model in (candidate, incumbent))
    gain, p_value = paired(losses(y, old) - losses(y, new), rows.lead, weights)
    calibration = calibration_of(y, new, rows.lead, weights)
    better, holds = p_value < SURE, calibration.holds
    if better and holds:
        reason = f"Better on {leads} later leads, {conversions} of whom converted: log-loss lower by {gain.value:.4f}."
    elif better:
        reason = f"Better on later leads, but not calibrated: {_fault(calibration)}."
    else:
        reason = f"No better on {leads} later leads than the model in service (p = {p_value:.2f}, {SURE:g} is needed)."
    return Verdict(better and holds, reason, leads, conversions, gain, p_value, calibration)


def paired(gains: Floats, lead: Ints, weights: Floats) -> tuple[Interval, float]:
    """The weighted mean of per-row gains with its 95 % interval, and the one-sided p-value of it being above zero."""
    mean = float(np.average(gains, weights=weights))
    error = _clustered(weights * (gains - mean), lead) / float(weights.sum())
    if error == 0.0:
        return Interval(mean, mean, mean), 0.5 if mean == 0.0 else float(mean < 0.0)
    return Interval(mean, mean - _Z * error, mean + _Z * error), float(norm.sf(mean / error))


def calibration_of(y: Floats, p: Floats, lead: Ints, weights: Floats, seed: int = 0) -> Calibration:
    """Level, slope and ECE of forecasts `p` (n,) of `y` (n,)."""
    forecast, seen = float(weights @ p), float(weights @ y)
    ratio = seen / forecast
    error = _clustered(weights * (y - ratio * p), lead) / forecast
    level = Interval(ratio, max(0.0, ratio - _Z * error), ratio + _Z * error)
    held = np.clip(p, 1e-9, 1.0 - 1e-9)
    z = np.log(held / (1.0 - held))
    x = np.column_stack([np.ones(len(z)), z])
    found = logistic.fit(x, y, centre=np.array([0.0, 1.0]), precision=np.array([1e-3, 1e-1]), weights=weights)
    score = x * (weights * (y - expit(x @ found.coefficients)))[:, None]
    by_lead = np.stack([np.bincount(_numbered(lead), column) for column in score.T], axis=1)
    spread = found.covariance @ (by_lead.T @ by_lead) @ found.covariance
    slope, about = float(found.coefficients[1]), _Z * sqrt(max(0.0, float(spread[1, 1])))
    return Calibration(level, Interval(slope, slope - about, slope + about), _ece(y, p, lead, seed))


def _ece(y: Floats, p: Floats, lead: Ints, seed: int) -> Interval:
    """With an interval from leads drawn with replacement, less the part of it that chance alone would make."""
    dice = np.random.default_rng(seed)
    number = _numbered(lead)
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(number.max() + 2))
    value = _distance(y, p)
    draws = []
    for _ in range(_DRAWS):
        drawn = dice.integers(0, number.max() + 1, number.max() + 1)
        index = order[np.concatenate([np.arange(starts[i], starts[i + 1]) for i in drawn])]
        draws.append(_distance(y[index], p[index]))
    low, high = np.quantile(draws, (0.025, 0.975))
    excess = max(0.0, float(np.mean(draws)) - value)
    return Interval(value, max(0.0, float(low) - excess), float(high))


def _distance(y: Floats, p: Floats) -> float:
    return sum(part.rows * abs(part.forecast - part.came_true) for part in reliability(y, p)) / len(y)


def _clustered(scores: Floats, lead: Ints) -> float:
    """The standard error of the sum of `scores`."""
    sums = np.bincount(_numbered(lead), scores)
    return sqrt(float(sums @ sums) * len(sums) / max(1, len(sums) - 1))


def _numbered(lead: Ints) -> Ints:
    return np.unique(lead, return_inverse=True)[1].astype(np.int64)


def _overlaps(interval: Interval, tolerated: tuple[float, float]) -> bool:
    return interval.low <= tolerated[1] and interval.high >= tolerated[0]


def _fault(calibration: Calibration) -> str:
    if not _overlaps(calibration.level, LEVEL_WITHIN):
        return f"{calibration.level.value:.1f} times as many converted as it said"
    if not _overlaps(calibration.slope, SLOPE_WITHIN):
        return "its forecasts are too " + ("bold" if calibration.slope.value < 1.0 else "timid")
    return f"its forecasts are {100 * calibration.ece.value:.0f} points off on average"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
