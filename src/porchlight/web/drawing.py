"""Geometry of the small pictures: where the bars and points of an SVG lie. Pure; templates hold the strokes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from porchlight.web.presentation import log_odds_of, score_of, sums_exactly
from porchlight.web.vocabulary import FACTORS

_AXIS_SCORES = (2, 5, 10, 20, 35, 50, 65, 80, 90, 95, 98)
_LEAST_REACH = log_odds_of(80)
"""The axis always reaches the A line, so that small sums look small."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One factor. `x` and `width` are in percent of the picture; `value` is log-odds, rounded so that all add up."""

    name: str
    label: str
    question: str
    value: float
    because: str | None
    x: float
    width: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Bars that each begin where the one before ended, from the average lead to this one's score."""

    bars: list[Bar]
    total: float
    score: float
    zero: float
    finish: float
    ticks: list[tuple[float, int]]


def _ordered(factors: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], float]]:
    rounded = sums_exactly([factor["value"] for factor in factors], 2)
    return sorted(zip(factors, rounded, strict=True), key=lambda pair: -abs(pair[1]))


def waterfall(factors: Sequence[Mapping[str, Any]], width: float = 100) -> Waterfall:
    """The factors, greatest first, as a cascade on a log-odds axis that is labelled with scores.

    `factors` are `{"name", "value", "because"}`; their values add up to log-odds(score) (docs/design-system.md).
    """
    ordered = _ordered(factors)
    stops = [0.0]
    for _, value in ordered:
        stops.append(stops[-1] + value)
    low, high = min(*stops, -_LEAST_REACH), max(*stops, _LEAST_REACH)
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return round((value - low) / (high - low) * width, 2)

    bars = [
        _bar(factor, value, place(min(begin, begin + value)), place(begin), place(begin + value))
        for (factor, value), begin in zip(ordered, stops, strict=False)
    ]
    ticks = [(place(log_odds_of(score)), score) for score in _AXIS_SCORES if low < log_odds_of(score) < high]
    total = sum(factor["value"] for factor in factors)
    return Waterfall(
        bars,
        round(sum(value for _, value in ordered), 2),
        score_of(total),
        place(0),
        place(stops[-1]),
        _thin(ticks, width),
    )


def _bar(factor: Mapping[str, Any], value: float, x: float, start: float, end: float) -> Bar:
    label, question = FACTORS.get(factor["name"], (factor["name"], ""))
    width = max(abs(end - start), 0.5)  # a factor of nothing still shows where it stands
    return Bar(factor["name"], label, question, value, factor["because"], x, round(width, 2), start, end)


def _thin(ticks: list[tuple[float, int]], width: float) -> list[tuple[float, int]]:
    """Ticks with room for their labels; the average, 50, always stays."""
    kept = [tick for tick in ticks if tick[1] in (50, 80, 20)]
    for tick in ticks:
        if all(abs(tick[0] - other[0]) > width / 11 for other in kept):
            kept.append(tick)
    return sorted(kept)


@dataclass(frozen=True, slots=True)
class Diverging:
    """Bars from one common middle. The paths draw all that raise, and all that lower; each row is one unit high."""

    bars: list[Bar]
    raising: str
    lowering: str


def diverging(factors: Sequence[Mapping[str, Any]], width: float = 100) -> Diverging:
    """The same factors for a small picture; the longest bar fills its half. Two paths, because fifty rows show this."""
    ordered = _ordered(factors)
    reach = max(0.7, *(abs(value) for _, value in ordered))
    middle = width / 2
    bars, paths = [], {True: "", False: ""}
    for row, (factor, value) in enumerate(ordered):
        end = round(middle + value / reach * middle, 1)
        bar = _bar(factor, value, min(middle, end), middle, end)
        bars.append(bar)
        paths[value >= 0] += f"M{bar.x:g} {row + 0.35:g}h{bar.width:g}v.3h-{bar.width:g}z"
    return Diverging(bars, paths[True], paths[False])


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A score's course as an SVG path: it holds until the next change, so it is drawn in steps."""

    line: str
    area: str
    end: tuple[float, float]
    first_at: datetime
    last_at: datetime
    low: float
    high: float


def score_line(
    history: Sequence[Mapping[str, Any]], now: datetime, width: float = 320, height: float = 96, inset: float = 5
) -> ScoreLine | None:
    """`history` is `{"at", "score"}`, oldest first; None where there is nothing to draw."""
    if not history:
        return None
    first, span = history[0]["at"], (now - history[0]["at"]).total_seconds() or 1.0

    def spot(at: datetime, score: float) -> tuple[float, float]:
        x = inset + max(0.0, (at - first).total_seconds()) / span * (width - 2 * inset)
        return round(x, 1), round(height - score / 100 * height, 1)

    points = [spot(entry["at"], entry["score"]) for entry in history]
    end = (round(width - inset, 1), points[-1][1])
    steps = [f"M{points[0][0]} {points[0][1]}", *(f"H{x}V{y}" for x, y in points[1:]), f"H{end[0]}"]
    line = "".join(steps)
    scores = [entry["score"] for entry in history]
    return ScoreLine(line, f"{line}V{height}H{points[0][0]}Z", end, first, now, min(scores), max(scores))
