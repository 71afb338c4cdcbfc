"""Capturing leads: many at once, each becoming a new lead or a further touch of the lead it already is.

Whoever has the same e-mail address or phone number, once normalised, is the same lead. Two captures at the same moment
cannot make two leads of one person: the contact points' primary key decides, and the loser looks again.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg

from porchlight.audit.record import record
from porchlight.intelligence.conversion import OPEN_STAGES, Stage
from porchlight.intelligence.conversion.history.model import Model
from porchlight.kit.arrays import packed
from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7
from porchlight.kit.telemetry import LEADS_CAPTURED
from porchlight.kit.text import search_text
from porchlight.leads.assess import Assessment, Known, NewFact
from porchlight.leads.events import Capture, Door, LeadsArriving, LeadsCaptured
from porchlight.leads.facts import append_facts, lock_known
from porchlight.leads.find import leads_by_contact_point
from porchlight.leads.inputs import LeadInput
from porchlight.leads.serving import about, model_in_service
from porchlight.leads.tables import ContactPoint, Inbound, Lead
from porchlight.leads.touch import touch_facts

_TRIES = 4

_SEEN: LiteralString = """
SELECT origin, external_id, lead_id FROM inbound
WHERE tenant_id = %s AND kind = 'lead' AND external_id = ANY(%s) AND lead_id IS NOT NULL
"""


class Incoming(NamedTuple):
    """A lead on its way in, and the item it was read from."""

    given: LeadInput
    raw: Any


class _Race(Exception):  # noqa: N818
    """Somebody else captured one of the same people at the same moment, and was first."""


async def capture_leads(
    uow: UnitOfWork,
    incoming: Sequence[Incoming],
    *,
    door: Door,
    live: bool,
    meanwhile: Callable[[], None] = lambda: None,
) -> list[Capture]:
    """Take `incoming` in; the captures are in the same order. A live lead is waiting for an answer.

    `meanwhile` is called, perhaps more than once, when all is sent and nothing is to be done but wait for the database.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            async with uow.savepoint():
                captures = await _capture(uow, incoming, door, live, meanwhile)
        except _Race:
            if attempt == _TRIES:
                raise
        else:
            break
    for outcome, count in Counter(capture.outcome for capture in captures).items():
        LEADS_CAPTURED.labels(door, outcome).inc(count)
    return captures


async def _capture(
    uow: UnitOfWork, incoming: Sequence[Incoming], door: Door, live: bool, meanwhile: Callable[[], None]
) -> list[Capture]:
    now = uow.now()
    async with uow.connection.pipeline():
        asked = await uow.connection.execute(
            _SEEN, (uow.tenant_id, packed("text", [item.given.external_id for item in incoming]))
        )
        leads = await leads_by_contact_point(
            uow, [(p.kind, p.value) for item in incoming for p in item.given.contact_points]
        )
        seen = {(origin, external_id): lead_id for origin, external_id, lead_id in await asked.fetchall()}
    captures: list[Capture] = []
    fresh: list[tuple[Incoming, UUID]] = []
    new: dict[UUID, LeadInput] = {}
    points: dict[tuple[str, str], dict[str, Any]] = {}
    for item in incoming:
        given = item.given
        lead_id = seen.get((given.origin, given.external_id))
        if lead_id is not None:
            captures.append(Capture(lead_id, "duplicate", given))
            continue
        lead_id = next((leads[p.kind, p.value] for p in given.contact_points if (p.kind, p.value) in leads), None)
        outcome = "created" if lead_id is None else "matched"
        if lead_id is None:
            lead_id = uuid7()
            new[lead_id] = given
        for point in given.contact_points:
            # The first lead to bring a contact point keeps it; a second lead's claim to it is left for matching.
            if (point.kind, point.value) not in leads:
                leads[point.kind, point.value] = lead_id
                points[point.kind, point.value] = _point_row(uow, point, lead_id, now)
        seen[given.origin, given.external_id] = lead_id
        captures.append(Capture(lead_id, "created" if outcome == "created" else "matched", given))
        fresh.append((item, lead_id))
    # States before seats before contact points: the order of locks that everybody keeps to.
    known = await lock_known(uow, {lead_id for _, lead_id in fresh if lead_id not in new})
    owners = await _owners(uow, captures, door, live)
    model = await model_in_service(uow)
    known |= {lead_id: _unknown(lead_id, given, owners.get(lead_id), model) for lead_id, given in new.items()}
    touches: dict[UUID, list[LeadInput]] = defaultdict(list)
    for item, lead_id in fresh:
        touches[lead_id].append(item.given)
    assessed: dict[UUID, Assessment] = {}
    # The server writes what it has while the next leads are being made.
    async with uow.connection.pipeline():
        claimed = await _claim(uow, points)
        stored = await _store(uow, fresh, door, now)
        for some in _some_at_a_time(touches):
            facts: list[NewFact] = []
            for lead_id in some:
                for n, given in enumerate(touches[lead_id]):
                    facts += touch_facts(lead_id, given, door, now, first=lead_id in new and n == 0)
                if lead_id in owners:
                    facts.append(_assigned(lead_id, owners[lead_id], now))
            assessed |= append_facts(uow, facts, known, show=False)
            rows = [
                _lead_row(uow, lead_id, new[lead_id], owners.get(lead_id), now) for lead_id in some if lead_id in new
            ]
            await insert_rows(uow.connection, Lead, rows)
            await uow.write_now()
        meanwhile()
    await _check_claims(uow, points, claimed, new)
    if stored is not None and stored.rowcount != len(fresh):
        raise _Race
    if live:
        for capture in captures:
            if capture.outcome == "created":
                uow.publish(_frame(capture, assessed[capture.lead_id].forecast.score, now))
    uow.announce(LeadsCaptured(tuple(captures), door, live))
    record(
        uow,
        "leads.captured",
        "lead",
        captures[0].lead_id if len(captures) == 1 else None,
        door=door,
        created=len(new),
        matched=len(fresh) - len(new),
        duplicates=len(captures) - len(fresh),
    )
    return captures


_LEADS_AT_A_TIME = 125


def _some_at_a_time(leads: Iterable[UUID]) -> Iterator[list[UUID]]:
    walk = iter(leads)
    while some := list(islice(walk, _LEADS_AT_A_TIME)):
        yield some


_Points = Mapping[tuple[str, str], dict[str, Any]]


async def _claim(uow: UnitOfWork, points: _Points) -> psycopg.AsyncCursor[Any] | None:
    """Take the contact points that are still free."""
    # In one order everywhere, so that two captures of the same people wait for each other and never in a circle.
    rows = [points[key] for key in sorted(points)]
    return await insert_rows(
        uow.connection, ContactPoint, rows, on_conflict="ON CONFLICT DO NOTHING", returning=("kind", "value")
    )


async def _check_claims(
    uow: UnitOfWork, points: _Points, claimed: psycopg.AsyncCursor[Any] | None, new: Container[UUID]
) -> None:
    """Raise `_Race` when somebody else has taken a contact point that was free a moment ago."""
    if claimed is None or claimed.rowcount == len(points):
        return
    taken = {(kind, value) for kind, value in await claimed.fetchall()}
    lost = [key for key in points if key not in taken]
    if any(points[key]["lead_id"] in new for key in lost):
        raise _Race
    owners = await leads_by_contact_point(uow, lost)
    if any(owners.get(key) != points[key]["lead_id"] for key in lost):
        raise _Race


async def _store(
    uow: UnitOfWork, fresh: Sequence[tuple[Incoming, UUID]], door: Door, now: datetime
) -> psycopg.AsyncCursor[Any] | None:
    """Keep the items as they came, those that nobody else has stored meanwhile."""
    rows = [
        {
            "tenant_id": uow.tenant_id,
            "id": uuid7(),
            "kind": "lead",
            "door": door,
            "origin": item.given.origin,
            "external_id": item.given.external_id,
            "payload": item.raw,
            "received_at": now,
            "lead_id": lead_id,
            "status": "done",
            "error": None,
        }
        for item, lead_id in fresh
    ]
    rows.sort(key=itemgetter("origin", "external_id"))
    return await insert_rows(uow.connection, Inbound, rows, on_conflict="ON CONFLICT DO NOTHING", returning=("id",))


async def _owners(uow: UnitOfWork, captures: Sequence[Capture], door: Door, live: bool) -> dict[UUID, UUID]:
    """The agents whom the layers above give the new leads to."""
    arriving = LeadsArriving(tuple(c for c in captures if c.outcome == "created" and _is_open(c.given)), door, live, {})
    if arriving.captures:
        await uow.ask(arriving)
    return arriving.owners


def _is_open(given: LeadInput) -> bool:
    return given.outcome is None and _stage(given) in OPEN_STAGES


def _assigned(lead_id: UUID, owner_id: UUID, now: datetime) -> NewFact:
    return NewFact(uuid7(), lead_id, "lead.assigned", now, {"to": str(owner_id)}, "porchlight")


def _unknown(lead_id: UUID, given: LeadInput, owner_id: UUID | None, model: Model) -> Known:
    known = about(model, owner_id, given.custom)
    return Known(lead_id, owner_id, _stage(given), None, 50.0, 0, None, model, known)


def _stage(given: LeadInput) -> Stage:
    return given.stage or "new"


def _lead_row(uow: UnitOfWork, lead_id: UUID, given: LeadInput, owner_id: UUID | None, now: datetime) -> dict[str, Any]:
    address = given.address
    fields = () if address is None else ("street", "city", "state", "postal_code", "country")
    name = given.full_name or " ".join(part for part in (given.given_name, given.family_name) if part) or None
    return {
        "tenant_id": uow.tenant_id,
        "id": lead_id,
        "external_id": given.external_id,
        "source": given.source,
        "name": name,
        "given_name": given.given_name,
        "family_name": given.family_name,
        "stage": _stage(given),
        "owner_id": owner_id,
        "captured_at": min(given.created_at or now, now),
        "address": {f: v for f in fields if (v := getattr(address, f)) is not None} or None,
        "tags": list(given.tags),
        "custom": dict(given.custom),
        "search_text": search_text((name, *(p.value for p in given.contact_points), given.external_id)),
    }


def _point_row(uow: UnitOfWork, point: Any, lead_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": uow.tenant_id,
        "kind": point.kind,
        "value": point.value,
        "lead_id": lead_id,
        "raw": point.raw,
        "added_at": now,
    }


def _frame(capture: Capture, score: float, now: datetime) -> Frame:
    name = capture.given.full_name or capture.given.given_name
    body = {"name": name, "source": capture.given.source, "score": score}
    return Frame(kind="lead.captured", at=now, lead_id=capture.lead_id, audience=(), body=body)
