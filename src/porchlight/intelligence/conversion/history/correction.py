"""Learning: how far a team's own outcomes move the scorecard, in stages that each have to earn their place.

1. Level and slope: the scorecard's log-odds are shifted and stretched, as a whole and factor by factor.
2. Weights: every feature's weight may leave the scorecard's, what is missing may say something, and so may sources,
   agents and the team's own fields. All of 1 and 2 is one logistic regression whose prior is the scorecard itself, so
   that little history moves it little and none not at all.
3. Trees: boosted trees, each of one factor, are blended in by a `trust` between 0 and 1. They begin at the team's base
   rate, not at the scorecard: on the simulation a blend of both forecast later leads better than trees on top of it.

How free the weights are and how far the trees are trusted, if at all, is chosen on later leads that the candidates have
not seen. With few conversions there is nothing to choose by, and the most careful choice stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from itertools import pairwise
from math import isfinite, log
from typing import Final, NamedTuple

import numpy as np
from scipy.special import expit

from porchlight.intelligence.conversion.features import BASE_PROBABILITY, FACTORS, FEATURES
from porchlight.intelligence.conversion.fitting import logistic
from porchlight.intelligence.conversion.forecast import HORIZON_DAYS
from porchlight.intelligence.conversion.history.admission import find_terms
from porchlight.intelligence.conversion.history.best_hours import answers_of, team_hours
from porchlight.intelligence.conversion.history.curve import learned_shape
from porchlight.intelligence.conversion.history.growing import grow
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, LOST, Floats, Rows, converted_within
from porchlight.intelligence.conversion.history.model import (
    PRIOR,
    PRIOR_WEIGHTS,
    REFERENCES,
    Learned,
    Model,
    score_many,
    sealed,
)
from porchlight.intelligence.conversion.history.terms import About, Term, columns_of, weighted
from porchlight.intelligence.conversion.history.trees import FACTOR_OF_FEATURE, Tree, compiled

ROWS_AT_MOST: Final = 200_000
"""More rows than these add time and hardly anything else; leads are left out at random, whole."""

BASE_SPREAD: Final = 0.35
"""How far (standard deviation, log-odds) a team's base is thought to lie from the industry's, for an average lead."""
SLOPE_SPREAD: Final = 0.12
FACTOR_SPREAD: Final = 0.2
WEIGHT_SPREADS: Final = (0.25, 0.7)
"""How far weights may leave the scorecard's: the careful choice, and the free one."""
TERM_SPREAD: Final = 0.5

LEAST_CONVERSIONS: Final = 8
"""Leads that converted before trees are tried at all."""
LEAST_BEFORE_CUT: Final = 4
HALF_TRUSTS: Final = (10.0, 20.0, 40.0)
"""With c conversions the trees have the share c / (c + h) in the blend: with h of them as much as the regression."""
ROUNDS: Final = 150
LEAVES: Final = 8
LEAF_ROWS: Final = 50
_CUTS: Final = (0.5, 0.75)
_BASE_LEADS: Final = 50.0
"""The industry's base counts as much as this many leads of the team's own with an outcome."""

_BASE: Final = log(BASE_PROBABILITY / (1.0 - BASE_PROBABILITY))


class Choice(NamedTuple):
    """How free the weights are, and with how many conversions the trees are trusted as much; infinite for no trees."""

    spread: float = WEIGHT_SPREADS[0]
    half_trust: float = float("inf")

    def trust(self, conversions: int) -> float:
        return conversions / (conversions + self.half_trust)


UNTRIED: Final = Choice(WEIGHT_SPREADS[0], 40.0)
"""Where there are conversions but too few to choose by; it was the best over many small simulated histories."""


class _Linear(NamedTuple):
    """Log-odds = `level` + sum of (`weights`·(v − reference) or, without data, `missing`) + those of the terms."""

    level: float
    weights: Floats
    missing: Floats
    of_terms: Floats


def learn(rows: Rows, zone: tzinfo = UTC) -> Model:
    """The model that these rows (`landmark_rows`) teach. Without any outcome in them it is the prior, to the bit.

    `zone` is the team's time zone, in which the hours of answers are counted.
    """
    outcomes = rows.ended(CONVERTED, LOST)
    if not outcomes:
        return PRIOR
    rows = _at_most(rows)
    terms = find_terms(rows)
    indicators = columns_of(terms, rows)
    choice = _chosen(rows, indicators)
    y, weights = converted_within(rows, HORIZON_DAYS)
    linear = _fit(rows, indicators, y, weights, choice.spread)
    trees = _trees(rows, indicators @ linear.of_terms, y, weights) if isfinite(choice.half_trust) else ()
    model = sealed(_assembled(rows, indicators, terms, linear, trees, choice, outcomes, (y, weights)))
    about = [About(one.owner, one.custom) for one in rows.about]
    scores = score_many(model, rows.values, rows.marks, about)
    until = model.learned.until or 0.0
    leads = [rows.about[index] for index in np.unique(rows.lead, return_index=True)[1]]
    answers = [at for one in leads for at in answers_of(one.facts) if at <= until]
    shape = learned_shape(rows, scores.factors.sum(axis=1))
    return sealed(replace(model, shape=shape, hours=team_hours(answers, zone)))


def _chosen(rows: Rows, indicators: Floats) -> Choice:
    """The choice with the lowest log-loss on leads captured after a cut, learned from what was known at the cut."""
    if rows.ended(CONVERTED) < LEAST_CONVERSIONS:
        return Choice()
    start = np.full(int(rows.lead.max()) + 1, np.inf)
    np.minimum.at(start, rows.lead, rows.at)
    losses: dict[Choice, float] = {}
    for cut in np.quantile(start[np.isfinite(start)], _CUTS):
        later = start[rows.lead] >= cut
        y_later, w_later = converted_within(rows.take(later), HORIZON_DAYS)
        early = rows.known_at(float(cut))
        if early.ended(CONVERTED) < LEAST_BEFORE_CUT or not y_later[w_later > 0.0].any():
            continue
        for choice, log_odds in _candidates(early, indicators[rows.at < cut], rows.values[later], indicators[later]):
            loss = float(w_later @ (np.logaddexp(0.0, log_odds) - y_later * log_odds))
            losses[choice] = losses.get(choice, 0.0) + loss
    return min(losses, key=lambda choice: losses[choice]) if losses else UNTRIED


def _candidates(early: Rows, indicators: Floats, values: Floats, later: Floats) -> list[tuple[Choice, Floats]]:
    """Every choice with the log-odds that it gives to the later rows."""
    y, weights = converted_within(early, HORIZON_DAYS)
    found: list[tuple[Choice, Floats]] = []
    for spread in WEIGHT_SPREADS:
        linear = _fit(early, indicators, y, weights, spread)
        of_terms = later @ linear.of_terms
        plain = linear.level + _effects(linear, values).sum(axis=1)
        found.append((Choice(spread), plain + of_terms))
        if spread == WEIGHT_SPREADS[0]:
            trees = _trees(early, indicators @ linear.of_terms, y, weights)
            grown = _log_odds(trees, values) + _rate(y, weights)
        for half_trust in HALF_TRUSTS:
            choice = Choice(spread, half_trust)
            trust = choice.trust(early.ended(CONVERTED))
            found.append((choice, (1.0 - trust) * plain + trust * grown + of_terms))
    return found


def _fit(rows: Rows, indicators: Floats, y: Floats, weights: Floats, spread: float) -> _Linear:
    known = weights > 0.0
    values = rows.values[known]
    x = np.nan_to_num(values - np.array(REFERENCES))
    prior = x * np.array(PRIOR_WEIGHTS)
    by_factor = np.column_stack([prior[:, np.array(FACTOR_OF_FEATURE) == k].sum(axis=1) for k in range(len(FACTORS))])
    x = np.column_stack(
        [np.ones(len(x)), prior.sum(axis=1), by_factor, x, np.isnan(values).astype(np.float64), indicators[known]]
    )
    sizes = (1, 1, len(FACTORS), len(FEATURES), len(FEATURES), indicators.shape[1])
    spreads = (BASE_SPREAD, SLOPE_SPREAD, FACTOR_SPREAD, spread, spread, TERM_SPREAD)
    centre = np.zeros(x.shape[1])
    centre[:2] = _BASE, 1.0
    precision = np.concatenate([np.full(size, 1.0 / s**2) for size, s in zip(sizes, spreads, strict=True)])
    found = logistic.fit(x, y[known], centre=centre, precision=precision, weights=weights[known]).coefficients
    level, slope, factors, features, missing, terms = np.split(found, np.cumsum(sizes)[:-1])
    stretched = np.array(PRIOR_WEIGHTS) * (slope[0] + factors[np.array(FACTOR_OF_FEATURE)])
    return _Linear(float(level[0]), stretched + features, missing, terms)


def _trees(rows: Rows, offset: Floats, y: Floats, weights: Floats) -> tuple[Tree, ...]:
    known = weights > 0.0
    counted = weights[known] / weights[known].mean()
    return grow(
        rows.values[known],
        y[known],
        counted,
        offset[known] + _rate(y, weights),
        rounds=ROUNDS,
        leaves=LEAVES,
        leaf_rows=LEAF_ROWS,
    )


def _rate(y: Floats, weights: Floats) -> float:
    """The log-odds of the share that converted, with the industry's as prior."""
    rate = (float(weights @ y) + _BASE_LEADS * BASE_PROBABILITY) / (float(weights.sum()) + _BASE_LEADS)
    return log(rate / (1.0 - rate))


def _log_odds(trees: Sequence[Tree], values: Floats) -> Floats:
    ready = compiled(trees)
    return np.asarray(ready.constant + ready.effects_of_many(values).sum(axis=1), dtype=np.float64)


def _effects(linear: _Linear, values: Floats) -> Floats:
    known = linear.weights * (values - np.array(REFERENCES))
    return np.where(np.isnan(values), linear.missing, known)


def _assembled(
    rows: Rows,
    indicators: Floats,
    terms: Sequence[Term],
    linear: _Linear,
    trees: tuple[Tree, ...],
    choice: Choice,
    outcomes: int,
    labels: tuple[Floats, Floats],
) -> Model:
    """Both parts blended, and told from the average lead.

    The base is the mean probability of the rows, near the industry's while there are few outcomes. What separates it
    from the level of the sum is shared out over all that adds to it in proportion to how much each varies with the sum:
    so far apart are the average lead and a lead that is average in everything.
    """
    trust = choice.trust(rows.ended(CONVERTED)) if trees else 0.0
    ready = compiled(trees, trust)
    effects = (1.0 - trust) * _effects(linear, rows.values) + ready.effects_of_many(rows.values)
    ends = np.cumsum([0, *(term.columns for term in terms)])
    of_terms = [indicators[:, a:b] @ linear.of_terms[a:b] for a, b in pairwise(ends)]
    everything = np.column_stack([effects, *of_terms])
    total = everything.sum(axis=1)
    level = (1.0 - trust) * linear.level + trust * _rate(*labels) + ready.constant
    mean = float(expit(level + total).mean())
    heard = outcomes / (outcomes + _BASE_LEADS)
    base = _BASE + heard * (log(mean / (1.0 - mean)) - _BASE)
    together = (everything - everything.mean(axis=0)).T @ (total - total.mean())
    shares = together / together.sum() if together.sum() > 1e-9 else np.full(len(together), 1.0 / len(together))
    zeros = ((level - base) * shares).tolist()
    return Model(
        base_probability=float(expit(base)),
        weights=tuple(((1.0 - trust) * linear.weights).tolist()),
        zeros=tuple(zeros[: len(FEATURES)]),
        missing=tuple(((1.0 - trust) * linear.missing).tolist()),
        trees=trees,
        trust=trust,
        terms=weighted(terms, linear.of_terms.tolist(), zeros[len(FEATURES) :]),
        learned=Learned(
            rows=len(rows),
            leads=len(np.unique(rows.lead)),
            outcomes=outcomes,
            conversions=rows.ended(CONVERTED),
            until=float((rows.at + rows.followed * 86_400.0).max()),
            stages=("level", "weights", *(("trees",) if trees else ())),
        ),
        compiled=ready,
    )


def _at_most(rows: Rows) -> Rows:
    if len(rows) <= ROWS_AT_MOST:
        return rows
    leads = np.random.default_rng(20).permutation(int(rows.lead.max()) + 1)
    return rows.take(leads[rows.lead] < len(leads) * ROWS_AT_MOST / len(rows))
