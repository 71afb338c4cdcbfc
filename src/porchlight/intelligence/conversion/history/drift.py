"""Whether the world has moved away from what a model learned: its inputs, and how forecasts come true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy.stats import chi2

from porchlight.intelligence.conversion.features import FEATURES
from porchlight.intelligence.conversion.history.landmarks import Floats, Ints
from porchlight.intelligence.evaluation.binary import Interval

MOVED: Final = 0.1
SHIFTED: Final = 0.25
"""The usual reading of the population stability index: below 0.1 stable, from 0.25 another population (Siddiqi,
Credit Risk Scorecards, 2006)."""
LEAST_OUTCOMES: Final = 20
"""Conversions, seen or forecast, before anything is said of a forecast's truth."""
TOLERATED: Final = (0.67, 1.5)
"""Observed over forecast conversions within which a forecast still serves to decide whom to call first."""
_BINS: Final = 10
_LEAST_ROWS: Final = 100
_FLOOR: Final = 1e-3

Word = Literal["yes", "careful", "too_early"]


class Shift(NamedTuple):
    """How far a feature's values have moved (`psi`), in the unit of `MOVED` and `SHIFTED`."""

    feature: str
    psi: float


class Agreement(NamedTuple):
    """Of a group or a window of time: leads, conversions observed and forecast, their ratio with a 95 % interval."""

    name: str
    leads: int
    observed: float
    forecast: float
    ratio: Interval

    @property
    def off(self) -> bool:
        """Whether chance alone does not explain that the ratio lies outside of `TOLERATED`."""
        return self.ratio.low > TOLERATED[1] or self.ratio.high < TOLERATED[0]


@dataclass(frozen=True, slots=True)
class Trust:
    """`sentence` answers "Can I trust the score?"."""

    word: Word
    sentence: str


def stability(reference: Floats, current: Floats) -> list[Shift]:
    """The population stability index of every feature between two matrices (n, features; NaN without data).

    Bins are tenths of the reference, missing data is one of its own. The furthest moved comes first. Empty where either
    has too few rows to tell.
    """
    if min(len(reference), len(current)) < _LEAST_ROWS:
        return []
    found = [
        Shift(feature.name, index_of(reference[:, column], current[:, column]))
        for column, feature in enumerate(FEATURES)
    ]
    return sorted(found, key=lambda shift: -shift.psi)


def index_of(reference: Floats, current: Floats) -> float:
    """The population stability index of one column, less what chance alone makes of samples of these sizes."""
    known = reference[~np.isnan(reference)]
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, _BINS + 1)[1:-1])) if len(known) else np.empty(0)
    before, after = (_shares(values, edges) for values in (reference, current))
    used = int(((before > 0.0) | (after > 0.0)).sum())
    before, after = np.maximum(before, _FLOOR), np.maximum(after, _FLOOR)
    raw = float(((after - before) * np.log(after / before)).sum())
    return max(0.0, raw - (used - 1) * (1.0 / len(reference) + 1.0 / len(current)))


def agreement(name: str, y: Floats, p: Floats, lead: Ints) -> Agreement:
    """Observed against forecast conversions, each lead's rows averaged; the interval is that of a Poisson count."""
    _, number, counts = np.unique(lead, return_inverse=True, return_counts=True)
    part = 1.0 / counts[number] if len(lead) else np.empty(0)
    observed, forecast = float(part @ y), float(part @ p)
    if forecast <= 0.0:
        return Agreement(name, len(counts), observed, forecast, Interval(float("nan"), 0.0, float("inf")))
    low = float(chi2.ppf(0.025, 2.0 * observed)) / 2.0 if observed > 0.0 else 0.0
    high = float(chi2.ppf(0.975, 2.0 * (observed + 1.0))) / 2.0
    return Agreement(
        name, len(counts), observed, forecast, Interval(observed / forecast, low / forecast, high / forecast)
    )


def by_group(groups: Sequence[str], y: Floats, p: Floats, lead: Ints) -> list[Agreement]:
    """Agreement by source, agent or window of time (one name per row), the largest group first."""
    named = np.asarray(groups, dtype=str)
    found = []
    for name in np.unique(named):
        inside = named == name
        found.append(agreement(str(name), y[inside], p[inside], lead[inside]))
    return sorted(found, key=lambda group: (-group.leads, group.name))


def trust(overall: Agreement, windows: Sequence[Agreement] = (), shifts: Sequence[Shift] = ()) -> Trust:
    """The verdict in plain language, on all leads, on the latest of `windows` (oldest first) and on what has moved."""
    if max(overall.observed, overall.forecast) < LEAST_OUTCOMES:
        count = round(overall.observed)
        return Trust("too_early", f"Too early to say: {count} outcome{'' if count == 1 else 's'}.")
    if overall.off:
        return Trust("careful", f"Careful: {_times(overall.ratio)} as many convert as the forecasts say.")
    late = windows[-1] if windows else overall
    if late.off:
        return Trust("careful", f"Careful: of late ({late.name}) {_times(late.ratio)} as many convert as forecast.")
    far = [shift for shift in shifts if shift.psi >= SHIFTED]
    if far:
        names = ", ".join(shift.feature.replace("_", " ") for shift in far[:3])
        return Trust("careful", f"Careful: leads are no longer like those it learned from ({names}).")
    return Trust(
        "yes",
        f"Yes, within limits: {overall.observed:.0f} converted where {overall.forecast:.0f} were forecast.",
    )


def _shares(values: Floats, edges: Floats) -> Floats:
    missing = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=len(edges) + 1)
    return np.append(counts, missing.sum()) / max(1, len(values))


def _times(ratio: Interval) -> str:
    if not isfinite(ratio.value):
        return "far from"
    return f"{ratio.value:.1f} times"
