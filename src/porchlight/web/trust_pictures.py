"""Geometry of the pictures of the page "Can I trust the score?". Pure; the template holds the strokes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import log, log10
from typing import Any

LEFT, RIGHT, TOP, BOTTOM = 44.0, 338.0, 10.0, 224.0
"""The frame within a picture of 360 by 260."""
_LEAST = 0.001
_SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with its interval, as places in the picture."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """What was said (across) against what happened (upward), both on a logarithmic axis: on the line they agree."""

    marks: list[Mark]
    across: list[Tick]
    upward: list[Tick]
    line: str


@dataclass(frozen=True, slots=True)
class Course:
    """Two lines over the months: what happened with its band, and what was said."""

    band: str
    happened: str
    said: str
    marks: list[Mark]
    across: list[Tick]
    upward: list[Tick]


def reliability(bins: Sequence[Mapping[str, Any]]) -> Reliability:
    """`bins` are `{"said", "happened", "low", "high", "rows"}`; the axes begin at 0.1 %, which also stands for less."""
    top = max([*(one["high"] for one in bins), *(one["said"] for one in bins), 0.1])
    end = next(share for share in _SHARES if share >= top)
    span = log10(end / _LEAST)

    def part(share: float) -> float:
        return log10(max(share, _LEAST) / _LEAST) / span

    def across(share: float) -> float:
        return round(LEFT + part(share) * (RIGHT - LEFT), 1)

    def upward(share: float) -> float:
        return round(BOTTOM - part(share) * (BOTTOM - TOP), 1)

    shares = [share for share in _SHARES if share <= end]
    marks = [
        Mark(
            across(one["said"]),
            upward(one["happened"]),
            upward(one["low"]),
            upward(one["high"]),
        )
        for one in bins
    ]
    return Reliability(
        marks,
        [Tick(across(share), _percent(share)) for share in shares],
        [Tick(upward(share), _percent(share)) for share in shares],
        f"M{LEFT} {BOTTOM}L{RIGHT} {TOP}",
    )


def course(months: Sequence[Mapping[str, Any]]) -> Course:
    """`months` are `{"month", "said", "happened", "low", "high", "rows"}`, the earliest first; at least one."""
    top = max(max(month["high"], month["said"]) for month in months)
    step = next(step for step in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0) if top / step <= 5)
    steps = next(number for number in range(1, 7) if number * step >= top)

    def across(number: int) -> float:
        return round(LEFT + (number + 0.5) / len(months) * (RIGHT - LEFT), 1)

    def upward(share: float) -> float:
        return round(BOTTOM - share / (steps * step) * (BOTTOM - TOP), 1)

    def line(name: str) -> list[str]:
        return [f"{across(number)} {upward(month[name])}" for number, month in enumerate(months)]

    every = max(1, -(-len(months) // 6))
    return Course(
        band="M" + "L".join([*line("high"), *reversed(line("low"))]) + "Z",
        happened="M" + "L".join(line("happened")),
        said="M" + "L".join(line("said")),
        marks=[
            Mark(
                across(number),
                upward(month["happened"]),
                upward(month["low"]),
                upward(month["high"]),
            )
            for number, month in enumerate(months)
        ],
        across=[
            Tick(across(n), month_words(month["month"], short=True)) for n, month in enumerate(months) if n % every == 0
        ],
        upward=[Tick(upward(number * step), _percent(number * step)) for number in range(steps + 1)],
    )


def ratio_place(ratio: float) -> float:
    """Where a ratio lies on a logarithmic axis from a third (0) over one (50) to three (100)."""
    return round(min(100.0, max(0.0, 50 + 50 * log(ratio, 3))), 1) if ratio > 0 else 0.0


def month_words(month: str, *, short: bool = False) -> str:
    """`2026-05` → `May 2026`, or `May 26` where there is little room."""
    first = date.fromisoformat(f"{month}-01")
    return f"{first:%b %y}" if short else f"{first:%B %Y}"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
