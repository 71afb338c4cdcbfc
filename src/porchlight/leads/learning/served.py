"""Reading what was forecast and what became of it: the forecasts that were served, and the closings that followed.

For history that was brought in nothing was served at its time. There the documented prior says what it would have said,
from what was known on that day; it has learned from nobody's outcomes, so it cannot have known better.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import numpy as np

from porchlight.intelligence.conversion import EMPTY, MODEL_VERSION, Fact, fold, forecast
from porchlight.intelligence.conversion.forecast import HORIZON_DAYS
from porchlight.intelligence.conversion.history.landmarks import Pursuit, landmark_rows
from porchlight.intelligence.conversion.history.model import PRIOR, score_many
from porchlight.kit.database import Database, UnitOfWork
from porchlight.leads.learning.history import AS_IT_HAPPENED, context_of, read_pursuits
from porchlight.leads.learning.track_record import Served

KEPT: Final = timedelta(days=3 * 366)
"""How far back the record looks."""
_ROWS_AT_ONCE: Final = 5_000
_ENDED: Final = forecast(fold(EMPTY, Fact("deal.closed", 1.0, {})), 1.0).score
"""The fixed score of whoever has closed or is lost: no forecast, so it counts neither way."""

#: A lead's first forecast of each month. The first, because when it was made nobody knew whether another would follow.
_FORECASTS: LiteralString = """
SELECT DISTINCT ON (s.lead_id, date_trunc('month', s.at AT TIME ZONE 'UTC'))
       s.lead_id::text, s.at, s.probability, s.model_version, l.source, l.owner_id::text
FROM scores s JOIN leads l ON l.tenant_id = s.tenant_id AND l.id = s.lead_id
LEFT JOIN activities a ON a.tenant_id = s.tenant_id AND a.id = s.activity_id
WHERE s.tenant_id = %(tenant)s AND s.at > %(since)s AND s.at <= %(now)s AND s.score <> %(ended)s
  AND coalesce(a.recorded_at, s.at) - s.at <= %(live)s
ORDER BY s.lead_id, date_trunc('month', s.at AT TIME ZONE 'UTC'), s.at, s.id
"""
_CLOSINGS: LiteralString = """
SELECT lead_id::text, array_agg(occurred_at ORDER BY occurred_at) FROM activities
WHERE tenant_id = %(tenant)s AND occurred_at > %(since)s AND occurred_at <= %(now)s
  AND (kind = 'deal.closed' OR (kind = 'stage.changed' AND payload->>'to' = 'closed'))
GROUP BY lead_id
"""
_LEARNED: LiteralString = "SELECT version, learned_until FROM model_versions WHERE tenant_id = %(tenant)s"
#: Only leads whose history began before they were here have any that was brought in.
_ARRIVED: LiteralString = """
SELECT lead_id::text, min(recorded_at) FROM activities WHERE tenant_id = %(tenant)s
GROUP BY lead_id HAVING min(recorded_at) - min(occurred_at) > %(live)s
"""


class _Forecast(NamedTuple):
    lead: str
    at: datetime
    said: float
    version: str
    source: str | None
    agent: str | None
    live: bool


class _Table:
    """Columns that grow row by row, as few numbers each; names are numbered in the order in which they come."""

    def __init__(self, closings: Mapping[str, Sequence[datetime]], now: datetime) -> None:
        self.closings = closings
        self.now = now
        self.said = array("d")
        names = ("lead", "month", "won", "settled", "live", "source", "agent", "version")
        self.columns: dict[str, array[int]] = {name: array("q") for name in names}
        self.names: dict[str, dict[str, int]] = {name: {} for name in ("lead", "source", "agent", "version")}

    def add(self, one: _Forecast) -> None:
        end = one.at + timedelta(days=HORIZON_DAYS)
        closed = self.closings.get(one.lead, ())
        after = bisect_right(closed, one.at)
        row = {
            "lead": self._number("lead", one.lead),
            "month": one.at.year * 12 + one.at.month - 1,
            "won": after < len(closed) and closed[after] <= end,
            "settled": end <= self.now,
            "live": one.live,
            "source": self._number("source", one.source or ""),
            "agent": -1 if one.agent is None else self._number("agent", one.agent),
            "version": self._number("version", one.version),
        }
        self.said.append(one.said)
        for name, value in row.items():
            self.columns[name].append(value)

    def _number(self, kind: str, name: str) -> int:
        return self.names[kind].setdefault(name, len(self.names[kind]))

    def served(self) -> Served:
        numbers = {name: np.array(column, dtype=np.int64) for name, column in self.columns.items()}
        flags = {name: numbers.pop(name).astype(bool) for name in ("settled", "live")}
        won = numbers.pop("won").astype(np.float64)
        lists = {f"{name}s": list(self.names[name]) for name in ("source", "agent", "version")}
        return Served(**numbers, **flags, **lists, won=won, said=np.array(self.said, dtype=np.float64))  # type: ignore[arg-type]


async def served_forecasts(database: Database, tenant_id: UUID, now: datetime) -> Served:
    """What was served to this tenant up to `now`, and what happened within the 90 days after.

    A forecast of a model that had already seen what happened then proves nothing, and is left out. The rows are
    streamed; what is kept of each is a few numbers.
    """
    span = {"tenant": tenant_id, "since": now - KEPT, "now": now, "live": AS_IT_HAPPENED, "ended": _ENDED}
    async with database.unit_of_work(tenant_id) as uow:
        table = _Table(await _pairs(uow, _CLOSINGS, span), now)
        learned_until = await _pairs(uow, _LEARNED, span)
        arrived = await _pairs(uow, _ARRIVED, span)
        async with uow.connection.cursor("served") as rows:
            rows.itersize = _ROWS_AT_ONCE
            await rows.execute(_FORECASTS, span)
            async for lead, at, said, version, source, agent in rows:
                seen = learned_until.get(version)
                if seen is None or seen <= at:
                    table.add(_Forecast(lead, at, said, version, source, agent, live=True))
    if arrived:
        async for batch in read_pursuits(database, tenant_id, now):
            brought = [pursuit for pursuit in batch if pursuit.id in arrived]
            for one in await asyncio.to_thread(_worked_out, brought, arrived, now):
                table.add(one)
    return table.served()


async def _pairs(uow: UnitOfWork, query: LiteralString, parameters: Mapping[str, Any]) -> dict[str, Any]:
    cursor = await uow.connection.execute(query, parameters)
    return dict(await cursor.fetchall())


def _worked_out(pursuits: Sequence[Pursuit], arrived: Mapping[str, datetime], now: datetime) -> list[_Forecast]:
    """The prior's first forecast of each month before the lead was here."""
    found: list[_Forecast] = []
    rows = landmark_rows(pursuits, now.timestamp(), context_of)
    said = score_many(PRIOR, rows.values).probability.tolist()
    had: set[tuple[str, int, int]] = set()
    for when, pursuit, probability in zip(rows.at.tolist(), rows.about, said, strict=True):
        at = datetime.fromtimestamp(when, UTC)
        month = (pursuit.id, at.year, at.month)
        if month not in had and now - KEPT < at < arrived[pursuit.id] - AS_IT_HAPPENED:
            had.add(month)
            found.append(
                _Forecast(pursuit.id, at, probability, MODEL_VERSION, pursuit.source, pursuit.owner, live=False)
            )
    return found
