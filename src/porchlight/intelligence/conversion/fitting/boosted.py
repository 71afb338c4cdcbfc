"""Gradient-boosted trees for a yes-or-no outcome, on top of what another model already says (its log-odds as offset).

Models are kept as LightGBM's text, never pickled.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_SEED: Final = 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How the trees grow. `leaf_rows` is the least number of rows in a leaf; `shrinkage` the ridge on its value.

    `extra` tries one random threshold per column and split (Geurts, Ernst & Wehenkel 2006), which evens out trees.
    """

    rounds: int = 300
    learning_rate: float = 0.05
    leaves: int = 15
    leaf_rows: int = 40
    shrinkage: float = 10.0
    columns_part: float = 0.5
    rows_part: float = 0.7
    seeds: int = 1
    extra: bool = False


@dataclass(frozen=True, slots=True)
class Boosted:
    """One text per seed; what they say is averaged. The offset is not part of it."""

    texts: tuple[str, ...]


def fit(
    x: Matrix,
    y: Floats,
    *,
    settings: Settings,
    offset: Floats | None = None,
    weights: Floats | None = None,
    categorical: Sequence[int] = (),
    influence: Sequence[float] | None = None,
) -> Boosted:
    """Trees that add to `offset` (n,). `x` (n, d) may hold NaN; `categorical` columns hold codes from 0 on.

    `influence` (d,) multiplies what a split on a column is thought to gain: below 1, a column must be that much better.
    """
    trained = [_train(x, y, settings, seed, offset, weights, categorical, influence) for seed in range(settings.seeds)]
    return Boosted(tuple(booster.model_to_string(num_iteration=settings.rounds) for booster in trained))


def rounds_curve(
    x: Matrix,
    y: Floats,
    later_x: Matrix,
    *,
    settings: Settings,
    at: Sequence[int],
    offset: Floats | None = None,
    weights: Floats | None = None,
    categorical: Sequence[int] = (),
    influence: Sequence[float] | None = None,
) -> Iterator[tuple[int, Floats]]:
    """What the trees add for the rows of `later_x` after each number of rounds in `at`, from one training."""
    trained = [_train(x, y, settings, seed, offset, weights, categorical, influence) for seed in range(settings.seeds)]
    totals = np.zeros(len(later_x))
    done = 0
    for rounds in at:
        for booster in trained:
            totals = totals + _raw(booster, later_x, done, rounds - done)
        done = rounds
        yield rounds, totals / len(trained)


def predict(model: Boosted, x: Matrix) -> Floats:
    """What the trees add to the log-odds of each row, shape (n,)."""
    found = np.zeros(len(x))
    for text in model.texts:
        found += _raw(_loaded(text), x, 0, -1)
    return found / max(1, len(model.texts))


def contributions(model: Boosted, x: Matrix) -> Floats:
    """Shapley values in log-odds, shape (n, d + 1): the last column is the constant; a row's sum is its `predict`.

    Source: TreeSHAP (Lundberg, Erion & Lee 2018), as LightGBM computes it.
    """
    found = np.zeros((len(x), x.shape[1] + 1))
    for text in model.texts:
        found += np.asarray(_loaded(text).predict(x, pred_contrib=True, num_threads=_threads()), dtype=np.float64)
    return found / max(1, len(model.texts))


def fits(model: Boosted, columns: int) -> bool:
    """Whether the texts can be read and their trees take this many columns."""
    try:
        return all(_loaded(text).num_feature() == columns for text in model.texts)
    except lgb.basic.LightGBMError:
        return False


def _train(
    x: Matrix,
    y: Floats,
    settings: Settings,
    seed: int,
    offset: Floats | None,
    weights: Floats | None,
    categorical: Sequence[int],
    influence: Sequence[float] | None,
) -> lgb.Booster:
    parameters: dict[str, Any] = {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.leaf_rows,
        "lambda_l2": settings.shrinkage,
        "feature_fraction": settings.columns_part,
        "bagging_fraction": settings.rows_part,
        "bagging_freq": 1,
        "extra_trees": settings.extra,
        "max_bin": 127,
        "cat_smooth": 20.0,
        "cat_l2": 20.0,
        "max_cat_threshold": 16,
        "boost_from_average": False,
        "deterministic": True,
        "force_row_wise": True,
        "seed": _SEED + seed,
        "num_threads": _threads(),
        "verbosity": -1,
    }
    if influence is not None:
        parameters["feature_contri"] = list(influence)
    data = lgb.Dataset(
        x,
        y,
        weight=weights,
        init_score=offset,
        categorical_feature=list(categorical),
        params=parameters,
        free_raw_data=True,
    )
    return lgb.train(parameters, data, num_boost_round=settings.rounds)


def _raw(booster: lgb.Booster, x: Matrix, start: int, rounds: int) -> Floats:
    if rounds == 0:
        return np.zeros(len(x))
    raw = booster.predict(x, raw_score=True, start_iteration=start, num_iteration=rounds, num_threads=_threads())
    return np.asarray(raw, dtype=np.float64)


@lru_cache(maxsize=32)
def _loaded(text: str) -> lgb.Booster:
    return lgb.Booster(model_str=text)


def _threads() -> int:
    """LightGBM's own default is the number of hardware threads; containers with fewer cores thrash."""
    return int(os.environ.get("OMP_NUM_THREADS", "0")) or len(os.sched_getaffinity(0))
