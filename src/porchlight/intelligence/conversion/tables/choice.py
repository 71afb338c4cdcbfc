"""Which recipe suits a table: each learns from older rows and is judged on the rows that follow, several times over.

Recipes are compared by log-loss after each was given the level and slope of the rows it is judged on, so that what
counts is how they tell rows apart: the level of a market that moves is the business of calibration, and no recipe
foresees it. A richer recipe must beat a simpler one by more than the luck of the draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.fitting import boosted, calibration
from porchlight.intelligence.conversion.tables.encoding import Code, Encoded, encode, learn_codes
from porchlight.intelligence.conversion.tables.recipe import (
    Family,
    Recipe,
    categories,
    fit_logistic,
    half_life_weights,
    inflation,
    linear_odds,
    tree_influence,
    tree_settings,
)
from porchlight.intelligence.evaluation.binary import compare, log_odds, losses
from porchlight.intelligence.tables.kinds import Column

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

PENALTIES: Final = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)
HALF_LIVES: Final = (0.0, 1.0, 0.3)
ROUNDS: Final = (25, 50, 100, 200, 300)
CHOICE_ROWS: Final = 16_000
"""More rows do not change which recipe is best; they are taken evenly over time."""
_STARTS: Final = (0.4, 0.55, 0.7, 0.85, 1.0)
_FEW_STARTS: Final = (0.5, 0.75, 1.0)
_LONG: Final = 50_000
_SMALL: Final = 400
_TREES_FROM: Final = 400
_TREES_FROM_OF_CLASS: Final = 60
_LUCK: Final = 0.5
"""In standard errors of the paired difference: what a richer recipe must gain."""
_CLEAR: Final = 0.05
_HINT: Final = 0.16
"""One standard error."""
_FEW: Final = 100
_SOBER: Final = 16.0
"""The least penalty for a small table: as much as 64 rows of even odds say of a coefficient."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The recipe, its mean loss beside the other candidates', and how rows not seen were forecast with it.

    `odds`, `won` and `fold` hold the judged rows, in time order; `signal` says whether forecasting them by the recipe
    beats giving each the base rate, beyond the luck of the draw.
    """

    recipe: Recipe
    losses: dict[str, float]
    odds: Floats
    won: Floats
    fold: npt.NDArray[np.int64]
    signal: bool


@dataclass(frozen=True, slots=True)
class _Fold:
    codes: list[Code]
    inner: Encoded
    outer: Encoded
    inner_won: Floats
    outer_won: Floats
    inflated: Floats


def choose(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    won: Floats,
    *,
    timed: bool,
    progress: Progress = lambda part: None,
) -> Choice:
    """The recipe for the rows of a typed frame, which are in time order and all decided."""
    long = frame.height > _LONG
    if frame.height > CHOICE_ROWS:
        taken = np.linspace(0, frame.height - 1, CHOICE_ROWS).astype(np.int64)
        frame, won = frame[taken], won[taken]
    folds = _folds(frame, columns, won, timed, _FEW_STARTS if long or len(won) < _SMALL else _STARTS)
    if not folds:
        return Choice(Recipe("base rate"), {}, np.empty(0), np.empty(0), np.empty(0, dtype=np.int64), False)
    flat = [np.full(len(fold.outer_won), log_odds(float(fold.inner_won.mean()))) for fold in folds]
    if not any(fold.inner.linear.shape[1] for fold in folds):
        return _chosen(folds, Recipe("base rate"), flat, {"base rate": _loss(folds, flat)}, flat)
    penalties = [penalty for penalty in PENALTIES if len(won) >= _SMALL or penalty >= _SOBER]
    found: dict[float, list[Floats]] = {penalty: [] for penalty in penalties}
    for place, fold in enumerate(folds):
        start = None
        for penalty in reversed(penalties):
            start = fit_logistic(fold.inner, fold.inner_won, penalty, fold.inflated, None, start)
            found[penalty].append(linear_odds(start, fold.outer))
        progress(0.4 * (place + 1) / len(folds))
    lowest = min(penalties, key=lambda penalty: _loss(folds, found[penalty]))
    penalty = max(p for p in penalties if p == lowest or not _beats(folds, found[lowest], found[p]))
    best, odds = Recipe("logistic", penalty), found[penalty]
    for half_life in HALF_LIVES[1:] if timed and len(won) >= _SMALL else ():
        tried = [_logistic_odds(fold, penalty, half_life) for fold in folds]
        if _beats(folds, tried, odds):
            best, odds = Recipe("logistic", penalty, half_life), tried
    candidates: dict[str, float] = {"base rate": _loss(folds, flat), "logistic": _loss(folds, odds)}
    progress(0.5)
    rows, least = len(won), min(won.sum(), len(won) - won.sum())
    if rows >= _TREES_FROM and least >= _TREES_FROM_OF_CLASS:
        for recipe, tried in _tree_candidates(folds, best, progress):
            loss = _loss(folds, tried)
            candidates[recipe.family] = min(loss, candidates.get(recipe.family, loss))
            if loss < _loss(folds, odds) and (best.family != "logistic" or _beats(folds, tried, odds)):
                best, odds = recipe, tried
    progress(1.0)
    return _chosen(folds, best, odds, candidates, flat)


def _chosen(
    folds: list[_Fold], recipe: Recipe, odds: list[Floats], candidates: dict[str, float], flat: list[Floats]
) -> Choice:
    won = np.concatenate([fold.outer_won for fold in folds])
    of_fold = np.repeat(np.arange(len(folds)), [len(fold.outer_won) for fold in folds])
    against = compare(won, _judged(folds, odds), _judged(folds, flat))
    signal = against.p_value < _CLEAR
    few = min(won.sum(), len(won) - won.sum()) < _FEW
    if against.p_value >= (_HINT if few else _CLEAR):  # with few rows a weak sign is all there can be
        recipe, odds = Recipe("base rate"), flat
    return Choice(recipe, candidates, np.concatenate(odds), won, of_fold, signal)


def _folds(
    frame: pl.DataFrame, columns: Sequence[Column], won: Floats, timed: bool, starts: Sequence[float]
) -> list[_Fold]:
    folds = []
    for first, last in pairwise(starts):
        cut, end = int(first * len(won)), int(last * len(won))
        inner_won, outer_won = won[:cut], won[cut:end]
        if not 0.0 < inner_won.mean() < 1.0 or not 0.0 < outer_won.mean() < 1.0:
            continue
        codes = learn_codes(frame[:cut], columns)
        inner, outer = encode(frame[:cut], codes), encode(frame[cut:end], codes)
        inflated = inflation(inner.linear) if timed else np.ones(inner.linear.shape[1])
        folds.append(_Fold(codes, inner, outer, inner_won, outer_won, inflated))
    return folds


def _logistic_odds(fold: _Fold, penalty: float, half_life: float) -> Floats:
    weights = half_life_weights(len(fold.inner_won), half_life)
    return linear_odds(fit_logistic(fold.inner, fold.inner_won, penalty, fold.inflated, weights), fold.outer)


def _tree_candidates(folds: list[_Fold], best: Recipe, progress: Progress) -> list[tuple[Recipe, list[Floats]]]:
    found: dict[tuple[Family, int], list[Floats]] = {}
    for place, fold in enumerate(folds):
        weights = half_life_weights(len(fold.inner_won), best.half_life)
        fitted = fit_logistic(fold.inner, fold.inner_won, best.penalty, fold.inflated, weights)
        inside, outside = linear_odds(fitted, fold.inner), linear_odds(fitted, fold.outer)
        base = log_odds(float(fold.inner_won.mean()))
        on_base = _tree_curve(fold, np.full(len(inside), base), weights)
        on_logistic = _tree_curve(fold, inside, weights)
        for rounds in ROUNDS:
            grown = base + on_base[rounds]
            found.setdefault(("boosted trees", rounds), []).append(grown)
            found.setdefault(("blend", rounds), []).append(0.5 * grown + 0.5 * outside)
            found.setdefault(("boosted trees on the logistic", rounds), []).append(outside + on_logistic[rounds])
        progress(0.5 + 0.5 * (place + 1) / len(folds))
    return [
        (Recipe(family, best.penalty, best.half_life, rounds), odds) for (family, rounds), odds in sorted(found.items())
    ]


def _tree_curve(fold: _Fold, offset: Floats, weights: Floats | None) -> dict[int, Floats]:
    return dict(
        boosted.rounds_curve(
            fold.inner.trees,
            fold.inner_won,
            fold.outer.trees,
            settings=tree_settings(len(fold.inner_won), ROUNDS[-1]),
            at=ROUNDS,
            offset=offset,
            weights=weights,
            categorical=categories(fold.codes),
            influence=tree_influence(fold.inner, fold.inflated, len(fold.codes)),
        )
    )


def _judged(folds: list[_Fold], odds: list[Floats]) -> Floats:
    """Probabilities after each fold's own level and slope."""
    return np.concatenate(
        [
            calibration.probabilities(calibration.platt(z, fold.outer_won, np.ones(len(z))), z)
            for fold, z in zip(folds, odds, strict=True)
        ]
    )


def _losses(folds: list[_Fold], odds: list[Floats]) -> Floats:
    return losses(np.concatenate([fold.outer_won for fold in folds]), _judged(folds, odds))


def _loss(folds: list[_Fold], odds: list[Floats]) -> float:
    return float(_losses(folds, odds).mean())


def _beats(folds: list[_Fold], odds: list[Floats], simpler: list[Floats]) -> bool:
    gains = _losses(folds, simpler) - _losses(folds, odds)
    return float(gains.mean()) > _LUCK * float(gains.std()) / sqrt(len(gains))
