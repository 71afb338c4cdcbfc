"""Whether leads still look as they did when the forecasts that could be checked were made. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from porchlight.leads.learning.clustered import Floats

BINS: Final = 10
MODERATE: Final = 0.1
LARGE: Final = 0.25
"""The usual reading of the population stability index (Siddiqi, Credit Risk Scorecards, 2006): 0.1 and 0.25."""
_CHANCE: Final = 0.01
"""How often all the inputs together may be said to have moved when nothing has."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One input now against before: `psi` is the population stability index, `moved` what to call it.

    `before` and `now` are means; of a share, of what had a value.
    """

    name: str
    psi: float
    moved: Literal["steady", "somewhat", "much"]
    before: float
    now: float


def drift(before: Floats, now: Floats, names: Sequence[str], leads_before: int, leads_now: int) -> list[Drift]:
    """How far each column of `now` (rows × inputs, NaN where unknown) lies from `before`, the most moved first.

    What chance alone would show is no drift: the index times 1/(1/n + 1/m) is about chi-squared with one degree of
    freedom less than bins (Yurdakul, “Statistical properties of population stability index”, 2018), where n and m count
    leads, because the rows of one lead are alike.
    """
    found = []
    for column, name in enumerate(names):
        old, new = before[:, column], now[:, column]
        first, second = _shares(old, new)
        psi = float(((second - first) * np.log(second / first)).sum())
        chance = chi2.ppf(1 - _CHANCE / len(names), max(1, len(first) - 1)) * (1 / leads_before + 1 / leads_now)
        moved: Literal["steady", "somewhat", "much"] = "steady"
        if psi > max(MODERATE, chance):
            moved = "much" if psi > LARGE else "somewhat"
        found.append(Drift(name, psi, moved, _mean(old), _mean(new)))
    return sorted(found, key=lambda one: (one.moved == "steady", -one.psi))


def _shares(old: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Both columns as shares of the same bins: tenths of the old one, and one for what is unknown."""
    known = old[~np.isnan(old)]
    inner = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if known.size else np.zeros(0)
    return _counted(old, inner), _counted(new, inner)


def _counted(values: Floats, inner: NDArray[np.float64]) -> Floats:
    place = np.where(np.isnan(values), len(inner) + 1, np.searchsorted(inner, values, side="left"))
    counts = (
        np.bincount(place.astype(np.int64), minlength=len(inner) + 2) + 0.5
    )  # an empty bin is not an impossible one
    return np.asarray(counts / counts.sum(), dtype=np.float64)


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
