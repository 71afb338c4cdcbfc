"""Recording activities: the hot path, from an item as it was sent to the answer for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from porchlight.accounts.caller import Caller
from porchlight.audit.record import record
from porchlight.intelligence.conversion import BadPayload, UnknownKind, validate_payload
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.telemetry import ACTIVITIES_RECORDED
from porchlight.leads.assess import Assessment, NewFact
from porchlight.leads.facts import append_facts, receive_known, request_known
from porchlight.leads.find import Reference, find_leads
from porchlight.leads.raw import RawItem, find_originals, mark_failed, new_ids, store_raw

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

    @property
    def key(self) -> tuple[str, str | None]:
        """What makes the item the same item when it is sent again."""
        return self.source, self.external_id


@dataclass(frozen=True, slots=True)
class ActivityResult:
    status: ActivityStatus
    activity_id: UUID | None = None
    lead_id: UUID | None = None
    assessment: Assessment | None = None
    error: PorchlightError | None = None


async def record_activities(
    uow: UnitOfWork,
    inputs: Sequence[ActivityInput | PorchlightError],
    *,
    door: str,
    region: str,
    caller: Caller | None = None,
    show: bool = True,
) -> list[ActivityResult]:
    """Record each input that can be; the results are in the inputs' order, and one that fails keeps no other back.

    An input that could not even be read is given as its error. A `caller` records only about leads they see. What
    fails is kept with its error, and may be sent again under the same external id. `show` is as in `append_facts`.
    """
    now = uow.now()
    faults: dict[int, PorchlightError] = {}
    readable: dict[int, ActivityInput] = {}
    for n, given in enumerate(inputs):
        fault = given if isinstance(given, PorchlightError) else _fault(given, now)
        if fault is not None:
            faults[n] = fault
        if isinstance(given, ActivityInput):
            readable[n] = given
    found = await find_leads(uow, {n: given.about for n, given in readable.items() if n not in faults}, region)
    lead_of = {n: lead for n, lead in found.items() if isinstance(lead, UUID)}
    faults |= {n: error for n, error in found.items() if isinstance(error, PorchlightError)}
    async with uow.connection.pipeline():
        await uow.plan_once()
        stored = await store_raw(
            uow, [_raw(n, given, lead_of.get(n), faults.get(n)) for n, given in readable.items()], door
        )
        locked = await request_known(uow, set(lead_of.values()))
    ids = await new_ids(stored)
    known = await receive_known(uow, locked)
    facts: dict[int, NewFact] = {}
    for n, lead_id in lead_of.items():
        if lead_id not in known or (caller is not None and not caller.sees(known[lead_id].owner_id)):
            faults[n] = _unknown_lead()
        elif n in ids:
            given = readable[n]
            at = min(given.occurred_at or now, now)
            facts[n] = NewFact(ids[n], lead_id, given.kind, at, given.payload, given.source)
    await mark_failed(uow, {ids[n]: faults[n].detail for n in lead_of if n in faults and n in ids})
    originals = await find_originals(uow, {n: readable[n].key for n in lead_of if n not in faults and n not in ids})
    assessed = append_facts(uow, list(facts.values()), known, show=show) if facts else {}
    if facts:
        about = next(iter(assessed)) if len(assessed) == 1 else None
        record(uow, "activities.recorded", "lead", about, count=len(facts))
    results = []
    for n in range(len(inputs)):
        if n in faults:
            result = ActivityResult("error", error=faults[n])
        elif n in facts:
            result = ActivityResult("recorded", facts[n].id, facts[n].lead_id, assessed[facts[n].lead_id])
        else:
            result = ActivityResult("duplicate", originals.get(n), lead_of[n])
        ACTIVITIES_RECORDED.labels(result.status).inc()
        results.append(result)
    return results


def _raw(n: int, given: ActivityInput, lead_id: UUID | None, fault: PorchlightError | None) -> RawItem:
    return RawItem(n, "activity", given.key, given.raw, lead_id, None if fault is None else fault.detail)


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


def _unknown_lead() -> PorchlightError:
    return PorchlightError(
        "lead_not_found",
        "No lead has this id; capture it with POST /api/v1/leads first, then record what it did.",
        field="lead_id",
    )
