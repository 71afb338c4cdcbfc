"""Turning a model's log-odds into probabilities that come true as often as they say.

A calibration is an increasing map from log-odds to log-odds: the identity, a shift of level, Platt's line, or the beta
calibration of Kull, Silva Filho & Flach (2017). Which one is chosen by cross-validation on rows the model has not seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from porchlight.intelligence.conversion.fitting import logistic

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Method = Literal["none", "level", "platt", "beta"]

_FOLDS: Final = 5
_LEAST_ROWS: Final = 200
"""On fewer rows a calibration follows their luck."""
_SIMPLER: Final[tuple[Method, ...]] = ("none", "level", "platt", "beta")
_MARGIN: Final = 1e-3
"""A richer map must better the log-loss by this many nats a row before it is taken."""
_PRIOR_ROWS: Final = 4.0
"""Precision of the prior that holds every map near the identity, in rows of even odds (0.25 units of information)."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """`of(z) = level + a·ln p − b·ln(1 − p)` with p the probability at log-odds z; a = b makes it a line in z."""

    method: Method = "none"
    a: float = 1.0
    b: float = 1.0
    level: float = 0.0

    def of(self, z: Floats) -> Floats:
        mapped: Floats = self.level - self.a * np.logaddexp(0.0, -z) + self.b * np.logaddexp(0.0, z)
        return mapped


def fit(
    z: Floats, y: Floats, weights: Floats | None = None, groups: npt.NDArray[np.int64] | None = None
) -> Calibration:
    """The calibration, of those above, with the lowest loss on rows it was not fitted on; the simplest within a hair.

    With `groups` (n,), numbered in time order, a map is fitted on the groups before each one, so that it is chosen as
    it will be used: on what comes next. Without, the rows are dealt into folds.
    """
    if len(y) < _LEAST_ROWS or not 0.0 < y.mean() < 1.0:
        return Calibration()
    counted = np.ones(len(y)) if weights is None else weights
    splits = _splits(len(y), groups)
    best, lowest = _SIMPLER[0], np.inf
    for method in _SIMPLER:
        loss = rows = 0.0
        for inside, outside in splits:
            log_odds = _FITTERS[method](z[inside], y[inside], counted[inside]).of(z[outside])
            loss += float(counted[outside] @ (np.logaddexp(0.0, log_odds) - y[outside] * log_odds))
            rows += float(counted[outside].sum())
        if rows and loss / rows < lowest - _MARGIN:
            best, lowest = method, loss / rows
    return _FITTERS[best](z, y, counted)


def _splits(rows: int, groups: npt.NDArray[np.int64] | None) -> list[tuple[Mask, Mask]]:
    if groups is None:
        fold = np.arange(rows) % _FOLDS
        return [(fold != held, fold == held) for held in range(_FOLDS)]
    return [(groups < held, groups == held) for held in np.unique(groups)[1:]]


def level(z: Floats, y: Floats, weights: Floats) -> Calibration:
    found = logistic.fit(np.ones((len(z), 1)), y, precision=np.array([1.0]), offset=z, weights=weights)
    return Calibration("level", 1.0, 1.0, float(found.coefficients[0]))


def platt(z: Floats, y: Floats, weights: Floats) -> Calibration:
    """Platt (1999), with a prior that holds the slope near 1."""
    x = np.column_stack([np.ones(len(z)), z])
    prior = np.array([0.1, _PRIOR_ROWS])
    found = logistic.fit(x, y, centre=np.array([0.0, 1.0]), precision=prior, weights=weights).coefficients
    slope = max(float(found[1]), 0.05)
    return Calibration("platt", slope, slope, float(found[0]))


def beta(z: Floats, y: Floats, weights: Floats) -> Calibration:
    x = np.column_stack([np.ones(len(z)), -np.logaddexp(0.0, -z), np.logaddexp(0.0, z)])
    prior = np.array([0.1, _PRIOR_ROWS, _PRIOR_ROWS])
    found = logistic.fit(x, y, centre=np.array([0.0, 1.0, 1.0]), precision=prior, weights=weights).coefficients
    if min(found[1], found[2]) < 0.05:  # no longer increasing
        return platt(z, y, weights)
    return Calibration("beta", float(found[1]), float(found[2]), float(found[0]))


def probabilities(calibration: Calibration, z: Floats) -> Floats:
    return np.asarray(expit(calibration.of(z)), dtype=np.float64)


_FITTERS: Final[dict[Method, Callable[[Floats, Floats, Floats], Calibration]]] = {
    "none": lambda z, y, weights: Calibration(),
    "level": level,
    "platt": platt,
    "beta": beta,
}
