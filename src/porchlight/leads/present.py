"""Rows as the API's words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from porchlight.intelligence.conversion import (
    FACTORS,
    MODEL_VERSION,
    Reason,
    decode,
    explain,
)
from porchlight.intelligence.conversion.history.model import PRIOR, Model
from porchlight.leads.schemas import (
    ActivityOut,
    ContactPointOut,
    FactorOut,
    ForecastOut,
    LeadDetail,
    LeadOut,
    NextActionOut,
    ScoreOut,
)
from porchlight.leads.serving import about, forecast_by
from porchlight.leads.tables import Activity, ContactPoint, Lead, LeadState, Score

REASONS_IN_A_LIST = 3


def reasons_of(lead: Lead, state: LeadState, model: Model, limit: int = REASONS_IN_A_LIST) -> tuple[Reason, ...]:
    """What moved the score most, in words, as of the forecast that is stored; `model` is the one in service."""
    known, moment = decode(state.state), forecast_moment(state)
    # Until the leads are gone through after a change, the documented scorecard can still explain its own forecasts.
    teller = PRIOR if state.model_version == MODEL_VERSION else model
    made = forecast_by(teller, known, moment, about(teller, lead.owner_id, lead.custom))
    return explain(known, made, moment.timestamp(), limit)


def forecast_moment(state: LeadState) -> datetime:
    """As of when the stored forecast was made."""
    return max(state.forecast_at, state.last_activity_at)


def _listed(lead: Lead, state: LeadState, owner_name: str | None) -> dict[str, Any]:
    return {
        "id": lead.id,
        "external_id": lead.external_id,
        "name": lead.name,
        "score": state.score,
        "grade": state.grade,
        "probability": state.probability,
        "stage": lead.stage,
        "owner_id": lead.owner_id,
        "owner_name": owner_name,
        "source": lead.source,
        "captured_at": lead.captured_at,
        "last_activity_at": state.last_activity_at,
        "next_action": None if state.next_action is None else NextActionOut(**state.next_action),
    }


def lead_out(lead: Lead, state: LeadState, owner_name: str | None, model: Model) -> LeadOut:
    reasons = [reason.text for reason in reasons_of(lead, state, model)]
    return LeadOut(**_listed(lead, state, owner_name), reasons=reasons)


def forecast_out(lead: Lead, state: LeadState, model: Model) -> ForecastOut:
    """The stored forecast, with every factor and the words for it."""
    reasons = reasons_of(lead, state, model, limit=len(FACTORS) * 4)
    return ForecastOut(
        score=state.score,
        grade=state.grade,
        probability=state.probability,
        base_probability=model.base_probability,
        model_version=state.model_version,
        made_at=state.forecast_at,
        factors=[
            FactorOut(name=name, log_odds=value, reasons=[r.text for r in reasons if r.factor == name])
            for name, value in zip(FACTORS, state.factors, strict=True)
        ],
    )


def lead_detail(
    lead: Lead, state: LeadState, owner_name: str | None, points: Iterable[ContactPoint], model: Model
) -> LeadDetail:
    return LeadDetail(
        **_listed(lead, state, owner_name),
        reasons=[reason.text for reason in reasons_of(lead, state, model)],
        first_name=lead.given_name,
        last_name=lead.family_name,
        address=lead.address,
        tags=lead.tags,
        contact_points=[ContactPointOut(kind=p.kind, value=p.value, raw=p.raw) for p in points],
        custom=lead.custom,
        forecast=forecast_out(lead, state, model),
        activity_count=state.activity_count,
    )


def activity_out(activity: Activity) -> ActivityOut:
    return ActivityOut(
        id=activity.id,
        kind=activity.kind,
        occurred_at=activity.occurred_at,
        recorded_at=activity.recorded_at,
        source=activity.source,
        actor=activity.actor_kind,
        payload=activity.payload,
    )


def score_out(score: Score) -> ScoreOut:
    return ScoreOut(
        at=score.at,
        score=score.score,
        grade=score.grade,
        probability=score.probability,
        model_version=score.model_version,
        cause=score.cause,
        activity_id=score.activity_id,
    )
