"""How good probabilities of a yes-or-no outcome are.

Everywhere `y` holds 0 and 1, `p` probabilities of 1, both of shape (n,). A measure that is not defined (an AUC of one
class) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import erf, log, sqrt
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

Floats = npt.NDArray[np.float64]
Measure = Callable[[Floats, Floats], float]

_Z: Final = 1.959963984540054
"""The standard normal quantile of a two-sided 95 % interval."""
_LEAST: Final = 1e-12


class Interval(NamedTuple):
    value: float
    low: float
    high: float


class Bin(NamedTuple):
    """Rows with forecasts near each other: the mean forecast, and the part that came true with its 95 % interval."""

    rows: int
    forecast: float
    came_true: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """One group's part of winners and of favoured rows; `ratio` is the latter over that of the most favoured group."""

    group: str
    rows: int
    won: float
    mean_probability: float
    favoured: float
    ratio: float


def auc(y: Floats, p: Floats) -> float:
    """The chance that a winner has a higher forecast than a loser, ties counted half."""
    positive = y > 0.5
    winners = int(positive.sum())
    losers = len(y) - winners
    if not winners or not losers:
        return float("nan")
    ranks = rankdata(p)
    return float((ranks[positive].sum() - winners * (winners + 1) / 2) / (winners * losers))


def auc_interval(y: Floats, p: Floats) -> Interval:
    """AUC with DeLong's 95 % interval (DeLong, DeLong & Clarke-Pearson 1988; midranks of Sun & Xu 2014)."""
    positive = y > 0.5
    winners, losers = p[positive], p[~positive]
    m, n = len(winners), len(losers)
    value = auc(y, p)
    if m < 2 or n < 2:
        return Interval(value, float("nan"), float("nan"))
    ranks = rankdata(np.concatenate([winners, losers]))
    of_winners = (ranks[:m] - rankdata(winners)) / n
    of_losers = 1.0 - (ranks[m:] - rankdata(losers)) / m
    error = sqrt(float(of_winners.var(ddof=1)) / m + float(of_losers.var(ddof=1)) / n)
    return Interval(value, max(0.0, value - _Z * error), min(1.0, value + _Z * error))


def losses(y: Floats, p: Floats) -> Floats:
    """Minus the log-likelihood of each row, in nats."""
    held = np.clip(p, _LEAST, 1.0 - _LEAST)
    return -(y * np.log(held) + (1.0 - y) * np.log1p(-held))


def log_loss(y: Floats, p: Floats, weights: Floats | None = None) -> float:
    return float(np.average(losses(y, p), weights=weights)) if len(y) else float("nan")


def brier(y: Floats, p: Floats) -> float:
    return float(np.mean((p - y) ** 2)) if len(y) else float("nan")


def reliability(y: Floats, p: Floats, bins: int = 10) -> list[Bin]:
    """Forecasts against what came true, in `bins` groups of equal size; equal forecasts stay together."""
    order = np.argsort(p, kind="stable")
    edges = np.unique(np.searchsorted(p[order], p[order][np.linspace(0, len(p), bins + 1).astype(int)[1:-1]]))
    parts = [part for part in np.split(order, edges) if len(part)]
    return [_bin(y[part], p[part]) for part in parts]


def _bin(y: Floats, p: Floats) -> Bin:
    low, high = wilson(float(y.sum()), len(y))
    return Bin(len(y), float(p.mean()), float(y.mean()), low, high)


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (1927)."""
    if trials <= 0:
        return 0.0, 1.0
    part, square = successes / trials, _Z * _Z / trials
    middle = (part + square / 2) / (1 + square)
    reach = _Z / (1 + square) * sqrt(part * (1 - part) / trials + square / (4 * trials))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def ece(y: Floats, p: Floats, bins: int = 10) -> float:
    """Expected calibration error: the mean distance of forecast and truth over bins of equal size."""
    return sum(b.rows * abs(b.forecast - b.came_true) for b in reliability(y, p, bins)) / len(y) if len(y) else np.nan


def lift(y: Floats, p: Floats, part: float = 0.1) -> float:
    """How many times more winners than average the best `part` of the rows holds; ties are shared out evenly."""
    base = float(y.mean()) if len(y) else 0.0
    if base <= 0.0:
        return float("nan")
    taken = max(1, round(part * len(y)))
    edge = np.partition(p, len(p) - taken)[len(p) - taken]
    above, at = p > edge, p == edge
    winners = float(y[above].sum()) + float(y[at].mean()) * (taken - int(above.sum()))
    return winners / taken / base


def bootstrap(y: Floats, p: Floats, measure: Measure, draws: int = 200, seed: int = 0) -> Interval:
    """A measure with its 95 % percentile interval over rows drawn with replacement."""
    dice = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = dice.integers(0, len(y), len(y))
        found.append(measure(y[drawn], p[drawn]))
    kept = [value for value in found if np.isfinite(value)]
    low, high = np.quantile(kept, (0.025, 0.975)) if kept else (float("nan"), float("nan"))
    return Interval(float(measure(y, p)), float(low), float(high))


class Comparison(NamedTuple):
    """How much lower the first forecast's log-loss is (positive is better), and the one-sided p-value of that."""

    gain: float
    low: float
    high: float
    p_value: float


def compare(y: Floats, p: Floats, other: Floats) -> Comparison:
    """Paired test of two forecasts of the same rows by log-loss (the z-test of Diebold & Mariano 1995, no lags)."""
    gains = losses(y, other) - losses(y, p)
    mean = float(gains.mean())
    error = float(gains.std(ddof=1)) / sqrt(len(gains)) if len(gains) > 1 else 0.0
    if error == 0.0:
        return Comparison(mean, mean, mean, 0.5 if mean == 0.0 else float(mean < 0.0))
    return Comparison(mean, mean - _Z * error, mean + _Z * error, 0.5 * (1.0 - erf(mean / error / sqrt(2.0))))


def adverse_impact(y: Floats, p: Floats, groups: Sequence[str], threshold: float) -> list[GroupOutcome]:
    """Outcome and forecast by group, the largest first.

    A row is favoured when its forecast reaches `threshold`. A ratio below 0.8 is the usual sign of adverse impact (the
    four-fifths rule, 29 CFR 1607.4 D).
    """
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    rows = np.bincount(codes)
    favoured = np.bincount(codes, p >= threshold) / rows
    won = np.bincount(codes, y) / rows
    mean = np.bincount(codes, p) / rows
    best = float(favoured.max()) if len(favoured) else 0.0
    found = [
        GroupOutcome(
            str(names[g]),
            int(rows[g]),
            float(won[g]),
            float(mean[g]),
            float(favoured[g]),
            float(favoured[g]) / best if best > 0.0 else 1.0,
        )
        for g in range(len(names))
    ]
    return sorted(found, key=lambda group: (-group.rows, group.group))


def log_odds(probability: float) -> float:
    held = min(max(probability, _LEAST), 1.0 - _LEAST)
    return log(held / (1.0 - held))
