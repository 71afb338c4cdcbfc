"""What a model can be made of, and making it: a logistic model, boosted trees, one on top of the other, a blend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from porchlight.intelligence.conversion.fitting import boosted, logistic
from porchlight.intelligence.conversion.tables.encoding import CategoryCode, Code, Encoded
from porchlight.intelligence.evaluation.binary import log_odds

Floats = npt.NDArray[np.float64]
Family = Literal["base rate", "logistic", "boosted trees", "boosted trees on the logistic", "blend"]

LEARNING_RATE: Final = 0.05
_LEAVES: Final = 15
_SHRINKAGE: Final = 10.0
_BLOCKS: Final = 30
_TIME_BOUND: Final = 20.0
"""A feature whose rows count for fewer than one in this many tells the period more than the lead: trees, which would
cut the past into periods, do not see it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """`penalty` is the precision of the prior on each coefficient; `half_life` is in parts of the rows: after that many
    rows an older row counts half (0: all count the same); `rounds` is the number of trees."""

    family: Family
    penalty: float = 16.0
    half_life: float = 0.0
    rounds: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """The log-odds of a row are `constant + part · (intercept + linear · coefficients) + (1 if trees) · trees`.

    `tree_part` is what the trees' sum is multiplied with; with trees on the logistic both parts are 1.
    """

    constant: float
    part: float
    intercept: float
    coefficients: Floats
    tree_part: float
    trees: boosted.Boosted | None


def half_life_weights(rows: int, half_life: float) -> Floats | None:
    """Weights with mean 1 that halve every `half_life` · `rows` rows back from the newest, the last row."""
    if not half_life:
        return None
    weights: Floats = np.exp2(-(rows - 1 - np.arange(rows)) / (half_life * rows))
    weights /= weights.mean()
    return weights


def inflation(x: Floats) -> Floats:
    """For each feature how many rows in time order count as one, at least 1 (the method of batch means).

    Rows of one season share what is common to the season. A feature that changes with the season rather than with the
    lead (a market rate, the month, a campaign) has been seen as often as there were seasons, not as there are rows; the
    variance of block means over what independent rows would have measures this.
    """
    size = len(x) // _BLOCKS
    if size < 2:
        return np.ones(x.shape[1])
    means = x[len(x) - _BLOCKS * size :].reshape(_BLOCKS, size, -1).mean(axis=1)
    counted: Floats = np.maximum(1.0, size * means.var(axis=0, ddof=1) / (x.var(axis=0) + 1e-12))
    return counted


def precisions(inflated: Floats, penalty: float) -> Floats:
    """The prior's precision for the intercept and each feature, held harder the fewer rows it was really seen in.

    The root is between believing every row and believing every season only: simulated shifts of the market lost least
    with it, whether the old relation held or turned.
    """
    return np.concatenate([[0.0], penalty * np.sqrt(inflated)])


def fit_logistic(
    encoded: Encoded, y: Floats, penalty: float, inflated: Floats, weights: Floats | None, start: Floats | None = None
) -> Floats:
    """Intercept and coefficients."""
    x = np.column_stack([np.ones(len(y)), encoded.linear])
    prior = precisions(inflated, penalty)
    return logistic.fit(x, y, precision=prior, weights=weights, start=start, covariance=False).coefficients


def linear_odds(coefficients: Floats, encoded: Encoded) -> Floats:
    odds: Floats = coefficients[0] + encoded.linear @ coefficients[1:]
    return odds


def tree_settings(rows: int, rounds: int) -> boosted.Settings:
    return boosted.Settings(
        rounds=rounds,
        learning_rate=LEARNING_RATE,
        leaves=_LEAVES,
        leaf_rows=int(np.clip(rows // 200, 10, 100)),
        shrinkage=_SHRINKAGE,
        extra=True,
    )


def categories(codes: list[Code]) -> list[int]:
    return [place for place, code in enumerate(codes) if isinstance(code, CategoryCode)]


def tree_influence(encoded: Encoded, inflated: Floats, codes: int) -> list[float]:
    """1 for each column that trees may see, 0 for each that is bound to its time."""
    most = np.ones(codes)
    np.maximum.at(most, encoded.owner, inflated)
    return [0.0 if rows > _TIME_BOUND else 1.0 for rows in most]


def fit(encoded: Encoded, codes: list[Code], y: Floats, recipe: Recipe, *, timed: bool) -> Fitted:
    """The model of a recipe on rows in time order."""
    base = log_odds(float(y.mean()))
    none = np.zeros(encoded.linear.shape[1])
    if recipe.family == "base rate":
        return Fitted(base, 0.0, 0.0, none, 0.0, None)
    weights = half_life_weights(len(y), recipe.half_life)
    inflated = inflation(encoded.linear) if timed else np.ones(encoded.linear.shape[1])
    found = fit_logistic(encoded, y, recipe.penalty, inflated, weights)
    on_logistic = recipe.family == "boosted trees on the logistic"
    if recipe.family == "logistic" or not recipe.rounds:
        return Fitted(0.0, 1.0, float(found[0]), found[1:], 0.0, None)
    trees = boosted.fit(
        encoded.trees,
        y,
        settings=tree_settings(len(y), recipe.rounds),
        offset=linear_odds(found, encoded) if on_logistic else np.full(len(y), base),
        weights=weights,
        categorical=categories(codes),
        influence=tree_influence(encoded, inflated, len(codes)),
    )
    if on_logistic:
        return Fitted(0.0, 1.0, float(found[0]), found[1:], 1.0, trees)
    if recipe.family == "boosted trees":
        return Fitted(base, 0.0, 0.0, none, 1.0, trees)
    return Fitted(0.5 * base, 0.5, float(found[0]), found[1:], 0.5, trees)


def raw_odds(fitted: Fitted, encoded: Encoded) -> Floats:
    """The log-odds of each row before calibration."""
    odds = fitted.constant + fitted.part * (fitted.intercept + encoded.linear @ fitted.coefficients)
    if fitted.trees is not None:
        odds = odds + fitted.tree_part * boosted.predict(fitted.trees, encoded.trees)
    return np.asarray(odds, dtype=np.float64)
