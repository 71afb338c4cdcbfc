"""Whether what a team's history teaches now is better than the model in service: tried on outcomes that neither saw.

A trial learns from what was known at a cut, and forecasts the moments after it. What has won is then learned anew from
all there is. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

import numpy as np

from porchlight.intelligence.conversion.history.correction import learn
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, Rows
from porchlight.intelligence.conversion.history.model import Model
from porchlight.intelligence.conversion.history.promotion import LEAST_CONVERSIONS, Verdict, compare
from porchlight.leads.learning.versions import Decision

LATER_PART: Final = 0.3

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial decided and why; `model` is what to keep, None where there was nothing to try."""

    decision: Decision
    reason: str
    model: Model | None = None
    figures: dict[str, Any] | None = None


def try_learning(rows: Rows, serving: Model, serving_until: float | None, say: Progress = lambda words: None) -> Trial:
    """Learn from `rows` and compare with `serving`, which has seen what happened until `serving_until` (epoch s)."""
    cut = cut_of(rows, serving_until)
    if cut is None:
        closed = rows.ended(CONVERTED)
        since = "" if serving_until is None else f" since {serving.version} was learned"
        return Trial("keep", f"Too few outcomes{since} to tell what is better; {closed} leads have closed in all.")
    say("Learning from what was known earlier")
    tried = learn(rows.known_at(cut))
    later = rows.take(rows.at >= cut)
    say(f"Comparing with {serving.version} on {later.ended(CONVERTED)} later outcomes")
    verdict = compare(tried, serving, later)
    figures = figures_of(verdict)
    if not verdict.promote:
        return Trial("keep", verdict.reason, tried, figures)
    say("Learning from everything")
    return Trial("promote", verdict.reason, learn(rows), figures)


def cut_of(rows: Rows, serving_until: float | None) -> float | None:
    """Where earlier ends and later begins: before the last three tenths of the leads that closed, and after all that
    the model in service has seen; None where that leaves too few on either side."""
    converted = rows.event == CONVERTED
    firsts = np.full(int(rows.lead.max(initial=-1)) + 1, np.inf)
    np.minimum.at(firsts, rows.lead[converted], rows.at[converted])
    starts = np.sort(firsts[np.isfinite(firsts)])
    unseen = starts if serving_until is None else starts[starts >= serving_until]
    wanted = max(LEAST_CONVERSIONS, ceil(LATER_PART * len(starts)))
    if len(unseen) < LEAST_CONVERSIONS or len(starts) < 2 * LEAST_CONVERSIONS:
        return None
    return float(unseen[-min(wanted, len(unseen))])


def figures_of(verdict: Verdict) -> dict[str, Any]:
    """What decided, as plain values."""
    figures: dict[str, Any] = {
        "leads": verdict.leads,
        "conversions": verdict.conversions,
        "gain": None if verdict.gain is None else verdict.gain._asdict(),
        "p_value": verdict.p_value,
    }
    if verdict.calibration is not None:
        for name in ("level", "slope", "ece"):
            figures[name] = getattr(verdict.calibration, name)._asdict()
    return figures
