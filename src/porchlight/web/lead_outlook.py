"""What lies ahead of an open lead, for its page: when they may convert, what would help, when they answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from porchlight.intelligence.conversion import TERMINAL_STAGES, decode
from porchlight.intelligence.conversion.history.best_hours import ANSWERS, Window, best_hours
from porchlight.intelligence.conversion.history.curve import HORIZONS, LAST_DAY, Curve, curve_of
from porchlight.intelligence.conversion.history.levers import levers
from porchlight.intelligence.conversion.history.model import Model
from porchlight.kit.database import UnitOfWork
from porchlight.leads.present import forecast_moment
from porchlight.leads.serving import about, context_at, forecast_by
from porchlight.leads.tables import Activity, Lead, LeadState

_ANSWERS_READ: Final = 200
_WORTH_A_BAND: Final = 1.15
"""How much better than the average hour a window must be to be named."""


@dataclass(frozen=True, slots=True)
class CurveLine:
    """The chance to have converted by each day, as SVG paths; `top` is the chance at the upper edge."""

    line: str
    area: str
    top: float
    ticks: list[tuple[float, int]]


async def lead_outlook(uow: UnitOfWork, lead: Lead, state: LeadState, model: Model, zone: str) -> dict[str, Any] | None:
    """The context of `leads/_outlook.html`; None for a lead that is closed or lost."""
    if lead.stage in TERMINAL_STAGES:
        return None
    known, moment = decode(state.state), forecast_moment(state)  # the page shows one forecast, not two
    beside = about(model, lead.owner_id, lead.custom)
    made = forecast_by(model, known, moment, beside)
    curve = curve_of(model.shape, made.probability, model.base_probability, made.values)
    answers = await _answers(uow, lead)
    windows = best_hours(answers, model.hours, ZoneInfo(zone))
    expected = curve.expected
    return {
        "within": [(days, curve.within[days]) for days in HORIZONS],
        "lost_within": curve.lost_within[HORIZONS[-1]],
        "expected": None if expected is None else [moment + timedelta(days=days) for days in expected],
        "curve": curve_line(curve),
        "levers": [
            {"title": lever.title, "probability": lever.probability}
            for lever in levers(model, known, moment.timestamp(), context_at(moment), beside)
        ],
        "hours": [_in_words(window) for window in windows if window.times >= _WORTH_A_BAND],
        "answers": len(answers),
    }


async def _answers(uow: UnitOfWork, lead: Lead) -> list[float]:
    """When the lead answered of late (epoch seconds)."""
    statement = (
        select(Activity.occurred_at)
        .where(Activity.tenant_id == uow.tenant_id, Activity.lead_id == lead.id, Activity.kind.in_(ANSWERS))
        .order_by(Activity.occurred_at.desc())
        .limit(_ANSWERS_READ)
    )
    return [at.timestamp() for at in await uow.session.scalars(statement)]


def _in_words(window: Window) -> str:
    return f"{'Weekdays' if window.days == 'weekdays' else 'Weekends'} {window.start}:00 to {window.end}:00"


def curve_line(curve: Curve, width: float = 320, height: float = 96, inset: float = 5) -> CurveLine:
    """The curve as a line over the days from now; its upper edge is a little above where it ends."""
    top = max(float(curve.converted[-1]) * 1.15, 1e-6)
    points: Sequence[tuple[float, float]] = [
        (round(inset + day / LAST_DAY * (width - 2 * inset), 1), round(height - curve.converted[day] / top * height, 1))
        for day in range(0, LAST_DAY + 1, 3)
    ]
    line = "M" + "L".join(f"{x} {y}" for x, y in points)
    ticks = [(round(inset + day / LAST_DAY * (width - 2 * inset), 1), day) for day in (30, 90, 180) if day < LAST_DAY]
    return CurveLine(line, f"{line}V{height}H{points[0][0]}Z", top, ticks)
