"""Doing over: items that failed are taken in again, and states are rebuilt from the facts they stand for.

Both can be repeated at will: an item counts once under its origin and external id, and a state that is right stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from porchlight.intelligence.conversion import EMPTY, Fact, State, encode, fold
from porchlight.kit.arrays import Recordset
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.leads.assess import BOOKKEEPING, Known, judged_at, reassess
from porchlight.leads.facts import ASSESSED, lock_known
from porchlight.leads.incoming import read_activity
from porchlight.leads.record import ActivityInput, record_activities

AT_ONCE = 500
"""Items or leads in one transaction."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that came in and is not done: an activity, or a hook's delivery."""

    id: UUID
    external_id: str
    payload: Any
    received_at: datetime
    door: str


_OPEN: LiteralString = """
SELECT id, external_id, payload, received_at, door FROM inbound
WHERE tenant_id = %(tenant)s AND status <> 'done' AND kind = %(kind)s AND id > %(after)s
  AND (status = 'failed' OR NOT %(failed)s)
  AND (%(source)s::text IS NULL OR origin = %(source)s OR split_part(origin, ':', 1) = %(source)s)
ORDER BY id LIMIT %(limit)s
"""


async def open_items(
    uow: UnitOfWork, kind: str, *, after: UUID, source: str | None = None, failed_only: bool = False
) -> list[OpenItem]:
    """What is not done, at most `AT_ONCE`, in the order in which it came; `after` is the last id seen before."""
    cursor = await uow.connection.execute(
        _OPEN,
        {
            "tenant": uow.tenant_id,
            "kind": kind,
            "after": after,
            "failed": failed_only,
            "source": source,
            "limit": AT_ONCE,
        },
    )
    return [OpenItem(*row) for row in await cursor.fetchall()]


async def replay_activities(uow: UnitOfWork, items: Sequence[OpenItem], region: str) -> int:
    """Record activities that failed before, as of when they came; returns how many are in now."""
    again = [given for item in items if isinstance(given := _as_before(item), ActivityInput)]
    results = await record_activities(uow, again, door=items[0].door, region=region) if again else []
    return sum(result.status == "recorded" for result in results)


def _as_before(item: OpenItem) -> ActivityInput | PorchlightError:
    given = read_activity(item.payload)
    if isinstance(given, PorchlightError):
        return given
    # One that brought no id of its own was stored under ours, which makes it the same item again.
    return replace(given, external_id=item.external_id, occurred_at=given.occurred_at or item.received_at)


_HISTORY: LiteralString = """
SELECT lead_id, kind, occurred_at, payload, source FROM activities
WHERE tenant_id = %s AND lead_id = ANY(%s) ORDER BY lead_id DESC, occurred_at, id
"""
_ROWS_AT_ONCE = 2_000


_ASSESSED = Recordset("assessment", ASSESSED)
_REWRITE = f"""
WITH rebuilt AS (
    SELECT * FROM {_ASSESSED.source}
), stages AS (
    UPDATE leads l SET stage = r.stage
    FROM rebuilt r WHERE l.tenant_id = %(tenant)s AND l.id = r.lead_id AND l.stage <> r.stage
)
UPDATE lead_states s
SET (state, score, grade, probability, factors, next_action, model_version, activity_count, last_activity_at,
     forecast_at)
  = (r.state, r.score, r.grade, r.probability, r.factors, r.next_action, r.model_version, r.activity_count,
     r.last_activity_at, %(now)s)
FROM rebuilt r WHERE s.tenant_id = %(tenant)s AND s.lead_id = r.lead_id
""".encode()


@dataclass(slots=True)
class _History:
    """What a lead's facts amount to, up to the one that was added last."""

    latest: datetime
    last_activity_at: datetime
    state: State = EMPTY
    count: int = 0

    def add(self, kind: str, at: datetime, payload: Mapping[str, Any], source: str) -> None:
        before, self.state = self.state, fold(self.state, Fact(kind, at.timestamp(), payload, source))
        self.count += 1
        if kind not in BOOKKEEPING:
            self.last_activity_at = at
        elif self.state is before:
            return  # as in `assess`
        self.latest = at


async def refold(uow: UnitOfWork, lead_ids: Collection[UUID]) -> list[UUID]:
    """Rebuild the leads' states from their facts in the order in which they happened, and forecast as of now.

    Returns the leads whose state was another before. Facts that arrived late may make a difference, because a fold can
    do less with them than with facts in their order. Histories are streamed, so memory does not grow with them; the
    leads are locked meanwhile.
    """
    known = await lock_known(uow, lead_ids)
    histories: dict[UUID, _History] = {}
    async with uow.connection.cursor("refold") as facts:
        facts.itersize = _ROWS_AT_ONCE
        await facts.execute(_HISTORY, (uow.tenant_id, list(known)))
        async for lead_id, kind, at, payload, source in facts:
            histories.setdefault(lead_id, _History(at, at)).add(kind, at, payload, source)
    now = uow.now()
    rows = [_row(known[lead_id], history, now) for lead_id, history in histories.items()]
    await uow.connection.execute(_REWRITE, {"tenant": uow.tenant_id, "now": now, **_ASSESSED.parameters(rows)})
    return [lead_id for lead_id, history in histories.items() if encode(history.state) != known[lead_id].state]


def _row(known: Known, history: _History, now: datetime) -> dict[str, Any]:
    state = encode(history.state)
    forecast, action = reassess(state, judged_at(history.latest, now), known.model, known.about)
    return {
        "lead_id": known.lead_id,
        "state": state,
        "stage": history.state.stage,
        "score": forecast.score,
        "grade": forecast.grade,
        "probability": forecast.probability,
        "factors": list(forecast.factors),
        "next_action": action._asdict(),
        "model_version": forecast.model_version,
        "activity_count": history.count,
        "last_activity_at": history.last_activity_at,
    }
