"""The page "Can I trust the score?": the verdict, what it rests on, and the versions of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import allowed
from porchlight.accounts.permissions import Permission
from porchlight.accounts.tables import User
from porchlight.intelligence.conversion import FEATURES
from porchlight.leads.learning import keeping, versions
from porchlight.leads.learning.routes import seen_by
from porchlight.leads.learning.tables import FEWEST_CLOSINGS, ModelVersion
from porchlight.web.shell import go, page, shell
from porchlight.web.trust_pictures import course, reliability
from porchlight.web.trust_words import basis, verdict

router = APIRouter(include_in_schema=False, prefix="/trust")

Reader = Annotated[Caller, allowed(Permission.LEADS_READ)]
Manager = Annotated[Caller, allowed(Permission.MODELS_MANAGE)]

_SHOWN_VERSIONS = 20


@router.get("")
async def show(request: Request, caller: Reader, undo: Annotated[UUID | None, Query()] = None) -> Response:
    frame = await shell(request, caller, "trust", live=False)
    kept = await keeping.current_record(caller.uow)
    record = None if kept is None else seen_by(caller, kept.record)
    if record is None:
        closings = await keeping.closed_leads(caller.uow)
        record = {"state": "too_early", "closings": closings} if closings < FEWEST_CLOSINGS else None
    known = await versions.list_versions(caller.uow)
    serving = next(version for version in known if version.status == "in_service")
    names = await _names(caller)
    context = {
        "shell": frame,
        "verdict": None if record is None else verdict(record, serving.version),
        "made_at": None if kept is None else kept.made_at,
        "record": None if record is None else shown(record, names),
        "versions": [_version(version, record or {}, names) for version in known[:_SHOWN_VERSIONS]],
        "undo": next(
            (_named(version) for version in known if version.id == undo and versions.can_serve(version)), None
        ),
        "can": {"manage": caller.may(Permission.MODELS_MANAGE)},
    }
    return page(request, "trust/trust.html", context)


@router.post("/versions/{version_id}/serve")
async def serve(caller: Manager, version_id: UUID) -> Response:
    now, before = await versions.put_in_service(caller.uow, version_id)
    if now.id == before.id:
        return go("/trust#versions", f"{now.version} was in service already.")
    return go(f"/trust?undo={before.id}", f"{now.version} is in service instead of {before.version}.")


@router.post("/retrain")
async def retrain(caller: Manager) -> Response:
    await keeping.train_soon(caller.uow)
    return go("/trust#versions", "The training is queued. What it learns serves only if it proves better.")


async def _names(caller: Caller) -> Mapping[str, str]:
    found = await caller.uow.session.execute(select(User.id, User.name).where(User.tenant_id == caller.uow.tenant_id))
    return {str(user_id): name for user_id, name in found}


def shown(record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any] | None:
    """What the page draws and lists; None while there is nothing to show but the verdict."""
    if "measures" not in record:
        return None
    agents = [agent | {"name": names.get(agent["name"], "Somebody who left")} for agent in record["agents"]]
    return {
        "basis": basis(record),
        "measures": record["measures"],
        "bins": record["reliability"],
        "reliability": reliability(record["reliability"]),
        "depths": record["depths"],
        "months": record["months"],
        "course": course(record["months"]),
        "sources": record["sources"],
        "sources_differ": record["sources_differ"],
        "agents": agents,
        "agents_differ": record["agents_differ"],
        "drift": [_moved(one) for one in record["drift"] if one["moved"] != "steady"],
        "compared": len(record["drift"]),
    }


def _moved(one: Mapping[str, Any]) -> dict[str, Any]:
    grown = one["before"] is not None and one["now"] is not None and one["now"] > one["before"]
    return {"meaning": _MEANINGS.get(one["name"], one["name"]), "moved": one["moved"], "grown": grown}


_MEANINGS = {feature.name: feature.meaning for feature in FEATURES}


def _named(version: ModelVersion) -> dict[str, str]:
    return {"id": str(version.id), "version": version.version}


def _version(version: ModelVersion, record: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    served = next((one for one in record.get("versions", ()) if one["version"] == version.version), None)
    return _named(version) | {
        "kind": version.kind,
        "status": version.status,
        "made_at": version.made_at,
        "rows": version.rows,
        "outcomes": version.outcomes,
        "promoted_at": version.promoted_at,
        "by": None if version.promoted_by is None else names.get(str(version.promoted_by), "Somebody who left"),
        "reason": version.verdict.get("reason", ""),
        "can_serve": versions.can_serve(version),
        "served": served,
    }
