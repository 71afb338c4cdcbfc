"""How good forecasts of a time are, when many rows are still open.

Everywhere `days` holds the time watched (> 0) and `won` whether that time ended in a win (bool), both of shape (n,); a
row that did not win is censored. What is not defined is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from porchlight.intelligence.evaluation.binary import Bin, Interval

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_Z: Final = 1.959963984540054
"""The standard normal quantile of a two-sided 95 % interval."""
_LEAST_KNOWN: Final = 0.01
"""Weights never exceed 100, so that the last rows watched cannot rule an average."""
_CELLS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Curve:
    """The Kaplan–Meier curve: the share `open` just after each time in `times` (both of shape (k,)), and `greenwood`,
    the running sum of Greenwood's formula, from which the variance of log(open) follows."""

    times: Floats
    open: Floats
    greenwood: Floats
    watched: float


def kaplan_meier(days: Floats, won: Bools) -> Curve:
    """The product-limit estimate (Kaplan & Meier 1958). `watched` is the longest time that a row was watched."""
    order = np.argsort(days, kind="stable")
    times, first, counts = np.unique(days[order], return_index=True, return_counts=True)
    wins = np.add.reduceat(won[order].astype(float), first) if len(times) else np.zeros(0)
    at_risk = len(days) - np.concatenate([[0.0], np.cumsum(counts)[:-1]]) if len(times) else np.zeros(0)
    kept = wins > 0
    times, wins, at_risk = times[kept], wins[kept], at_risk[kept]
    left = at_risk - wins
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(left > 0, wins / (at_risk * left), np.inf))
    return Curve(times, np.cumprod(left / at_risk), greenwood, float(days.max()) if len(days) else 0.0)


def open_at(curve: Curve, at: npt.ArrayLike) -> Floats:
    """The share still open after `at` days (any shape); flat behind the last win."""
    place = np.searchsorted(curve.times, np.asarray(at, dtype=float), side="right")
    return np.concatenate([[1.0], curve.open])[place]


def won_by(curve: Curve, at: float) -> Interval:
    """1 − Kaplan–Meier with its 95 % interval on the log(−log) scale (Kalbfleisch & Prentice 1980)."""
    place = int(np.searchsorted(curve.times, at, side="right"))
    if place == 0:
        return Interval(0.0, 0.0, float("nan"))
    share, spread = float(curve.open[place - 1]), float(curve.greenwood[place - 1])
    if share <= 0.0:
        return Interval(1.0, float("nan"), 1.0)
    reach = _Z * sqrt(spread) / abs(np.log(share))
    return Interval(1.0 - share, 1.0 - share ** np.exp(-reach), 1.0 - share ** np.exp(reach))


def c_index(days: Floats, won: Bools, risk: Floats) -> Interval:
    """Harrell's C: how often the one who won first had the higher risk, ties of risk counted half (Harrell 1982).

    A pair counts when the earlier of the two times is a win; where both times are equal and one of them is censored,
    the censored row lasted longer. The 95 % interval is from the Hájek projection of the pairs onto the rows.
    """
    agree, pairs = np.zeros(len(days)), np.zeros(len(days))
    winners = np.flatnonzero(won)
    step = max(1, _CELLS_AT_ONCE // max(1, len(days)))
    for block in np.split(winners, range(step, len(winners), step)):
        lasted = (days > days[block, None]) | ((days == days[block, None]) & ~won)
        points = np.where(lasted, (risk[block, None] > risk) + 0.5 * (risk[block, None] == risk), 0.0)
        agree[block] += points.sum(1)
        pairs[block] += lasted.sum(1)
        agree += points.sum(0)
        pairs += lasted.sum(0)
    total = float(pairs.sum()) / 2
    if total == 0.0:
        return Interval(float("nan"), float("nan"), float("nan"))
    value = float(agree.sum()) / 2 / total
    error = sqrt(float(((agree - value * pairs) ** 2).sum())) / total
    return Interval(value, max(0.0, value - _Z * error), min(1.0, value + _Z * error))


def known_weights(days: Floats, won: Bools, horizon: float) -> Floats:
    """Inverse-probability-of-censoring weights of what is known at `horizon` (Graf et al. 1999).

    Rows censored before it weigh nothing; those that stand for them weigh more, by the Kaplan–Meier curve of being
    censored: just before the win for winners, at the horizon for those still open.
    """
    censoring = kaplan_meier(days, ~won)
    before_win = np.maximum(open_at(censoring, np.nextafter(days, 0.0)), _LEAST_KNOWN)
    at_horizon = max(float(open_at(censoring, horizon)), _LEAST_KNOWN)
    return np.where(won & (days <= horizon), 1.0 / before_win, np.where(days > horizon, 1.0 / at_horizon, 0.0))


def brier_at(days: Floats, won: Bools, p: Floats, horizon: float) -> Interval:
    """The Brier score of `p`, the chance to win within `horizon` days, with IPC weights and its 95 % interval."""
    errors = known_weights(days, won, horizon) * ((won & (days <= horizon)) - p) ** 2
    if not (days >= horizon).any():
        return Interval(float("nan"), float("nan"), float("nan"))
    mean = float(errors.mean())
    reach = _Z * float(errors.std(ddof=1)) / sqrt(len(errors)) if len(errors) > 1 else float("nan")
    return Interval(mean, max(0.0, mean - reach), mean + reach)


def reliability_at(days: Floats, won: Bools, p: Floats, horizon: float, bins: int = 10) -> list[Bin]:
    """Forecasts for `horizon` against 1 − Kaplan–Meier, in `bins` groups of equal size; equal forecasts stay
    together."""
    order = np.argsort(p, kind="stable")
    edges = np.unique(np.searchsorted(p[order], p[order][np.linspace(0, len(p), bins + 1).astype(int)[1:-1]]))
    found = []
    for part in np.split(order, edges):
        if len(part):
            truth = won_by(kaplan_meier(days[part], won[part]), horizon)
            high = truth.high if np.isfinite(truth.high) else min(1.0, 3.0 / len(part))
            found.append(Bin(len(part), float(p[part].mean()), truth.value, np.nan_to_num(truth.low), high))
    return found


def calibration_error_at(days: Floats, won: Bools, p: Floats, horizon: float, bins: int = 10) -> float:
    """The mean distance of forecast and truth over bins of equal size, the truth being 1 − Kaplan–Meier."""
    found = reliability_at(days, won, p, horizon, bins)
    return sum(group.rows * abs(group.forecast - group.came_true) for group in found) / max(1, len(days))
