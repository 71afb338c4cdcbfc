"""Training a tenant's own model: read the history, learn, compare with the one in service, promote or keep."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import structlog

from porchlight.intelligence.conversion import Fact
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, Pursuit, Rows, landmark_rows
from porchlight.intelligence.conversion.history.model import PRIOR, Model, ModelFormatError, from_json, to_json
from porchlight.jobs.app import long_job
from porchlight.kit.database import Database, UnitOfWork
from porchlight.kit.runtime import Runtime
from porchlight.leads.learning.history import context_of, read_pursuits
from porchlight.leads.learning.tables import ModelVersion
from porchlight.leads.learning.versions import Learned, keep_learned, list_versions, version_in_service

if TYPE_CHECKING:
    from porchlight.leads.learning.trial import Progress, Trial

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to. `version` is the one that was kept, None where nothing new was learned."""

    decision: str
    reason: str
    in_service: str
    version: str | None
    leads: int
    rows: int
    closings: int
    figures: dict[str, Any] | None


@long_job("learning.retrain")
async def retrain(runtime: Runtime, tenant_id: UUID) -> None:
    await train(runtime.database, tenant_id)


async def train(database: Database, tenant_id: UUID, say: Progress = lambda words: None) -> Trained:
    """Learn from the tenant's history up to now, and put what was learned in service where it proves better."""
    async with database.unit_of_work(tenant_id) as uow:
        now = uow.now()
        version = await version_in_service(uow, with_model=True)
        serving, until = readable(version)
    # The libraries for fitting take a second to load, and a server that only serves needs none.
    from porchlight.leads.learning.trial import try_learning

    say("Reading the history")
    rows = await read_rows(database, tenant_id, now)
    trial = await asyncio.to_thread(try_learning, rows, serving, until, say)
    async with database.unit_of_work(tenant_id) as uow:
        kept = await _keep(uow, trial, rows, now)
        serving_now = (await version_in_service(uow)).version
    leads = int(np.unique(rows.lead).size)
    closings = rows.ended(CONVERTED)
    return Trained(trial.decision, trial.reason, serving_now, kept, leads, len(rows), closings, trial.figures)


def readable(version: ModelVersion) -> tuple[Model, float | None]:
    """The version's model, and until when (epoch seconds) it has seen what happened; the version's model is loaded.

    The prior stands in for a model that another release of the software has written: that one is learned anew.
    """
    if version.model is None or version.learned_until is None:
        return PRIOR, None
    try:
        return from_json(version.model), version.learned_until.timestamp()
    except ModelFormatError as error:
        log.warning("model.unreadable", version=version.version, error=str(error))
        return PRIOR, None


async def read_rows(database: Database, tenant_id: UUID, now: datetime) -> Rows:
    """The training rows of all leads in the order of their moments; of the facts, only the sources' names are kept."""
    parts: list[Rows] = []
    before = 0
    async for batch in read_pursuits(database, tenant_id, now):
        found = await asyncio.to_thread(landmark_rows, batch, now.timestamp(), context_of)
        bare = {id(pursuit): _bare(pursuit) for pursuit in batch}
        about = tuple([bare[id(pursuit)] for pursuit in found.about])
        parts.append(replace(found, lead=found.lead + before, about=about))
        before += len(batch)
    return _together(parts or [landmark_rows((), now.timestamp(), context_of)])


def _bare(pursuit: Pursuit) -> Pursuit:
    named = {fact.source: Fact(fact.kind, fact.occurred_at, {}, fact.source) for fact in pursuit.facts}
    return replace(pursuit, facts=tuple(named.values()))


def _together(parts: Sequence[Rows]) -> Rows:
    order = np.argsort(np.concatenate([part.at for part in parts]), kind="stable")
    joined: dict[str, Any] = {}
    for name in (field.name for field in fields(Rows)):
        columns = [getattr(part, name) for part in parts]
        if isinstance(columns[0], np.ndarray):
            joined[name] = np.concatenate(columns)[order]
        else:
            values = [value for column in columns for value in column]
            joined[name] = tuple([values[index] for index in order])
    return Rows(**joined)


async def _keep(uow: UnitOfWork, trial: Trial, rows: Rows, now: datetime) -> str | None:
    model = trial.model
    if model is None or any(version.version == model.version for version in await list_versions(uow)):
        return None
    learned = Learned(
        version=model.version,
        model=to_json(model),
        card=card_of(model, trial),
        learned_until=now,
        rows=model.learned.rows,
        outcomes=rows.ended(CONVERTED),
    )
    await keep_learned(uow, learned, trial.decision, {"reason": trial.reason, **(trial.figures or {})})
    return model.version


def card_of(model: Model, trial: Trial) -> dict[str, Any]:
    """What the model says of itself."""
    until = model.learned.until
    return {
        "learned": model.learned._asdict()
        | {
            "stages": list(model.learned.stages),
            "until": None if until is None else datetime.fromtimestamp(until, UTC).isoformat(),
        },
        "base_probability": model.base_probability,
        "trees": len(model.trees),
        "trust_in_trees": model.trust,
        "terms": len(model.terms),
        "measured": trial.figures,
    }
