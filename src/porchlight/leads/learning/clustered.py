"""Measures of forecasts where one lead gives several rows: intervals must not count its luck several times.

A lead's rows stay together in a Poisson bootstrap (each lead is drawn 0, 1, 2 … times, independently; Hanley and
MacGibbon, “Creating non-parametric bootstrap samples using Poisson frequencies”, 2006), which needs one sort in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REPLICATES: Final = 400
COVERAGE: Final = 0.95
_SEED: Final = 20_261_121
"""Any constant: the same history must always give the same page."""
SMALLEST: Final = 1e-6
"""Probabilities are kept this far from 0 and 1 where a logarithm is taken."""
TOP: Final = 0.1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval of 95 % coverage."""

    value: float
    low: float
    high: float


def measures(won: Floats, said: Floats, lead: Ints) -> dict[str, Estimate]:
    """Of rows with outcome `won` (0 or 1), forecast `said` and their lead's number (0 … n−1):

    `auc`, `log_loss`, `base_log_loss` (of always saying the mean), `brier`, `happened` and `said` (means), `ratio`
    (happened over said), `top` (share of the wins among the tenth with the highest forecasts). There must be a win and
    a row that is none.
    """
    order = np.argsort(said, kind="stable")
    won, said, lead = won[order], said[order], lead[order]
    ties = np.flatnonzero(np.diff(said, prepend=-1.0))
    kept = np.clip(said, SMALLEST, 1 - SMALLEST)
    loss = -(won * np.log(kept) + (1 - won) * np.log1p(-kept))
    rng = np.random.default_rng(_SEED)
    leads = int(lead.max()) + 1
    value = _weighed(won, said, loss, ties, np.ones(len(won)))
    drawn = [_weighed(won, said, loss, ties, rng.poisson(1.0, leads)[lead].astype(float)) for _ in range(REPLICATES)]
    tail = (1 - COVERAGE) / 2
    found = {}
    for name, best in value.items():
        spread = np.array([one[name] for one in drawn])
        low, high = np.nanquantile(spread, [tail, 1 - tail])
        found[name] = Estimate(best, float(low), float(high))
    return found


def _weighed(won: Floats, said: Floats, loss: Floats, ties: Ints, weight: Floats) -> Mapping[str, float]:
    """The measures with a weight for each row, which lie in the order of `said`; `ties` is where each value begins."""
    total, wins = weight.sum(), (weight * won).sum()
    if not 0 < wins < total:
        return dict.fromkeys(
            ("auc", "log_loss", "base_log_loss", "brier", "happened", "said", "ratio", "top"), float("nan")
        )
    rate, mean = wins / total, (weight * said).sum() / total
    up, down = np.add.reduceat(weight * won, ties), np.add.reduceat(weight * (1 - won), ties)
    below = np.cumsum(down) - down / 2
    from_top = np.cumsum(weight[::-1])
    # The row on the border counts in part.
    share = np.clip(1 - (from_top - TOP * total) / np.maximum(weight[::-1], SMALLEST), 0, 1)
    return {
        "auc": float((up * below).sum() / (wins * (total - wins))),
        "log_loss": float((weight * loss).sum() / total),
        "base_log_loss": float(-(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))),
        "brier": float((weight * (won - said) ** 2).sum() / total),
        "happened": float(rate),
        "said": float(mean),
        "ratio": float(rate / mean),
        "top": float((share * (weight * won)[::-1]).sum() / wins),
    }


def levelled(won: Floats, said: Floats) -> Floats:
    """The forecasts with one shift of all log-odds, so that in sum they say what happened (0 < wins < rows)."""
    log_odds = logit(np.clip(said, SMALLEST, 1 - SMALLEST))
    shift = brentq(lambda by: expit(log_odds + by).sum() - won.sum(), -40.0, 40.0)
    return np.asarray(expit(log_odds + shift), dtype=np.float64)


def overdispersion(won: Floats, expected: Floats, lead: Ints) -> float:
    """How many times more a sum over rows varies than if each row were a lead of its own; at least 1."""
    by_lead = np.bincount(lead, won - expected)
    independent = (expected * (1 - expected)).sum()
    return max(1.0, float((by_lead**2).sum() / independent)) if independent > 0 else 1.0


def wilson(share: float, rows: float) -> tuple[float, float]:
    """Wilson's interval for a share seen in `rows` independent rows (JASA, 1927)."""
    z = float(norm.ppf((1 + COVERAGE) / 2))
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * float(np.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows)))
    return max(0.0, centre - half), min(1.0, centre + half)
