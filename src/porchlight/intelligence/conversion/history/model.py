"""The learned model: the scorecard's columns with a team's own weights, trees by factor, and what stands beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import isfinite, log
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from porchlight.intelligence.conversion.features import (
    BASE_PROBABILITY,
    FACTORS,
    FEATURES,
    NEUTRAL,
    Context,
    feature_values,
)
from porchlight.intelligence.conversion.forecast import (
    MODEL_VERSION,
    Forecast,
    forecast_ended,
    forecast_of,
)
from porchlight.intelligence.conversion.history import terms as beside
from porchlight.intelligence.conversion.history import trees as forest
from porchlight.intelligence.conversion.history.best_hours import PRIOR_HOURS, Hours, hours_from_json
from porchlight.intelligence.conversion.history.curve import PRIOR_SHAPE, Shape, shape_from_json, shape_to_json
from porchlight.intelligence.conversion.history.landmarks import Floats
from porchlight.intelligence.conversion.history.terms import About, Reader, Term
from porchlight.intelligence.conversion.history.trees import FACTOR_OF_FEATURE, Compiled, Tree
from porchlight.intelligence.conversion.kinds import TERMINAL_STAGES
from porchlight.intelligence.conversion.scorecard import WEIGHT_OF
from porchlight.intelligence.conversion.state import State

FORMAT: Final = 1
_BOUND: Final = 50.0
"""No weight in log-odds is believed beyond this; it is e⁵⁰ in odds."""

PRIOR_WEIGHTS: Final = tuple(WEIGHT_OF[feature.name] for feature in FEATURES)
REFERENCES: Final = tuple(feature.reference for feature in FEATURES)
NOTHING: Final = (0.0,) * len(FEATURES)


class ModelFormatError(ValueError):
    """The document is no model of this version of the software: learn again."""


class Learned(NamedTuple):
    """What a model has learned from, until when (epoch seconds), and what the inner validation kept."""

    rows: int = 0
    leads: int = 0
    outcomes: int = 0
    conversions: int = 0
    until: float | None = None
    stages: tuple[str, ...] = ()


_NOTHING_LEARNED: Final = Learned()
_NOTHING_KNOWN: Final = About()


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A feature with a value v adds `weights`·(v − reference) + `zeros`, one without data `missing` + `zeros`.

    The trees, times `trust`, and the terms come on top. All of it is log-odds beside `base_probability`.
    """

    base_probability: float = BASE_PROBABILITY
    weights: tuple[float, ...] = PRIOR_WEIGHTS
    zeros: tuple[float, ...] = NOTHING
    missing: tuple[float, ...] = NOTHING
    trees: tuple[Tree, ...] = ()
    trust: float = 0.0
    terms: tuple[Term, ...] = ()
    shape: Shape = PRIOR_SHAPE
    hours: Hours = PRIOR_HOURS
    learned: Learned = _NOTHING_LEARNED
    version: str = MODEL_VERSION
    compiled: Compiled = field(default_factory=lambda: forest.compiled(()), repr=False)
    reader: Reader = field(default_factory=lambda: Reader(()), repr=False)


PRIOR: Final = Model()
"""The documented scorecard as a model, to the bit."""


class Scores(NamedTuple):
    """Forecasts of n leads: `probability` and `score` of shape (n,), `factors` (n, 8)."""

    probability: Floats
    score: Floats
    factors: Floats


def forecast_with(
    model: Model,
    state: State,
    at: float,
    context: Context = NEUTRAL,
    about: About = _NOTHING_KNOWN,
) -> Forecast:
    """The model's forecast for a lead in `state` at `at` (epoch seconds); the base is the model's own."""
    if state.stage in TERMINAL_STAGES:
        return forecast_ended(model.base_probability, model.version)
    return forecast_values(model, feature_values(state, at, context), state.sources, about)


def forecast_values(
    model: Model,
    values: tuple[float | None, ...],
    marks: Sequence[int] = (),
    about: About = _NOTHING_KNOWN,
) -> Forecast:
    """The forecast for an open lead with these feature values and sources (`State.sources`)."""
    effects = [
        (without if value is None else weight * (value - reference)) + zero
        for value, weight, reference, without, zero in zip(
            values, model.weights, REFERENCES, model.missing, model.zeros, strict=True
        )
    ]
    if model.trees:
        effects = [own + more for own, more in zip(effects, model.compiled.effects_of(values).tolist(), strict=True)]
    others = model.reader.others(marks, about)
    totals = [0.0] * len(FACTORS)
    for factor, effect in zip(FACTOR_OF_FEATURE, effects, strict=True):
        totals[factor] += effect
    for other in others:
        totals[FACTORS.index(other.factor)] += other.log_odds
    return forecast_of(totals, values, model.base_probability, model.version, tuple(effects), others)


def score_many(
    model: Model, matrix: Floats, marks: Sequence[Sequence[int]] = (), about: Sequence[About] = ()
) -> Scores:
    """`forecast_values` for every row of `matrix` (n, features; NaN without data) at once, equal to 1e-12.

    `marks` and `about` are per row, or empty where nothing is known beside the features.
    """
    known = np.array(model.weights) * (matrix - np.array(REFERENCES))
    effects = np.where(np.isnan(matrix), np.array(model.missing), known) + np.array(model.zeros)
    if model.trees:
        effects += model.compiled.effects_of_many(matrix)
    factors = np.zeros((len(matrix), len(FACTORS)))
    for column, factor in enumerate(FACTOR_OF_FEATURE):
        factors[:, factor] += effects[:, column]
    if model.terms:
        for row in range(len(matrix)):
            for other in model.reader.others(marks[row] if marks else (), about[row] if about else _NOTHING_KNOWN):
                factors[row, FACTORS.index(other.factor)] += other.log_odds
    total = np.zeros(len(matrix))
    for column in range(len(FACTORS)):
        total += factors[:, column]
    base = log(model.base_probability / (1.0 - model.base_probability))
    return Scores(_sigmoid(base + total), 100.0 * _sigmoid(total), factors)


def sealed(model: Model) -> Model:
    """The model ready to serve, its version being the hash of what it says."""
    ready = replace(
        model, compiled=forest.compiled(model.trees, model.trust), reader=Reader(model.terms), version="own-"
    )
    digest = sha256(orjson.dumps(to_json(ready), option=orjson.OPT_SORT_KEYS)).hexdigest()
    return replace(ready, version=f"own-{digest[:8]}")


def to_json(model: Model) -> dict[str, Any]:
    """The model as JSON values; `from_json` gives back the same bits."""
    return {
        "format": FORMAT,
        "version": model.version,
        "features": [feature.name for feature in FEATURES],
        "base_probability": model.base_probability,
        "weights": list(model.weights),
        "zeros": list(model.zeros),
        "missing": list(model.missing),
        "trees": forest.to_json(model.trees),
        "trust": model.trust,
        "terms": beside.to_json(model.terms),
        "shape": shape_to_json(model.shape),
        "hours": list(model.hours.shares),
        "learned": model.learned._asdict() | {"stages": list(model.learned.stages)},
    }


def from_json(document: Mapping[str, Any]) -> Model:
    """The model that `to_json` wrote. Raises `ModelFormatError` for anything else."""
    try:
        return _read(document)
    except ModelFormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelFormatError(f"this is no model that can be read ({error}): learn again") from error


def _read(document: Mapping[str, Any]) -> Model:
    if document["format"] != FORMAT:
        raise ModelFormatError(f"model format {document['format']!r} is not {FORMAT}: learn again")
    if document["features"] != [feature.name for feature in FEATURES]:
        raise ModelFormatError("the model was learned on other features: learn again")
    learned = document["learned"]
    model = Model(
        base_probability=float(document["base_probability"]),
        weights=_numbers(document["weights"]),
        zeros=_numbers(document["zeros"]),
        missing=_numbers(document["missing"]),
        trees=forest.from_json(document["trees"]),
        trust=float(document["trust"]),
        terms=beside.from_json(document["terms"]),
        shape=shape_from_json(document["shape"]),
        hours=hours_from_json(document["hours"]),
        learned=Learned(**(dict(learned) | {"stages": tuple(learned["stages"])})),
    )
    if not 0.0 < model.base_probability < 1.0 or not 0.0 <= model.trust <= 1.0:
        raise ModelFormatError("the model's base or trust is out of bounds: learn again")
    if document["version"] == MODEL_VERSION:
        return replace(model, version=MODEL_VERSION)
    ready = sealed(model)
    if ready.version != document["version"]:
        raise ModelFormatError(f"the model does not add up to its version {document['version']!r}: learn again")
    return ready


def _numbers(values: Sequence[float]) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    if len(found) != len(FEATURES) or not all(isfinite(value) and abs(value) <= _BOUND for value in found):
        raise ModelFormatError("a weight of the model is missing or out of bounds: learn again")
    return found


def _sigmoid(z: Floats) -> Floats:
    small = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0.0, 1.0 / (1.0 + small), small / (1.0 + small)), dtype=np.float64)
