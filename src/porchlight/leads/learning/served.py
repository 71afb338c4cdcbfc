"""Reading what was forecast and what became of it: the forecasts that were served, and the closings that followed."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import numpy as np

from porchlight.intelligence.conversion import EMPTY, Fact, fold, forecast
from porchlight.intelligence.conversion.forecast import HORIZON_DAYS
from porchlight.kit.database import UnitOfWork
from porchlight.leads.learning.history import AS_IT_HAPPENED
from porchlight.leads.learning.track_record import Served

KEPT: Final = timedelta(days=3 * 366)
"""How far back the record looks."""
_ROWS_AT_ONCE: Final = 5_000
_ENDED: Final = forecast(fold(EMPTY, Fact("deal.closed", 1.0, {})), 1.0).score
"""The fixed score of whoever has closed or is lost: no forecast, so it counts neither way."""

#: A lead's first forecast of each month. The first, because when it was made nobody knew whether another would follow.
_FORECASTS: LiteralString = """
SELECT DISTINCT ON (s.lead_id, month)
       s.lead_id, s.at, s.probability, s.model_version, l.source, l.owner_id, coalesce(a.recorded_at, s.at) AS made_at,
       (extract(year FROM s.at AT TIME ZONE 'UTC') * 12 + extract(month FROM s.at AT TIME ZONE 'UTC') - 1)::int AS month
FROM scores s JOIN leads l ON l.tenant_id = s.tenant_id AND l.id = s.lead_id
LEFT JOIN activities a ON a.tenant_id = s.tenant_id AND a.id = s.activity_id
WHERE s.tenant_id = %(tenant)s AND s.at > %(since)s AND s.at <= %(now)s AND s.score <> %(ended)s
ORDER BY s.lead_id, month, s.at, s.id
"""
_CLOSINGS: LiteralString = """
SELECT lead_id, occurred_at FROM activities
WHERE tenant_id = %(tenant)s AND occurred_at > %(since)s AND occurred_at <= %(now)s
  AND (kind = 'deal.closed' OR (kind = 'stage.changed' AND payload->>'to' = 'closed'))
ORDER BY lead_id, occurred_at
"""
_LEARNED: LiteralString = "SELECT version, learned_until FROM model_versions WHERE tenant_id = %s"


class _Names:
    """Values numbered in the order in which they come."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def texts(self) -> list[str]:
        return [str(value) for value in self.numbers]


async def served_forecasts(uow: UnitOfWork) -> Served:
    """What was served to this tenant up to now, and what happened within the 90 days after.

    A forecast of a model that had already seen what happened then proves nothing, and is left out. The rows are
    streamed; what is kept of each is a few numbers.
    """
    now = uow.now()
    span = {"tenant": uow.tenant_id, "since": now - KEPT, "now": now}
    closings: dict[UUID, list[datetime]] = defaultdict(list)
    cursor = await uow.connection.execute(_CLOSINGS, span)
    for lead_id, at in await cursor.fetchall():
        closings[lead_id].append(at)
    cursor = await uow.connection.execute(_LEARNED, (uow.tenant_id,))
    learned_until: dict[str, datetime | None] = dict(await cursor.fetchall())
    leads, sources, agents, versions = _Names(), _Names(), _Names(), _Names()
    said = array("d")
    columns: dict[str, array[int]] = {
        name: array("q") for name in ("lead", "month", "won", "settled", "live", "source", "agent", "version")
    }
    horizon = timedelta(days=HORIZON_DAYS)
    async with uow.connection.cursor("served") as rows:
        rows.itersize = _ROWS_AT_ONCE
        await rows.execute(_FORECASTS, span | {"ended": _ENDED})
        async for lead_id, at, probability, version, source, owner, made_at, month in rows:
            seen = learned_until.get(version)
            if seen is not None and seen > at:
                continue
            closed = closings.get(lead_id, [])
            after = bisect_right(closed, at)
            said.append(probability)
            row = {
                "lead": leads(lead_id),
                "month": month,
                "won": after < len(closed) and closed[after] <= at + horizon,
                "settled": at + horizon <= now,
                "live": made_at - at <= AS_IT_HAPPENED,
                "source": sources(source),
                "agent": -1 if owner is None else agents(owner),
                "version": versions(version),
            }
            for name, value in row.items():
                columns[name].append(value)
    numbers = {name: np.array(column, dtype=np.int64) for name, column in columns.items()}
    return Served(
        lead=numbers["lead"],
        month=numbers["month"],
        said=np.array(said, dtype=np.float64),
        won=numbers["won"].astype(np.float64),
        settled=numbers["settled"].astype(bool),
        live=numbers["live"].astype(bool),
        source=numbers["source"],
        agent=numbers["agent"],
        version=numbers["version"],
        sources=sources.texts(),
        agents=agents.texts(),
        versions=versions.texts(),
    )
