"""What was forecast against what happened: pure, from the forecasts that were served and the closings that followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, gamma

from porchlight.intelligence.conversion.forecast import HORIZON_DAYS
from porchlight.leads.learning.clustered import (
    COVERAGE,
    Estimate,
    Floats,
    Ints,
    levelled,
    measures,
    overdispersion,
    wilson,
)
from porchlight.leads.learning.tables import FEWEST_CLOSINGS

FEWEST_IN_A_GROUP: Final = 20
"""Leads that a source or an agent must have had to be named."""
_EDGES: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
"""The reliability picture cuts by rank; finer at the top, because that is where the calls are made."""
DEPTHS: Final = (0.05, 0.1, 0.2, 0.3, 0.5)

State = Literal["too_early", "tells_nothing", "order_only", "trustworthy"]


@dataclass(frozen=True, slots=True)
class Served:
    """Forecasts that were served, one row per lead and month; arrays of one length.

    `lead`, `source`, `agent` and `version` are numbers into the names (`agent` −1: nobody); `month` counts months
    since year 0. `settled` says that the 90 days are over: only then does `won` mean anything. `live` says that the
    forecast was made as things happened, and not worked out later for history that was imported.
    """

    lead: Ints
    month: Ints
    said: Floats
    won: Floats
    settled: NDArray[np.bool_]
    live: NDArray[np.bool_]
    source: Ints
    agent: Ints
    version: Ints
    sources: Sequence[str]
    agents: Sequence[str]
    versions: Sequence[str]


@dataclass(frozen=True, slots=True)
class Bin:
    """Forecasts alike: what they said on average, and the share that closed, with its interval."""

    said: float
    happened: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Month:
    month: str
    said: float
    happened: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class Group:
    """A source or an agent: the share that closed, and the share due by their leads' scores at the team's level.

    `ratio` of the two is shrunk towards 1 by as much as the groups' differences may be luck; `differs` is −1, 0 or 1:
    0 where there is no evidence of a difference.
    """

    name: str
    leads: int
    rows: int
    closings: int
    happened: float
    due: float
    ratio: Estimate
    differs: int


@dataclass(frozen=True, slots=True)
class Depth:
    """Calling the first `part` of all leads by score reaches the share `reached` of those that close."""

    part: float
    reached: float


def review(served: Served) -> dict[str, Any]:
    """The whole track record as plain values: see the dataclasses for what each part means."""
    settled = np.flatnonzero(served.settled)
    live = settled[served.live[settled]]
    if np.unique(served.lead[live][served.won[live] > 0]).size >= FEWEST_CLOSINGS:
        settled = live  # what was really said is enough to go by
    won, said = served.won[settled], served.said[settled]
    _, lead = np.unique(served.lead[settled], return_inverse=True)
    closings = int(np.unique(served.lead[settled][won > 0]).size)
    months = served.month[settled]
    record: dict[str, Any] = {
        "horizon_days": HORIZON_DAYS,
        "rows": len(settled),
        "waiting": int((~served.settled).sum()),
        "leads": int(np.unique(lead).size),
        "closings": closings,
        "live": float(served.live[settled].mean()) if len(settled) else 0.0,
        "first": month_name(int(months.min())) if len(settled) else None,
        "last": month_name(int(months.max())) if len(settled) else None,
        "state": "too_early",
    }
    if closings < FEWEST_CLOSINGS or won.all():
        return record
    found = measures(won, said, lead)
    level = levelled(won, said)
    spread = overdispersion(won, level, lead)
    sources, sources_differ = _groups(served, settled, served.source, served.sources, level, spread)
    agents, agents_differ = _groups(served, settled, served.agent, served.agents, level, spread)
    return record | {
        "state": state_of(found),
        "measures": {name: asdict(one) for name, one in found.items()},
        "reliability": [asdict(one) for one in _reliability(won, said, spread)],
        "depths": [asdict(one) for one in _depths(won, said)],
        "months": [asdict(one) for one in _months(won, said, months, spread)],
        "versions": _versions(served, settled, won, said),
        "sources": [asdict(one) for one in sources],
        "sources_differ": sources_differ,
        "agents": [asdict(one) for one in agents],
        "agents_differ": agents_differ,
    }


def state_of(found: dict[str, Estimate]) -> State:
    """What the measures allow to say: the order first, for a level can be put right and an order cannot."""
    if found["auc"].low <= 0.5:
        return "tells_nothing"
    ratio = found["ratio"]
    return "trustworthy" if ratio.low <= 1.25 and ratio.high >= 0.8 else "order_only"


def month_name(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _reliability(won: Floats, said: Floats, spread: float) -> list[Bin]:
    borders = np.unique(np.quantile(said, _EDGES))
    place = np.clip(np.searchsorted(borders, said, side="right") - 1, 0, max(0, len(borders) - 2))
    bins = []
    for number in np.unique(place):
        here = place == number
        bins.append(Bin(float(said[here].mean()), *_share(won[here], spread)))
    return bins


def _share(won: Floats, spread: float) -> tuple[float, float, float, int]:
    share = float(won.mean())
    return share, *wilson(share, len(won) / spread), len(won)


def _depths(won: Floats, said: Floats) -> list[Depth]:
    reached = np.cumsum(won[np.argsort(-said, kind="stable")]) / won.sum()
    return [Depth(part, float(reached[max(0, round(part * len(won)) - 1)])) for part in DEPTHS]


def _months(won: Floats, said: Floats, month: Ints, spread: float) -> list[Month]:
    found = []
    for number in np.unique(month):
        here = month == number
        found.append(Month(month_name(int(number)), float(said[here].mean()), *_share(won[here], spread)))
    return found


def _versions(served: Served, settled: Ints, won: Floats, said: Floats) -> list[dict[str, Any]]:
    found = []
    for number, name in enumerate(served.versions):
        here = served.version[settled] == number
        if here.any():
            found.append(
                {
                    "version": name,
                    "rows": int(here.sum()),
                    "said": float(said[here].mean()),
                    "happened": float(won[here].mean()),
                }
            )
    return found


def _groups(
    served: Served, settled: Ints, of: Ints, names: Sequence[str], level: Floats, spread: float
) -> tuple[list[Group], bool]:
    """Each group's closings against what its leads' scores say, and whether the groups differ at all.

    Counts are divided by the overdispersion, then taken as Poisson with a gamma-distributed ratio of mean 1, whose
    variance is DerSimonian and Laird's estimate (Controlled Clinical Trials, 1986). The test is Cochran's Q.
    """
    member, won, lead = of[settled], served.won[settled], served.lead[settled]
    rows = []
    for number, name in enumerate(names):
        here = member == number
        leads = np.unique(lead[here])
        if leads.size >= FEWEST_IN_A_GROUP:
            closed = int(np.unique(lead[here & (won > 0)]).size)
            rows.append((name, int(leads.size), int(here.sum()), closed, float(won[here].sum()), level[here].sum()))
    if len(rows) < 2:
        return [], False
    happened = np.array([row[4] for row in rows]) / spread
    expected = np.array([row[5] for row in rows]) / spread
    expected *= happened.sum() / expected.sum()
    q = float(((happened - expected) ** 2 / expected).sum())
    freedom = len(rows) - 1
    between = max(0.0, (q - freedom) / float(expected.sum() - (expected**2).sum() / expected.sum()))
    differ = bool(chi2.sf(q, freedom) < 1 - COVERAGE)
    groups = []
    for (name, leads_, rows_, closed, _, _), seen, due in zip(rows, happened, expected, strict=True):
        ratio = _shrunk(float(seen), float(due), between)
        differs = 0 if not differ else int(ratio.low > 1) - int(ratio.high < 1)
        shares = (float(seen * spread) / rows_, float(due * spread) / rows_)
        groups.append(Group(name, leads_, rows_, closed, *shares, ratio, differs))
    return sorted(groups, key=lambda group: -group.ratio.value), differ


def _shrunk(seen: float, due: float, between: float) -> Estimate:
    if between <= 0.0:
        return Estimate(1.0, 1.0, 1.0)
    prior = 1.0 / between
    tail = (1 - COVERAGE) / 2
    low, high = gamma.ppf([tail, 1 - tail], seen + prior, scale=1.0 / (due + prior))
    return Estimate((seen + prior) / (due + prior), float(low), float(high))
