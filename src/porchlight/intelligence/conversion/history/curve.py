"""The conversion curve: one competing-risks hazard per day, converted or lost, over intervals from the moment asked.

Its level is not free: the curve is scaled so that it passes through the calibrated probability at 90 days, and says
how that probability spreads over time. Behind its end nothing more is expected: most leads never convert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from math import exp, expm1, isfinite, log
from typing import Any, Final, NamedTuple

import numpy as np

from porchlight.intelligence.conversion.features import FEATURES
from porchlight.intelligence.conversion.forecast import HORIZON_DAYS
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, LOST, Floats, Rows

EDGES: Final = (0.0, 7.0, 14.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 270.0, 365.0)
"""Days; the hazards are constant between them."""
HORIZONS: Final = (7, 30, 90)
LAST_DAY: Final = int(EDGES[-1])
LEAST_TO_DATE: Final = 0.10
"""Below this probability of converting at all, a date would be a guess."""

DEAL_UNDER_WAY: Final = 0.5
"""From this value of `pipeline` on an offer is on the table, and the curve is that of deals."""
_PIPELINE: Final = [feature.name for feature in FEATURES].index("pipeline")
_DAYS: Final = np.arange(LAST_DAY + 1, dtype=np.float64)
_WIDTHS: Final = np.diff(np.array(EDGES))
_SHRINKAGE: Final = 3.0
"""The prior shape of each interval counts as much as this many leads that ended in it."""
_SLOPE_PRECISION: Final = 1.0 / 0.2**2


@dataclass(frozen=True, slots=True)
class Shape:
    """Hazards per day in each interval, for leads before an offer and with a `deal` under way.

    Only the proportions of `converted` matter. `lost` is that of a lead with the team's average odds of converting; a
    lead with e^u times those odds has e^(`lost_slope`·u) times that hazard.
    """

    converted: tuple[float, ...]
    lost: tuple[float, ...]
    deal_converted: tuple[float, ...]
    deal_lost: tuple[float, ...]
    lost_slope: float


PRIOR_SHAPE: Final = Shape(
    converted=(0.1, 0.2, 0.5, 0.8, 1.0, 1.3, 1.3, 1.1, 0.7, 0.5),
    lost=(0.001, 0.001, 0.003, 0.005, 0.006, 0.007, 0.006, 0.004, 0.002, 0.002),
    deal_converted=(0.3, 0.7, 1.5, 2.0, 1.5, 0.8, 0.5, 0.3, 0.2, 0.2),
    deal_lost=(0.003, 0.003, 0.003, 0.002, 0.002, 0.002, 0.001, 0.001, 0.001, 0.001),
    lost_slope=-0.3,
)
"""Judgement around two published figures: a search of 10 weeks at the median (NAR, Profile of Home Buyers and Sellers)
and 30 to 42 days from contract to closing (NAR, REALTORS Confidence Index 2016–2018). No source is known for how fast
teams write leads off; half of the average leads within half a year is a guess that history replaces."""


class Expected(NamedTuple):
    """When a lead that converts will do so: the median, and the middle 80 %, in days from the moment asked."""

    days: float
    low: float
    high: float

    def dates(self, at: float) -> tuple[datetime, datetime, datetime]:
        """The same as moments in UTC."""
        start = datetime.fromtimestamp(at, UTC)
        return tuple(start + timedelta(days=days) for days in self)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """`converted` and `lost` (LAST_DAY + 1,): the probability of having ended so by day d; never falling.

    `within` has P(converted) by each of `HORIZONS`; `expected` is None where no date can be named.
    """

    converted: Floats
    lost: Floats
    within: Mapping[int, float]
    lost_within: Mapping[int, float]
    expected: Expected | None


def curve_of(shape: Shape, probability: float, base_probability: float, values: Sequence[float | None]) -> Curve:
    """The curve of an open lead with this probability of converting within 90 days and these feature values."""
    deal = (values[_PIPELINE] or 0.0) >= DEAL_UNDER_WAY
    converted = np.array(shape.deal_converted if deal else shape.converted)
    lost = np.array(shape.deal_lost if deal else shape.lost)
    lost = lost * exp(shape.lost_slope * (_logit(probability) - _logit(base_probability)))
    scaled = converted * _level(converted, lost, probability)
    by_day, lost_by_day = _incidence(scaled, lost, _DAYS)
    by_day[HORIZON_DAYS] = probability
    # The search for the level is exact to rounding; this keeps rounding from making the curve fall.
    by_day = np.maximum.accumulate(
        np.concatenate([np.minimum(by_day[:HORIZON_DAYS], probability), by_day[HORIZON_DAYS:]])
    )
    return Curve(
        by_day,
        lost_by_day,
        {days: float(by_day[days]) for days in HORIZONS},
        {days: float(lost_by_day[days]) for days in HORIZONS},
        _expected(by_day),
    )


def learned_shape(rows: Rows, log_odds: Floats) -> Shape:
    """The shape in these rows, shrunk towards the prior one; `log_odds` (n,) of each row beside the average lead's."""
    dated = ~np.isnan(rows.days)
    rows, log_odds = rows.take(dated), np.clip(log_odds[dated], -6.0, 6.0)
    deal = np.nan_to_num(rows.values[:, _PIPELINE]) >= DEAL_UNDER_WAY
    slope = _lost_slope(rows, log_odds)
    parts = {}
    for name, chosen in (("", ~deal), ("deal_", deal)):
        some, beside = rows.take(chosen), np.exp(slope * log_odds[chosen])
        for event, kind in ((CONVERTED, "converted"), (LOST, "lost")):
            exposure = np.ones(len(some)) if event == CONVERTED else beside
            prior: tuple[float, ...] = getattr(PRIOR_SHAPE, name + kind)
            parts[name + kind] = _hazards(some, event, exposure, np.array(prior), keep_level=event == LOST)
    return Shape(**parts, lost_slope=slope)


def shape_to_json(shape: Shape) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(shape).items()}


def shape_from_json(document: Mapping[str, Any]) -> Shape:
    """The shape that `shape_to_json` wrote. Raises ValueError where it is out of bounds."""
    names = ("converted", "lost", "deal_converted", "deal_lost")
    hazards = {name: tuple(float(value) for value in document[name]) for name in names}
    slope = float(document["lost_slope"])
    for name, values in hazards.items():
        if len(values) != len(EDGES) - 1 or not all(isfinite(value) and 0.0 < value < 1e3 for value in values):
            raise ValueError(f"the curve's hazards {name!r} are out of bounds")
    if not -3.0 <= slope <= 3.0:
        raise ValueError("the curve's slope is out of bounds")
    return Shape(**hazards, lost_slope=slope)


def _hazards(rows: Rows, event: int, exposure: Floats, prior: Floats, *, keep_level: bool) -> tuple[float, ...]:
    weight = rows.weights * exposure
    ended = rows.event == event
    counts = np.histogram(rows.days[ended], np.array(EDGES), weights=rows.weights[ended])[0]
    watched = np.clip(rows.days[:, None] - np.array(EDGES[:-1]), 0.0, _WIDTHS)
    expected = prior * (weight @ watched)  # ended in each interval, were the prior right
    strength = _SHRINKAGE if keep_level else 1e-9
    level = (counts.sum() + strength) / (expected.sum() + strength)
    ratio = (counts + _SHRINKAGE) / (level * expected + _SHRINKAGE)
    return tuple((prior * level * ratio if keep_level else prior * ratio).tolist())


def _lost_slope(rows: Rows, log_odds: Floats) -> float:
    """How the hazard of being lost goes with the odds of converting: Poisson likelihood, normal prior, Newton."""
    edges = np.array(EDGES[:-1])
    base = np.clip(rows.days[:, None] - edges, 0.0, _WIDTHS) @ np.array(PRIOR_SHAPE.lost)
    ended = (rows.event == LOST) * rows.weights
    expected = base * rows.weights
    prior = PRIOR_SHAPE.lost_slope
    slope = prior
    for _ in range(30):
        part = expected * np.exp(slope * log_odds)
        part *= (ended.sum() + 1.0) / (part.sum() + 1.0)  # the level is learned beside
        gradient = float(log_odds @ (ended - part)) - _SLOPE_PRECISION * (slope - prior)
        curvature = float(log_odds**2 @ part) + _SLOPE_PRECISION
        step = max(-0.5, min(0.5, gradient / curvature))
        slope = max(-2.0, min(2.0, slope + step))
        if abs(step) < 1e-10:
            break
    return slope


def _incidence(converted: Floats, lost: Floats, days: Floats) -> tuple[Floats, Floats]:
    """Cumulative incidence of both ends by `days`."""
    both = converted + lost
    starts = np.array(EDGES[:-1])
    alive = np.exp(-np.concatenate([[0.0], np.cumsum(both * _WIDTHS)[:-1]]))
    gone = -np.expm1(-both * np.clip(days[:, None] - starts, 0.0, _WIDTHS)) * alive
    share = converted / both
    return gone @ share, gone @ (1.0 - share)


def _level(converted: Floats, lost: Floats, probability: float) -> float:
    """What the hazards of converting have to be multiplied with so that P(90 days) comes out; by bisection in logs."""
    low, high = -40.0, 40.0
    hazards = [
        (c, k, w)
        for c, k, w, end in zip(converted.tolist(), lost.tolist(), _WIDTHS.tolist(), EDGES[1:], strict=True)
        if end <= HORIZON_DAYS
    ]
    for _ in range(70):
        middle = 0.5 * (low + high)
        scale, alive, found = exp(middle), 1.0, 0.0
        for c, k, width in hazards:
            both = c * scale + k
            gone = -alive * expm1(-both * width)
            found += gone * c * scale / both
            alive -= gone
        if found < probability:
            low = middle
        else:
            high = middle
    return exp(0.5 * (low + high))


def _expected(by_day: Floats) -> Expected | None:
    total = float(by_day[-1])
    if total < LEAST_TO_DATE:
        return None
    low, middle, high = (float(np.interp(part * total, by_day, _DAYS)) for part in (0.1, 0.5, 0.9))
    return Expected(middle, low, high)


def _logit(probability: float) -> float:
    held = min(max(probability, 1e-12), 1.0 - 1e-12)
    return log(held / (1.0 - held))
