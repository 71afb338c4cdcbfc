"""The forecast: what the prior scorecard makes of a state at a time, and the shape that every model's forecast has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final, Literal, NamedTuple

from porchlight.intelligence.conversion.features import (
    FACTORS,
    FEATURES,
    NEUTRAL,
    Context,
    Factor,
    feature_values,
)
from porchlight.intelligence.conversion.kinds import TERMINAL_STAGES
from porchlight.intelligence.conversion.scorecard import TERMINAL_LOG_ODDS, WEIGHT_OF
from porchlight.intelligence.conversion.state import State

MODEL_VERSION: Final = "prior-1"
HORIZON_DAYS: Final = 90

Grade = Literal["A", "B", "C"]
GRADE_A: Final = 80.0
"""Four times the base odds."""
GRADE_B: Final = 60.0
"""One and a half times the base odds."""


class Factors(NamedTuple):
    """The eight signed log-odds, in the order in which they are added up."""

    budget_alignment: float
    urgency: float
    property_match: float
    responsiveness: float
    market_timing: float
    agent_fit: float
    competition: float
    momentum: float


class Other(NamedTuple):
    """What something beside the features adds to its factor, in log-odds, with its words."""

    factor: Factor
    text: str
    log_odds: float


class Contribution(NamedTuple):
    """What one feature adds to its factor; `value` is None where the feature has no data."""

    feature: str
    value: float | None
    log_odds: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`probability` of converting within 90 days; `score` 0–100, 50 an average lead, equal to `score_from(factors)`.

    `values` are those of the features in the order of `FEATURES`. A closed or lost lead has none of them, the one
    contribution `ended`, and a fixed score of 1: see `TERMINAL_LOG_ODDS`. A model learned from history says itself what
    each feature adds (`effects`), and what else does (`others`).
    """

    probability: float
    score: float
    grade: Grade
    factors: Factors
    values: tuple[float | None, ...]
    model_version: str = MODEL_VERSION
    effects: tuple[float, ...] | None = None
    others: tuple[Other, ...] = ()

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """What each feature adds to the score. Made when asked for: it takes half as long as the forecast itself."""
        if not self.values:
            return (Contribution("ended", 1.0, TERMINAL_LOG_ODDS),)
        if self.effects is not None:
            learned = zip(_PLAN, self.values, self.effects, strict=True)
            return (
                *(Contribution(name, value, effect) for (name, _, _, _), value, effect in learned),
                *(Contribution(other.text, 1.0, other.log_odds) for other in self.others),
            )
        return tuple(
            Contribution(name, value, 0.0 if value is None else weight * (value - reference))
            for (name, _, weight, reference), value in zip(_PLAN, self.values, strict=True)
        )


def forecast(state: State, at: float, context: Context = NEUTRAL) -> Forecast:
    """The forecast for a lead in `state` at `at` (epoch seconds), which should not precede the latest fact."""
    if state.stage in TERMINAL_STAGES:
        return forecast_ended(context.base_probability)
    return forecast_from(feature_values(state, at, context), context)


def forecast_ended(base_probability: float, model_version: str = MODEL_VERSION) -> Forecast:
    """The forecast for a closed or lost lead, by whatever model."""
    return forecast_of((*(0.0,) * (len(FACTORS) - 1), TERMINAL_LOG_ODDS), (), base_probability, model_version)


def forecast_from(values: Sequence[float | None], context: Context = NEUTRAL) -> Forecast:
    """The forecast for an open lead with these feature values, in the order of `FEATURES`."""
    totals = [0.0] * len(FACTORS)
    for (_, factor, weight, reference), value in zip(_PLAN, values, strict=True):
        if value is not None:
            totals[factor] += weight * (value - reference)
    return forecast_of(totals, tuple(values), context.base_probability)


def score_from(factors: Iterable[float]) -> float:
    """100 · sigmoid of the sum: the same eight floats give the same score to the bit, today and when read back."""
    return 100.0 * _sigmoid(_total(factors))


def grade_of(score: float) -> Grade:
    return "A" if score >= GRADE_A else "B" if score >= GRADE_B else "C"


def forecast_of(
    totals: Iterable[float],
    values: tuple[float | None, ...],
    base_probability: float,
    model_version: str = MODEL_VERSION,
    effects: tuple[float, ...] | None = None,
    others: tuple[Other, ...] = (),
) -> Forecast:
    """The forecast that eight factors make beside a base."""
    factors = Factors._make(totals)
    score = score_from(factors)
    probability = _sigmoid(log(base_probability / (1.0 - base_probability)) + _total(factors))
    return Forecast(probability, score, grade_of(score), factors, values, model_version, effects, others)


def _total(factors: Iterable[float]) -> float:
    # not sum(), which rounds differently from Python 3.12 on
    total = 0.0
    for factor in factors:
        total += factor
    return total


def _sigmoid(log_odds: float) -> float:
    if log_odds >= 0.0:
        return 1.0 / (1.0 + exp(-log_odds))
    odds = exp(log_odds)
    return odds / (1.0 + odds)


_PLAN: Final = tuple(
    (feature.name, FACTORS.index(feature.factor), WEIGHT_OF[feature.name], feature.reference) for feature in FEATURES
)
