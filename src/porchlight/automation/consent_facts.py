"""Consent that is recorded as a fact, after the lead came in, reaches the ledger that decides about messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, LiteralString, NamedTuple
from uuid import UUID

from porchlight.delivery.consent import Agreement, address_hash, record_agreements, suppress
from porchlight.delivery.kinds import CONTACT_KIND, CONTACT_KINDS, ChannelName, ContactKind, Purpose
from porchlight.kit.database import UnitOfWork
from porchlight.kit.settings import Settings
from porchlight.leads.events import FactsRecorded
from porchlight.leads.queries import contact_points
from porchlight.leads.tables import ContactPoint

KINDS = frozenset({"consent.given", "consent.withdrawn"})

ORDINARY_CHANNEL: Mapping[str, ChannelName] = {"email": "email", "phone": "sms"}
"""Under which channel a refusal is kept that names none; it holds for the contact point whichever that is."""

#: Only what came in as an activity: what a lead stated on its way in, and what the unsubscribe link did, is in the
#: ledger already. An activity that came in has the id of the item that it was read from.
_CONSENTS: LiteralString = """
SELECT a.lead_id, a.kind, a.occurred_at, a.source, a.payload
FROM activities a JOIN inbound i ON i.tenant_id = a.tenant_id AND i.id = a.id
WHERE a.tenant_id = %s AND a.id = ANY(%s) ORDER BY a.id
"""


class _Consent(NamedTuple):
    lead_id: UUID
    kind: str
    occurred_at: datetime
    source: str
    payload: dict[str, Any]


def concerns_consent(event: FactsRecorded) -> bool:
    return any(fact.kind in KINDS for fact in event.facts)


def note_consent_facts(settings: Settings) -> Callable[[UnitOfWork, FactsRecorded], Awaitable[None]]:
    """The handler that takes recorded consent over, in the transaction that records it.

    Both ways are read at their strictest. Agreement is to one contact point: where a lead has several of the kind,
    nobody knows which was meant, and it is taken over for none. A refusal holds for all of them, for good, and where it
    names no channel that we know, for every channel.
    """

    async def note(uow: UnitOfWork, event: FactsRecorded) -> None:
        ids = [fact.activity_id for fact in event.facts if fact.kind in KINDS]
        rows = await (await uow.connection.execute(_CONSENTS, (uow.tenant_id, ids))).fetchall()
        consents = [_Consent(*row) for row in rows]
        points = await contact_points(uow, list({consent.lead_id for consent in consents}))
        await _take_over(uow, settings, [(consent, points[consent.lead_id]) for consent in consents])

    return note


async def _take_over(
    uow: UnitOfWork, settings: Settings, stated: Sequence[tuple[_Consent, Sequence[ContactPoint]]]
) -> None:
    agreements: list[Agreement] = []
    refused: dict[ContactKind, list[bytes]] = {kind: [] for kind in CONTACT_KINDS}
    for consent, points in stated:
        if consent.kind == "consent.given":
            agreements += _given(consent, points)
            continue
        withdrawn = list(_withdrawn(consent, points))
        agreements += withdrawn
        for agreement in withdrawn:
            kind = CONTACT_KIND[agreement.channel]
            refused[kind].append(address_hash(settings, uow.tenant_id, kind, agreement.value))
    await record_agreements(uow, agreements)
    for kind, hashes in refused.items():
        await suppress(uow, kind, hashes, "opted_out")


def _given(consent: _Consent, points: Iterable[ContactPoint]) -> list[Agreement]:
    channel = _channel(consent)
    if channel is None:
        return []
    reached = [point for point in points if point.kind == CONTACT_KIND[channel]]
    # Consent without a purpose is to any, as at the doors; to one we do not know, it is to an answer only.
    purpose: Purpose = "marketing" if consent.payload.get("purpose") in (None, "marketing") else "inquiry_reply"
    return [_line(consent, channel, reached[0].value, purpose, "express")] if len(reached) == 1 else []


def _withdrawn(consent: _Consent, points: Iterable[ContactPoint]) -> Iterable[Agreement]:
    channel = _channel(consent)
    for point in points:
        if channel is None or point.kind == CONTACT_KIND[channel]:
            yield _line(consent, channel or ORDINARY_CHANNEL[point.kind], point.value, "marketing", None)


def _channel(consent: _Consent) -> ChannelName | None:
    """The channel that a consent names, None where it names none of ours."""
    named = str(consent.payload.get("channel") or "").strip().casefold()
    return next((channel for channel in CONTACT_KIND if channel == named), None)


def _line(
    consent: _Consent, channel: ChannelName, value: str, purpose: Purpose, basis: Literal["express"] | None
) -> Agreement:
    return Agreement(
        channel=channel,
        value=value,
        purpose=purpose,
        basis=basis,
        source=consent.source,
        at=consent.occurred_at,
        lead_id=consent.lead_id,
        wording=consent.payload.get("text"),
    )
