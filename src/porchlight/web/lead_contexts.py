"""What the lead pages show, gathered: rows of several tables as the plain mappings of the templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, LiteralString
from uuid import UUID

import phonenumbers

from porchlight.automation.routing.queries import assignment_history
from porchlight.delivery.queries import consent_states, messages_of
from porchlight.intelligence.conversion import FACTORS
from porchlight.intelligence.conversion.history.model import Model
from porchlight.kit.database import UnitOfWork
from porchlight.kit.settings import Settings
from porchlight.leads import queries
from porchlight.leads.assess import BOOKKEEPING
from porchlight.leads.present import reasons_of
from porchlight.leads.serving import model_in_service
from porchlight.leads.tables import Activity, ContactPoint, Lead, LeadState, Score
from porchlight.web.lead_outlook import lead_outlook

#: A score is compared with the one of a week ago.
SPAN = timedelta(days=7)

_SCORES_BEFORE: LiteralString = """
SELECT l.id, s.score FROM unnest(%s::uuid[]) AS l (id)
CROSS JOIN LATERAL (SELECT score FROM scores WHERE tenant_id = %s AND lead_id = l.id AND at <= %s
                    ORDER BY id DESC LIMIT 1) s
"""
_LAST_FACTS: LiteralString = """
SELECT l.id, a.kind, a.occurred_at FROM unnest(%s::uuid[]) AS l (id)
CROSS JOIN LATERAL (SELECT kind, occurred_at FROM activities
                    WHERE tenant_id = %s AND lead_id = l.id AND kind <> ALL(%s)
                    ORDER BY occurred_at DESC, id DESC LIMIT 1) a
"""
_WHY_WAITING: LiteralString = """
SELECT DISTINCT ON (lead_id) lead_id, rule, considered FROM assignments
WHERE tenant_id = %s AND lead_id = ANY(%s) ORDER BY lead_id, at DESC, id DESC
"""

_WAITING_WORDS: Mapping[str, str] = {
    "off_hours": "Everyone is outside working hours.",
    "at_capacity": "Everyone is at capacity.",
    "away": "Everyone is away.",
    "inactive": "Nobody takes leads at present.",
    "other_team": "Nobody in the right team is free.",
}


async def lead_rows(uow: UnitOfWork, rows: Sequence[Any], model: Model) -> list[dict[str, Any]]:
    """The rows of `queries` as `leads/_row.html` takes them; `model` is the one in service."""
    ids = [lead.id for lead, _, _ in rows]
    points = await queries.contact_points(uow, ids)
    before = await _by_lead(uow, _SCORES_BEFORE, (ids, uow.tenant_id, uow.now() - SPAN))
    facts = await _by_lead(uow, _LAST_FACTS, (ids, uow.tenant_id, sorted(BOOKKEEPING)))
    unowned = [lead.id for lead, _, _ in rows if lead.owner_id is None]
    why = await _by_lead(uow, _WHY_WAITING, (uow.tenant_id, unowned)) if unowned else {}
    return [
        lead_row(
            lead, state, owner_name, model, points[lead.id], before.get(lead.id), facts.get(lead.id), why.get(lead.id)
        )
        for lead, state, owner_name in rows
    ]


async def _by_lead(uow: UnitOfWork, query: LiteralString, parameters: Sequence[Any]) -> dict[UUID, tuple[Any, ...]]:
    cursor = await uow.connection.execute(query, parameters)
    return {row[0]: row[1:] for row in await cursor.fetchall()}


def lead_row(
    lead: Lead,
    state: LeadState,
    owner_name: str | None,
    model: Model,
    points: Sequence[ContactPoint],
    before: tuple[Any, ...] | None,
    fact: tuple[Any, ...] | None,
    why: tuple[Any, ...] | None,
) -> dict[str, Any]:
    reasons = reasons_of(lead, state, model, limit=len(FACTORS))
    because = {reason.factor: reason.text for reason in reversed(reasons)}
    waiting = lead.owner_id is None and lead.stage not in ("closed", "lost")
    return {
        "id": str(lead.id),
        "name": lead.name,
        "contact": display(points[0]) if points else None,
        "score": state.score,
        "grade": state.grade,
        "probability": state.probability,
        "score_change": None if before is None else state.score - before[0],
        "factors": [
            {"name": name, "value": value, "because": because.get(name)}
            for name, value in zip(FACTORS, state.factors, strict=True)
        ],
        "reason": next((reason.text for reason in reasons if reason.log_odds > 0), None),
        "next_action": state.next_action,
        "stage": lead.stage,
        "owner": None if lead.owner_id is None else {"id": str(lead.owner_id), "name": owner_name or "A former user"},
        "waiting": {"since": lead.captured_at, "reason": _waiting_words(why)} if waiting else None,
        "source": lead.source,
        "last_activity": None if fact is None else {"kind": fact[0], "at": fact[1]},
    }


def _waiting_words(why: tuple[Any, ...] | None) -> str:
    codes = {row[1] for row in why[1]} if why is not None else set()
    if not codes:
        return "Nobody takes leads yet: give people a seat under Settings."
    return _WAITING_WORDS[codes.pop()] if len(codes) == 1 and codes <= _WAITING_WORDS.keys() else "Nobody is free."


def display(point: ContactPoint) -> str:
    """A contact point as people write it."""
    if point.kind == "email":
        return point.value
    number = phonenumbers.parse(point.value)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


async def lead_page(uow: UnitOfWork, settings: Settings, row: Any, *, zone: str, cursor: str | None) -> dict[str, Any]:
    """The context of `leads/lead.html` but for shell, agents and what the reader may do; `zone` is the team's."""
    lead, state, _ = row
    model = await model_in_service(uow)
    [summary] = await lead_rows(uow, [row], model)
    points = (await queries.contact_points(uow, [lead.id]))[lead.id]
    activities = await queries.list_activities(uow, lead.id, limit=50, cursor=cursor)
    scores = (await queries.list_scores(uow, lead.id, limit=queries.MOST)).rows
    moved = _moves(scores)
    consents = await consent_states(uow, settings, points)
    older = activities.next_cursor
    return {
        "base_probability": model.base_probability,
        "lead": summary
        | {
            "created_at": lead.captured_at,
            "zone": None,
            "external_id": lead.external_id,
            "contact_points": [
                {
                    "kind": point.kind,
                    "value": point.value,
                    "display": display(point),
                    "primary": n == 0,
                    "problem": None,
                    "consents": consents[point.kind, point.value],
                }
                for n, point in enumerate(points)
            ],
            "custom_fields": [(name, words(value)) for name, value in sorted(lead.custom.items())],
        },
        "forecast": {"model": state.model_version, "made_at": state.forecast_at, "note": _note(state)},
        "outlook": await lead_outlook(uow, lead, state, model, zone),
        "history": [{"at": score.at, "score": score.score} for score in reversed(scores)],
        "activities": [activity_item(activity, moved.get(activity.id)) for activity in activities.rows],
        "older_url": None if older is None else f"/leads/{lead.id}?before={older}",
        "messages": await messages_of(uow, lead.id),
        "assignments": await assignment_history(uow, lead.id),
    }


def _note(state: LeadState) -> str | None:
    if not state.model_version.startswith("prior"):
        return None
    return "By the documented scorecard; your own results take over once they forecast better."


def _moves(scores: Iterable[Score]) -> dict[UUID, float]:
    """How far each fact moved the score, from the latest to the earliest."""
    latest_first = list(scores)
    return {
        later.activity_id: later.score - earlier.score
        for later, earlier in pairwise(latest_first)
        if later.activity_id is not None
    }


def activity_item(activity: Activity, score_change: float | None) -> dict[str, Any]:
    return {
        "id": str(activity.id),
        "kind": activity.kind,
        "occurred_at": activity.occurred_at,
        "recorded_at": activity.recorded_at,
        "source": activity.source,
        "actor": None,
        "payload": activity.payload,
        "score_change": score_change,
    }


def words(value: Any) -> str:
    """A custom field's value on one line."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.isoformat()
    return ", ".join(map(words, value)) if isinstance(value, list) else str(value)
