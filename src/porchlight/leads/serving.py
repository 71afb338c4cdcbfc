"""The model that serves a tenant: which one it is stands in the database, the model itself is kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, LiteralString
from uuid import UUID

import structlog

from porchlight.intelligence.conversion import MODEL_VERSION, Context, Forecast, State, forecast, season_of
from porchlight.intelligence.conversion.history.model import PRIOR, Model, ModelFormatError, forecast_with, from_json
from porchlight.intelligence.conversion.history.terms import About
from porchlight.kit.database import UnitOfWork

log = structlog.get_logger(__name__)

NOTHING: Final = About()

_IN_SERVICE: LiteralString = "SELECT version FROM model_versions WHERE tenant_id = %s AND status = 'in_service'"
_MODEL: LiteralString = "SELECT model FROM model_versions WHERE tenant_id = %s AND version = %s"

_MOST_KEPT: Final = 200
_kept: dict[tuple[UUID, str], Model] = {}


async def model_in_service(uow: UnitOfWork) -> Model:
    """The model that forecasts the tenant's leads now."""
    row = await (await uow.connection.execute(_IN_SERVICE, (uow.tenant_id,))).fetchone()
    return await model_named(uow, None if row is None else row[0])


async def model_named(uow: UnitOfWork, version: str | None) -> Model:
    """The version's model. A tenant without versions has the documented prior, which also stands in for a model that
    this release cannot read: it is learned anew in the night."""
    if version is None or version == MODEL_VERSION:
        return PRIOR
    model = _kept.get((uow.tenant_id, version))
    if model is None:
        row = await (await uow.connection.execute(_MODEL, (uow.tenant_id, version))).fetchone()
        model = _read(version, None if row is None else row[0])
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[uow.tenant_id, version] = model
    return model


def _read(version: str, document: Mapping[str, Any] | None) -> Model:
    if document is None:
        return PRIOR
    try:
        return from_json(document)
    except ModelFormatError as error:
        log.warning("model.unreadable", version=version, error=str(error))
        return PRIOR


def about(model: Model, owner_id: UUID | None, custom: Mapping[str, Any]) -> About:
    """What the model wants to know of a lead beside its state."""
    if not model.terms:
        return NOTHING
    return About(None if owner_id is None else str(owner_id), custom_texts(custom))


def custom_texts(custom: Mapping[str, Any]) -> dict[str, str]:
    """The custom fields that hold one value each, as text."""
    return {name: str(value) for name, value in custom.items() if isinstance(value, str | int | float)}


def forecast_by(model: Model, state: State, moment: datetime, known: About) -> Forecast:
    """The model's forecast as of a moment."""
    context = context_at(moment)
    if model is PRIOR:  # the same to the bit, and most tenants' on their first day
        return forecast(state, moment.timestamp(), context)
    return forecast_with(model, state, moment.timestamp(), context, known)


def context_at(moment: datetime) -> Context:
    """What a forecast at `moment` needs beside the lead's own facts."""
    return _context(moment.month)


@lru_cache(maxsize=12)
def _context(month: int) -> Context:
    return Context(season=season_of(month))
