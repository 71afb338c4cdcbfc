"""The hazard of winning over time, learned from censored histories, whose level may move with the calendar.

The daily hazard of row i at age a and date t is exp(μ + b(a) + c(t) + xᵢβ), constant between the edges of age and
calendar bins: a Poisson likelihood of wins given days watched (Holford 1980; Laird & Olivier 1981). b and c are random
walks, β is in blocks of random effects, and every variance is estimated from the data (the update of Fellner and
Schall, as in Wood & Fasiolo 2017, with a little prior belief for the columns), so that with data enough a column that
says nothing, and a calendar that changes nothing, fade away. Behind the longest time watched the hazard is zero: most
rows never win, and the curve levels off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEAST_DAYS: Final = 1 / 24
"""A win at the very start counts as one after an hour, so that every row was watched."""
_AGE_BINS: Final = 8
_TAIL_STEP: Final = 1.6
_PERIOD_DAYS: Final = 14.0
_MOST_PERIODS: Final = 40
_LEAST_PRECISION, _MOST_PRECISION = 1e-3, 1e5
_RIDGE: Final = 1e-4
"""Holds what the random walks leave free: their mean."""
_FIRST_PRECISION: Final = 2.0
_USUAL_SPREAD: Final = 0.6
"""The variance of log hazard ratios that all columns together are taken to have, shared evenly among the blocks, until
the data say otherwise: the best rows win some four times as fast as the middling."""
_BELIEF: Final = 2.0
"""How many coefficients' worth of data that counts for: what is learned from few wins would swing without it."""
_ROUNDS: Final = 60
_SETTLED: Final = 0.02
_SHORTEST_STEP: Final = 1e-3
_LONGEST_STEP: Final = 2.0


@dataclass(frozen=True, slots=True)
class Histories:
    """Rows watched from `start` (days since 1970) for `days` (> 0), at whose end they `won` or were censored; (n,)."""

    start: Floats
    days: Floats
    won: Bools


@dataclass(frozen=True, slots=True)
class Hazard:
    """`log_hazard` (A,) per day between the edges `ages` (A + 1,), at the level of the last period.

    `coefficients` (p,) of the design; `levels` (P,) is c between the edges `periods` (P + 1,); `freedom` holds the
    effective number of coefficients of each block.
    """

    ages: Floats
    log_hazard: Floats
    coefficients: Floats
    periods: Floats
    levels: Floats
    freedom: tuple[float, ...]


def age_edges(histories: Histories) -> Floats:
    """Edges with equally many wins between them, then growing by a constant factor to the longest time watched."""
    longest = float(histories.days.max())
    wins = histories.days[histories.won]
    inner = (
        np.unique(np.quantile(wins, np.linspace(0, 1, min(_AGE_BINS, len(wins)) + 1)[1:-1])) if len(wins) > 1 else wins
    )
    edges = [0.0, *inner[(inner > 0) & (inner < longest)]]
    edge = max(edges[-1], LEAST_DAYS) * _TAIL_STEP
    while edge < longest / 1.25:
        edges.append(edge)
        edge *= _TAIL_STEP
    return np.array([*edges, longest])


def period_edges(histories: Histories, as_of: float, *, moving: bool) -> Floats:
    """Edges of calendar bins, two weeks each where there are not too many, backwards from `as_of`; one bin for all
    where the level is not `moving`."""
    first = float(histories.start.min())
    count = int(np.clip((as_of - first) // _PERIOD_DAYS, 1, _MOST_PERIODS)) if moving else 1
    step = max(_PERIOD_DAYS, (as_of - first) / count) if count == _MOST_PERIODS else _PERIOD_DAYS
    edges = as_of - step * np.arange(count, -1.0, -1.0)
    edges[0] = min(edges[0], first)
    return np.asarray(edges, dtype=np.float64)


def _watched(histories: Histories, ages: Floats, periods: Floats) -> sparse.csr_array:
    """Days watched per row and cell of age × period, shape (n, A·P)."""
    rows, cells, days = [], [], []
    wide = len(periods) - 1
    for a in range(len(ages) - 1):
        for p in range(wide):
            low = np.maximum(ages[a], periods[p] - histories.start)
            high = np.minimum(np.minimum(ages[a + 1], periods[p + 1] - histories.start), histories.days)
            met = np.flatnonzero(high > low)
            rows.append(met)
            cells.append(np.full(len(met), a * wide + p))
            days.append((high - low)[met])
    place = (np.concatenate(rows), np.concatenate(cells))
    return sparse.csr_array((np.concatenate(days), place), shape=(len(histories.days), (len(ages) - 1) * wide))


def _bin(edges: Floats, at: Floats) -> npt.NDArray[np.intp]:
    return np.clip(np.searchsorted(edges, at, side="left") - 1, 0, len(edges) - 2)


_Part = tuple[slice, Floats]
"""A part of the coefficients, and the shape of what is said to be improbable of it."""


@dataclass(frozen=True, slots=True)
class _Problem:
    """The sufficient parts of the likelihood: a coefficient vector is (μ, b, c, β)."""

    design: Floats
    watched: sparse.csr_array
    wins: Floats
    a: slice
    c: slice
    x: slice


def _problem(histories: Histories, design: Floats, ages: Floats, periods: Floats) -> _Problem:
    wide, long = len(periods) - 1, len(ages) - 1
    a, c = slice(1, 1 + long), slice(1 + long, 1 + long + wide)
    x = slice(c.stop, c.stop + design.shape[1])
    wins = np.zeros(x.stop)
    won = histories.won
    wins[0] = won.sum()
    wins[a] = np.bincount(_bin(ages, histories.days[won]), minlength=long)
    wins[c] = np.bincount(_bin(periods, (histories.start + histories.days)[won]), minlength=wide)
    wins[x] = design.T @ won.astype(float)
    return _Problem(design, _watched(histories, ages, periods), wins, a, c, x)


def _expected(problem: _Problem, at: Floats) -> tuple[Floats, Floats]:
    """The wins expected of each coefficient, shape (m,), and the information matrix, (m, m)."""
    a, c, x = problem.a, problem.c, problem.x
    grid = np.exp(at[0] + at[a][:, None] + at[c][None, :])
    relative = np.exp(problem.design @ at[x])
    mean = relative * (problem.watched @ grid.ravel())
    cells = (problem.watched.T @ relative).reshape(grid.shape) * grid
    expected = np.concatenate([[mean.sum()], cells.sum(1), cells.sum(0), problem.design.T @ mean])
    mixed = (problem.watched.T @ (problem.design * relative[:, None])).T.reshape(-1, *grid.shape) * grid
    information = np.zeros((len(at), len(at)))
    information[0, :] = information[:, 0] = expected
    information[a, a], information[c, c] = np.diag(cells.sum(1)), np.diag(cells.sum(0))
    information[a, c], information[c, a] = cells, cells.T
    narrow = problem.design.astype(np.float32)  # twice as fast, and a step needs no more digits
    information[x, x] = narrow.T @ (narrow * mean[:, None].astype(np.float32))
    information[x, a], information[x, c] = mixed.sum(2), mixed.sum(1)
    information[a, x], information[c, x] = mixed.sum(2).T, mixed.sum(1).T
    return expected, information


def _step(problem: _Problem, at: Floats, penalty: Floats) -> tuple[Floats, Floats, float]:
    """One step of Newton's method on the penalised likelihood: the coefficients, the penalised information where it
    started, and how far it went."""
    expected, information = _expected(problem, at)
    information += penalty
    step = linalg.solve(information, problem.wins - expected - penalty @ at, assume_a="pos")
    longest = float(np.abs(step).max())
    return at + step * min(1.0, _LONGEST_STEP / max(longest, 1e-12)), information, longest


def _walk(size: int) -> Floats:
    steps = np.diff(np.eye(size), axis=0)
    return np.asarray(steps.T @ steps, dtype=np.float64)


def fit(
    histories: Histories,
    design: Floats,
    blocks: Sequence[slice],
    *,
    as_of: float,
    moving: bool,
    precision: float | None = None,
) -> Hazard:
    """The hazard of the histories by a design (n, p), whose columns fall into `blocks` of random effects.

    `moving` lets the level follow the calendar. `precision` fixes that of every block instead of estimating them.
    Needs one win at least.
    """
    ages, periods = age_edges(histories), period_edges(histories, as_of, moving=moving)
    problem = _problem(histories, design, ages, periods)
    parts = [(problem.a, _walk(len(ages) - 1)), (problem.c, _walk(len(periods) - 1))]
    parts += [(slice(problem.x.start + b.start, problem.x.start + b.stop), np.eye(b.stop - b.start)) for b in blocks]
    ranks = [max(0, p.stop - p.start - (k < 2)) for k, (p, _) in enumerate(parts)]
    precisions = np.array([1.0, 1.0] + [_FIRST_PRECISION if precision is None else precision] * len(blocks))
    usual = max(1, len(blocks)) / _USUAL_SPREAD
    belief = np.where(np.arange(len(parts)) < 2, 0.0, _BELIEF)
    learned = np.array([rank > 0 and (k < 2 or precision is None) for k, rank in enumerate(ranks)])
    at = np.zeros(problem.x.stop)
    at[0] = np.log(histories.won.sum() / histories.days.sum())
    freedom = np.zeros(len(parts))
    for _ in range(_ROUNDS):
        penalty = _penalty(parts, precisions, len(at))
        at, information, moved = _step(problem, at, penalty)
        spread = linalg.inv(information)
        before, freedom = freedom, _freedom(parts, precisions, ranks, spread)
        sizes = np.array([float(at[part] @ shape @ at[part]) for part, shape in parts])
        new = (freedom + belief) / np.maximum(sizes + belief / usual, 1e-12)
        precisions = np.where(learned, np.clip(new, _LEAST_PRECISION, _MOST_PRECISION), precisions)
        settled = np.abs(freedom - before) < _SETTLED * np.maximum(1.0, freedom)
        if moved < _SHORTEST_STEP and settled[learned].all():
            break
    return Hazard(
        ages,
        at[0] + at[problem.a] + at[problem.c][-1],
        at[problem.x],
        periods,
        at[problem.c],
        tuple(freedom[2:].tolist()),
    )


def _penalty(parts: Sequence[_Part], precisions: Floats, size: int) -> Floats:
    penalty = _RIDGE * np.eye(size)
    penalty[0, 0] = _RIDGE**2
    for (part, shape), precision in zip(parts, precisions, strict=True):
        penalty[part, part] += precision * shape
    return np.asarray(penalty, dtype=np.float64)


def _freedom(parts: Sequence[_Part], precisions: Floats, ranks: Sequence[int], spread: Floats) -> Floats:
    """The effective number of coefficients of each part."""
    return np.array(
        [
            rank - precision * float(np.sum(spread[part, part] * shape))
            for (part, shape), precision, rank in zip(parts, precisions, ranks, strict=True)
        ]
    )


def cumulative(hazard: Hazard, days: npt.ArrayLike) -> Floats:
    """The cumulative hazard of an average row by each of `days` (any shape); 1 − exp(−it·exp(xβ)) have won."""
    at = np.asarray(days, dtype=float)[..., None]
    spent = np.clip(np.minimum(hazard.ages[1:], at) - hazard.ages[:-1], 0.0, None)
    # a sum in the same order for all never falls by rounding, as a matrix product may
    return np.asarray((spent * np.exp(hazard.log_hazard)).sum(axis=-1), dtype=np.float64)


def time_of(hazard: Hazard, total: Floats) -> Floats:
    """The days by which the cumulative hazard of an average row reaches `total` (any shape), infinite where it never
    does."""
    reached = np.concatenate([[0.0], np.cumsum(np.diff(hazard.ages) * np.exp(hazard.log_hazard))])
    return np.where(total <= reached[-1], np.interp(total, reached, hazard.ages), np.inf)


def losses(hazard: Hazard, histories: Histories, log_ratio: Floats) -> Floats:
    """Minus the log-likelihood of each row (n,), as far as the hazard reaches; lower is better.

    `log_ratio` (n,) is the row's log hazard ratio, xβ.
    """
    reach = np.minimum(histories.days, hazard.ages[-1])
    won = histories.won & (histories.days <= hazard.ages[-1])
    instant = hazard.log_hazard[_bin(hazard.ages, reach)] + log_ratio
    return cumulative(hazard, reach) * np.exp(log_ratio) - np.where(won, instant, 0.0)


def level_gain(hazard: Hazard, histories: Histories, log_ratio: Floats) -> float:
    """How much lower the sum of `losses` would be with the one factor on all hazards that is best in hindsight."""
    reach = np.minimum(histories.days, hazard.ages[-1])
    expected = float((cumulative(hazard, reach) * np.exp(log_ratio)).sum())
    wins = float((histories.won & (histories.days <= hazard.ages[-1])).sum())
    return expected - wins + wins * float(np.log(wins / expected)) if wins > 0 else expected


def tempered(hazard: Hazard, histories: Histories, log_ratio: Floats, slope: float) -> Hazard:
    """The hazard with its coefficients times `slope`, and its level put so that it expects as many wins as before of
    the histories, whose log hazard ratios were `log_ratio` (n,)."""
    watched = cumulative(hazard, histories.days)
    shift = np.log((watched @ np.exp(log_ratio)) / (watched @ np.exp(slope * log_ratio)))
    return replace(hazard, log_hazard=hazard.log_hazard + shift, coefficients=hazard.coefficients * slope)
