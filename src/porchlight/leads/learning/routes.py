"""The versions of the model and the track record over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import allowed
from porchlight.accounts.permissions import Permission
from porchlight.leads.learning import keeping, versions
from porchlight.leads.learning.tables import ModelVersion, VersionKind, VersionStatus

router = APIRouter(prefix="/api/v1/models", tags=["models"])

Reader = Annotated[Caller, allowed(Permission.LEADS_READ)]
Manager = Annotated[Caller, allowed(Permission.MODELS_MANAGE)]

_VERSION: dict[str, Any] = {
    "id": "0198c5b2-7f7e-7d0a-9a43-0f4c35f3f9d1",
    "version": "own-3",
    "kind": "own",
    "status": "in_service",
    "made_at": "2026-03-10T07:12:00Z",
    "learned_until": "2026-03-10T07:10:00Z",
    "rows": 18204,
    "outcomes": 412,
    "promoted_at": "2026-03-10T07:12:00Z",
    "retired_at": None,
    "chosen_by_hand": False,
    "can_serve": False,
    "verdict": {"reason": "Better than own-2 on 61 later outcomes."},
}


class VersionOut(BaseModel):
    """A model that could forecast this team's leads. `verdict` says why it has its status; `can_serve` whether it can
    be put in service now."""

    model_config = ConfigDict(json_schema_extra={"example": _VERSION})

    id: UUID
    version: str
    kind: VersionKind
    status: VersionStatus
    made_at: datetime
    learned_until: datetime | None = Field(description="It has seen what happened up to then; null for the prior.")
    rows: int = Field(description="Moments of leads that it learned from.")
    outcomes: int = Field(description="Closings among them.")
    promoted_at: datetime | None
    retired_at: datetime | None
    chosen_by_hand: bool
    can_serve: bool
    verdict: dict[str, Any]


class VersionList(BaseModel):
    items: list[VersionOut]


class VersionDetail(VersionOut):
    card: dict[str, Any] = Field(description="What the model says of itself: how it was learned and measured.")


class Served(BaseModel):
    """The version that serves now, and the one before; putting that back in service undoes the change."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"in_service": _VERSION, "instead_of": "0198c5b2-7f7e-7d0a-9a43-0f4c35f3f9d0"}}
    )

    in_service: VersionOut
    instead_of: UUID


class TrackRecordOut(BaseModel):
    """How the forecasts have turned out. `record` is null until it is worked out for the first time."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "made_at": "2026-03-10T07:15:00Z",
                "record": {
                    "state": "trustworthy",
                    "horizon_days": 90,
                    "rows": 18204,
                    "closings": 412,
                    "measures": {"auc": {"value": 0.86, "low": 0.83, "high": 0.88}},
                },
            }
        }
    )

    made_at: datetime | None
    record: dict[str, Any] | None


class Queued(BaseModel):
    """The work is queued, and runs in the background."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "queued"}})

    status: str


def version_out(version: ModelVersion) -> VersionOut:
    return VersionOut(**_fields(version))


def _fields(version: ModelVersion) -> dict[str, Any]:
    names = ("id", "version", "kind", "status", "made_at", "learned_until", "rows", "outcomes", "promoted_at")
    return {name: getattr(version, name) for name in (*names, "retired_at", "verdict")} | {
        "chosen_by_hand": version.promoted_by is not None,
        "can_serve": versions.can_serve(version),
    }


@router.get("", summary="The versions of the model, the newest first")
async def list_versions(caller: Reader) -> VersionList:
    """One is in service; the documented prior is always among them."""
    return VersionList(items=[version_out(version) for version in await versions.list_versions(caller.uow)])


@router.get("/track-record", summary="What was forecast, and what happened")
async def track_record(caller: Reader) -> TrackRecordOut:
    """Reliability, lift, log-loss and more of the forecasts that were served, each with a 95 % interval where it has
    one; by month, source and agent. Agents outside the caller's sight are left out."""
    found = await keeping.current_record(caller.uow)
    if found is None:
        return TrackRecordOut(made_at=None, record=None)
    return TrackRecordOut(made_at=found.made_at, record=seen_by(caller, found.record))


@router.post("", summary="Train now instead of at night", status_code=202)
async def retrain(caller: Manager) -> Queued:
    """What is learned serves only if it beats the version in service on later outcomes that neither saw."""
    await keeping.train_soon(caller.uow)
    return Queued(status="queued")


@router.get("/{version_id}", summary="One version, with its card")
async def show_version(caller: Reader, version_id: UUID) -> VersionDetail:
    version = await versions.get_version(caller.uow, version_id)
    return VersionDetail(**_fields(version), card=version.card)


@router.post("/{version_id}/serve", summary="Put a version in service: roll back, or undo it")
async def serve(caller: Manager, version_id: UUID) -> Served:
    """A retired version or a candidate serves from now on. What a person has chosen so stands for 30 days: until then
    a better version waits as a candidate."""
    now, before = await versions.put_in_service(caller.uow, version_id)
    return Served(in_service=version_out(now), instead_of=before.id)


def seen_by(caller: Caller, record: dict[str, Any]) -> dict[str, Any]:
    """The record with those agents only whose leads the caller may see."""
    if caller.owners is None or "agents" not in record:
        return record
    mine = {str(owner) for owner in caller.owners}
    return record | {"agents": [agent for agent in record["agents"] if agent["name"] in mine]}
