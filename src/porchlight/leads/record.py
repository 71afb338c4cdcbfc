"""Recording activities: the hot path, from an item as it was sent to the answer for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, LiteralString
from uuid import UUID

from porchlight.accounts.caller import Caller
from porchlight.audit.record import record
from porchlight.intelligence.conversion import BadPayload, UnknownKind, validate_payload
from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7
from porchlight.kit.telemetry import ACTIVITIES_RECORDED
from porchlight.leads.assess import Assessment, NewFact
from porchlight.leads.facts import append_facts, lock_known
from porchlight.leads.find import Reference, find_leads
from porchlight.leads.tables import Inbound

#: How far another system's clock may run ahead of ours.
CLOCK_SKEW = timedelta(minutes=5)

ActivityStatus = Literal["recorded", "duplicate", "error"]


@dataclass(frozen=True, slots=True)
class ActivityInput:
    """An activity as a door received it. `raw` is the item as it was sent."""

    about: Reference
    kind: str
    occurred_at: datetime | None
    payload: dict[str, Any]
    source: str
    external_id: str | None
    raw: Any


@dataclass(frozen=True, slots=True)
class ActivityResult:
    status: ActivityStatus
    activity_id: UUID | None = None
    lead_id: UUID | None = None
    assessment: Assessment | None = None
    error: PorchlightError | None = None


_SEEN: LiteralString = """
SELECT origin, external_id, id, lead_id FROM inbound
WHERE tenant_id = %s AND kind = 'activity' AND external_id = ANY(%s)
"""


async def record_activities(
    uow: UnitOfWork,
    inputs: Sequence[ActivityInput | PorchlightError],
    *,
    door: str,
    region: str,
    caller: Caller | None = None,
) -> list[ActivityResult]:
    """Record each input that can be; the results are in the inputs' order, and one that fails keeps no other back.

    An input that could not even be read is given as its error. A `caller` records only about leads they see. What
    fails is kept with its error, and may be sent again under the same external id.
    """
    results: list[ActivityResult | None] = [None] * len(inputs)
    readable = {n: given for n, given in enumerate(inputs) if isinstance(given, ActivityInput)}
    now = uow.now()
    for n, given in enumerate(inputs):
        error = given if isinstance(given, PorchlightError) else _fault(given, now)
        if error is not None:
            results[n] = ActivityResult("error", error=error)
    sound = {n: given for n, given in readable.items() if results[n] is None}
    found = await find_leads(uow, {n: given.about for n, given in sound.items()}, region)
    known = await lock_known(uow, {lead_id for lead_id in found.values() if isinstance(lead_id, UUID)})
    ready: dict[int, ActivityInput] = {}
    for n, given in sound.items():
        lead_id = found[n]
        if isinstance(lead_id, PorchlightError):
            results[n] = ActivityResult("error", error=lead_id)
        elif lead_id not in known or (caller is not None and not caller.sees(known[lead_id].owner_id)):
            results[n] = ActivityResult("error", error=_unknown_lead("lead_id"))
        else:
            ready[n] = given
    lead_of: Mapping[int, UUID] = {n: lead_id for n, lead_id in found.items() if isinstance(lead_id, UUID)}
    accepted = await _store(uow, readable, ready, lead_of, results, door, now)
    facts = [
        NewFact(accepted[n], lead_of[n], given.kind, min(given.occurred_at or now, now), given.payload, given.source)
        for n, given in ready.items()
        if n in accepted
    ]
    assessed = await append_facts(uow, facts, known) if facts else {}
    for n in ready:
        if n in accepted:
            results[n] = ActivityResult("recorded", accepted[n], lead_of[n], assessed[lead_of[n]])
    if facts:
        record(uow, "activities.recorded", "lead", facts[0].lead_id if len(assessed) == 1 else None, count=len(facts))
    answered = [result for result in results if result is not None]
    for result in answered:
        ACTIVITIES_RECORDED.labels(result.status).inc()
    return answered


async def _store(
    uow: UnitOfWork,
    readable: Mapping[int, ActivityInput],
    ready: Mapping[int, ActivityInput],
    lead_of: Mapping[int, UUID],
    results: list[ActivityResult | None],
    door: str,
    now: datetime,
) -> dict[int, UUID]:
    """Keep the raw items, and return the ids of those that are new; a duplicate gets its result here."""
    rows = []
    place: dict[tuple[str, str], int] = {}
    for n, given in sorted(readable.items(), key=lambda item: item[0] not in ready):
        row_id = uuid7()
        external_id = given.external_id or str(row_id)
        if place.setdefault((given.source, external_id), n) != n:
            if n in ready:
                results[n] = ActivityResult("duplicate", None, lead_of[n])
            continue
        failed = results[n]
        rows.append(
            {
                "tenant_id": uow.tenant_id,
                "id": row_id,
                "kind": "activity",
                "door": door,
                "origin": given.source,
                "external_id": external_id,
                "payload": given.raw,
                "received_at": now,
                "lead_id": lead_of.get(n),
                "status": "done" if failed is None else "failed",
                "error": None if failed is None or failed.error is None else failed.error.detail,
            }
        )
    # What failed before may be sent again; what was done stays done.
    cursor = await insert_rows(
        uow.connection,
        Inbound,
        rows,
        on_conflict="ON CONFLICT (tenant_id, external_id, kind, origin) DO UPDATE "
        "SET payload = excluded.payload, status = excluded.status, error = excluded.error, lead_id = excluded.lead_id "
        "WHERE inbound.status = 'failed'",
        returning=("origin", "external_id", "id"),
    )
    written = {} if cursor is None else {(s, e): row_id for s, e, row_id in await cursor.fetchall()}
    accepted = {place[key]: row_id for key, row_id in written.items() if place[key] in ready}
    lost = {key: n for key, n in place.items() if n in ready and n not in accepted}
    if lost:
        seen = await uow.connection.execute(_SEEN, (uow.tenant_id, [external_id for _, external_id in lost]))
        for source, external_id, activity_id, lead_id in await seen.fetchall():
            if (source, external_id) in lost:
                results[lost[source, external_id]] = ActivityResult("duplicate", activity_id, lead_id)
    return accepted


def _fault(given: ActivityInput, now: datetime) -> PorchlightError | None:
    try:
        validate_payload(given.kind, given.payload)
    except UnknownKind as error:
        hint = f" Did you mean {' or '.join(error.close_matches)}?" if error.close_matches else ""
        return PorchlightError(
            "kind_unknown", f"There is no activity kind {given.kind!r}.{hint} /docs lists them all.", field="kind"
        )
    except BadPayload as error:
        return PorchlightError("payload_invalid", f"{error.message}.", field=f"payload.{error.field}".rstrip("."))
    if given.occurred_at is not None and given.occurred_at - now > CLOCK_SKEW:
        return PorchlightError(
            "request_invalid", "occurred_at lies in the future; record what has happened.", field="occurred_at"
        )
    return None


def _unknown_lead(field: str) -> PorchlightError:
    return PorchlightError(
        "lead_not_found",
        "No lead fits; capture it with POST /api/v1/leads first, then record what it did.",
        field=field,
    )
