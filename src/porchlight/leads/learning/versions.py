"""The versions of the model: which one serves, what came before it, and going back.

The documented prior is a version like any other; it serves until something has proven better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import undefer

from porchlight.audit.record import record
from porchlight.intelligence.conversion import MODEL_VERSION
from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.events import Event
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7
from porchlight.leads.learning.tables import ModelVersion, VersionStatus

HELD_FOR = timedelta(days=30)
"""How long a person's choice of a version stands: until then a better one waits for them as a candidate."""
MODELS_KEPT = 5
"""Retired versions that can be gone back to; of older ones the card is kept and the model is not."""

Decision = Literal["promote", "keep"]


@dataclass(frozen=True, slots=True)
class ModelChanged(Event):
    """Another version serves from the commit on. Whoever keeps the model in memory reads it anew."""

    version: str
    instead_of: str


@dataclass(frozen=True, slots=True)
class Learned:
    """A model fresh from its training: `version` is its own name for itself, which its forecasts carry, `model` its
    JSON, `card` what it says of itself."""

    version: str
    model: dict[str, Any]
    card: dict[str, Any]
    learned_until: datetime
    rows: int
    outcomes: int


async def list_versions(uow: UnitOfWork) -> list[ModelVersion]:
    """Every version, the newest first, without the models themselves."""
    await _ensure_prior(uow)
    found = await uow.session.scalars(
        select(ModelVersion)
        .where(ModelVersion.tenant_id == uow.tenant_id)
        .order_by(ModelVersion.made_at.desc(), ModelVersion.kind, ModelVersion.id.desc())
    )
    return list(found)


async def get_version(uow: UnitOfWork, version_id: UUID) -> ModelVersion:
    """One version. Raises `not_found`."""
    return _named(await list_versions(uow), version_id)


async def version_in_service(uow: UnitOfWork, *, with_model: bool = False) -> ModelVersion:
    """The version that forecasts now; `with_model` reads its model too."""
    await _ensure_prior(uow)
    wanted = select(ModelVersion).where(ModelVersion.tenant_id == uow.tenant_id, ModelVersion.status == "in_service")
    return (await uow.session.scalars(wanted.options(undefer(ModelVersion.model)) if with_model else wanted)).one()


async def keep_learned(
    uow: UnitOfWork, learned: Learned, decision: Decision, verdict: Mapping[str, Any]
) -> ModelVersion:
    """Keep a model that was just learned: in service where it is to be promoted, else for the record.

    A promotion waits as a candidate while a person's own choice of a version still stands.
    """
    versions = await _locked(uow)
    serving = _serving(versions)
    status: VersionStatus = "rejected"
    if decision == "promote":
        status = "candidate"
        for other in versions:
            if other.status == "candidate":
                _lay_aside(other, "rejected", uow.now())
    made = ModelVersion(
        tenant_id=uow.tenant_id,
        id=uuid7(),
        version=learned.version,
        kind="own",
        status=status,
        made_at=uow.now(),
        learned_until=learned.learned_until,
        rows=learned.rows,
        outcomes=learned.outcomes,
        model=learned.model if decision == "promote" else None,
        card=learned.card,
        verdict=dict(verdict),
    )
    uow.session.add(made)
    record(uow, "model.learned", "model_version", made.id, version=made.version, decision=decision, verdict=verdict)
    if decision == "promote" and not is_held(serving, uow.now()):
        await _serve(uow, made, serving, [*versions, made])
    await uow.session.flush()
    return made


async def put_in_service(uow: UnitOfWork, version_id: UUID) -> tuple[ModelVersion, ModelVersion]:
    """Have this version serve; returns it and the one that served before (itself, where nothing changes).

    Putting the other one back in service undoes it. Raises `not_found`, or `conflict` for a version that was found
    wanting or whose model is no longer kept.
    """
    versions = await _locked(uow)
    wanted, serving = _named(versions, version_id), _serving(versions)
    if wanted is serving:
        return wanted, serving
    if not can_serve(wanted):
        raise PorchlightError(
            "conflict",
            f"{wanted.version} cannot serve: it was found wanting, or is too old to be kept. Retrain instead.",
        )
    await _serve(uow, wanted, serving, versions)
    return wanted, serving


def can_serve(version: ModelVersion) -> bool:
    """Whether a person may put this version in service."""
    if version.kind == "prior":
        return version.status == "retired" and version.version == MODEL_VERSION
    return version.status in ("retired", "candidate") and not version.verdict.get("model_dropped")


def is_held(serving: ModelVersion, now: datetime) -> bool:
    """Whether a person chose the version in service so lately that the nightly training must not overrule them."""
    chosen = serving.promoted_by is not None and serving.promoted_at is not None
    return chosen and serving.promoted_at > now - HELD_FOR  # type: ignore[operator]


async def _serve(
    uow: UnitOfWork, wanted: ModelVersion, serving: ModelVersion, versions: Sequence[ModelVersion]
) -> None:
    now = uow.now()
    serving.status, serving.retired_at = "retired", now
    await uow.session.flush()  # first the one out and then the other in: there is never more than one
    wanted.status, wanted.promoted_at, wanted.promoted_by, wanted.retired_at = "in_service", now, uow.actor.id, None
    await uow.session.flush()
    retired = [version for version in versions if version.status == "retired" and version.kind == "own"]
    retired.sort(key=lambda version: version.retired_at or version.made_at, reverse=True)
    for old in retired[MODELS_KEPT:]:
        _lay_aside(old, "retired", old.retired_at or now)
    record(uow, "model.put_in_service", "model_version", wanted.id, version=wanted.version, instead_of=serving.version)
    uow.announce(ModelChanged(wanted.version, serving.version))
    uow.publish(Frame("model.changed", now, body={"version": wanted.version, "instead_of": serving.version}))


def _lay_aside(version: ModelVersion, status: VersionStatus, at: datetime) -> None:
    version.status, version.retired_at, version.model = status, at, None
    version.verdict = version.verdict | {"model_dropped": True}


async def _locked(uow: UnitOfWork) -> list[ModelVersion]:
    """Every version, locked, so that of two who choose at once the second sees what the first chose."""
    await _ensure_prior(uow)
    found = await uow.session.scalars(
        select(ModelVersion)
        .where(ModelVersion.tenant_id == uow.tenant_id)
        .order_by(ModelVersion.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


def _serving(versions: Sequence[ModelVersion]) -> ModelVersion:
    return next(version for version in versions if version.status == "in_service")


def _named(versions: Sequence[ModelVersion], version_id: UUID) -> ModelVersion:
    found = next((version for version in versions if version.id == version_id), None)
    if found is None:
        raise PorchlightError("not_found", "There is no such version of the model.")
    return found


async def _ensure_prior(uow: UnitOfWork) -> None:
    """Note the documented prior of this release as a version; it replaces that of the release before."""
    rows = await uow.session.execute(
        select(ModelVersion.version, ModelVersion.kind, ModelVersion.status).where(
            ModelVersion.tenant_id == uow.tenant_id,
            (ModelVersion.kind == "prior") | (ModelVersion.status == "in_service"),
        )
    )
    known = {version: (kind, status) for version, kind, status in rows}
    if MODEL_VERSION in known:
        return
    now = uow.now()
    own_serves = ("own", "in_service") in known.values()
    await uow.connection.execute(
        "UPDATE model_versions SET status = 'retired', retired_at = %s"
        " WHERE tenant_id = %s AND kind = 'prior' AND status = 'in_service'",
        (now, uow.tenant_id),
    )
    await insert_rows(
        uow.connection,
        ModelVersion,
        [
            {
                "tenant_id": uow.tenant_id,
                "id": uuid5(uow.tenant_id, MODEL_VERSION),
                "version": MODEL_VERSION,
                "kind": "prior",
                "status": "retired" if own_serves else "in_service",
                "made_at": now,
                "rows": 0,
                "outcomes": 0,
                "card": {},
                "verdict": {"reason": "The documented prior: published rates and judgement, in the scorecard."},
                "promoted_at": None if own_serves else now,
                "retired_at": now if own_serves else None,
            }
        ],
        on_conflict="ON CONFLICT DO NOTHING",
    )
