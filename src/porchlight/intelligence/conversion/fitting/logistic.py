"""Logistic regression with a Gaussian prior on its coefficients: the most probable ones, and how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

Floats = npt.NDArray[np.float64]

_STEPS: Final = 60
_TOLERANCE: Final = 1e-7
_LARGE: Final = 2_000_000
"""Cells from which the curvature, which only steers the steps, is worked out in single precision."""
_LEAST_PRECISION: Final = 1e-8
"""Keeps the curvature invertible where neither the data nor the prior says anything of a coefficient."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """`coefficients` of shape (d,), and the `covariance` (d, d) of the Laplace approximation around them."""

    coefficients: Floats
    covariance: Floats
    converged: bool


def fit(
    x: Floats,
    y: Floats,
    *,
    centre: Floats | None = None,
    precision: Floats,
    offset: Floats | None = None,
    weights: Floats | None = None,
    start: Floats | None = None,
    covariance: bool = True,
) -> Logistic:
    """Newton's method with step halving on the log-posterior.

    - `x` (n, d) holds a column of ones where an intercept is wanted; `y` (n,) lies in 0..1.
    - The prior of coefficient j is normal with mean `centre[j]` (default 0) and variance 1 / `precision[j]`;
      a precision of 0 is a flat prior.
    - `offset` (n,) is added to the log-odds, `weights` (n,) count a row more or less than once.
    - `covariance` False leaves it out (NaN), which saves about a fifth of the work.
    """
    rows, width = x.shape
    middle = np.zeros(width) if centre is None else np.asarray(centre, dtype=np.float64)
    held = np.maximum(np.asarray(precision, dtype=np.float64), _LEAST_PRECISION)
    added = np.zeros(rows) if offset is None else offset
    counted = np.ones(rows) if weights is None else weights

    def objective(log_odds: Floats, at: Floats) -> float:
        likelihood = float(counted @ (np.logaddexp(0.0, log_odds) - y * log_odds))
        return likelihood + 0.5 * float(held @ (at - middle) ** 2)

    steering = x if x.size < _LARGE else x.astype(np.float32)
    at = (middle if start is None else start).astype(np.float64, copy=True)
    log_odds = x @ at + added
    value = objective(log_odds, at)
    converged = False
    for _ in range(_STEPS):
        p = expit(log_odds)
        gradient = x.T @ (counted * (p - y)) + held * (at - middle)
        step = cho_solve(cho_factor(_curvature(steering, counted * p * (1.0 - p), held)), gradient)
        decrease = float(gradient @ step)
        if decrease < _TOLERANCE * (1.0 + abs(value)):
            converged = True
            break
        length = 1.0
        moved_odds = x @ step
        while length > 1e-6:
            tried, tried_odds = at - length * step, log_odds - length * moved_odds
            tried_value = objective(tried_odds, tried)
            if tried_value <= value - 1e-4 * length * decrease:
                break
            length /= 2.0
        else:
            break
        at, log_odds, value = tried, tried_odds, tried_value
    if not covariance:
        return Logistic(at, np.full((width, width), np.nan), converged)
    p = expit(log_odds)
    spread = cho_solve(cho_factor(_curvature(x, counted * p * (1.0 - p), held)), np.eye(width))
    return Logistic(at, spread, converged)


def _curvature(x: Floats | npt.NDArray[np.float32], weight: Floats, precision: Floats) -> Floats:
    curvature: Floats = (x.T @ (x * weight[:, None].astype(x.dtype))).astype(np.float64)
    curvature[np.diag_indices_from(curvature)] += precision
    return curvature
