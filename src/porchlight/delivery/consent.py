"""The consent ledger and the do-not-contact list of a tenant's contact points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import select

from porchlight.delivery.kinds import CONTACT_KIND, CONTACT_KINDS, ChannelName, ContactKind, Purpose
from porchlight.delivery.permit import Basis, ConsentRecord
from porchlight.delivery.tables import ConsentEntry, Suppression
from porchlight.delivery.tokens import ADDRESS_HASH_BYTES
from porchlight.kit.bulk import insert_rows
from porchlight.kit.crypto import derive_key, keyed_hash
from porchlight.kit.database import UnitOfWork
from porchlight.kit.ids import uuid7
from porchlight.kit.settings import Settings
from porchlight.leads.contact_points import BadContactPoint, normalise_email, normalise_phone
from porchlight.leads.events import Capture, LeadsCaptured

_BASES = {"express": Basis.EXPRESS, "written": Basis.WRITTEN}


@dataclass(frozen=True, slots=True)
class Agreement:
    """That a person agreed (`basis` express or written) to a channel for a purpose, or took it back (`basis` None)."""

    channel: ChannelName
    value: str
    purpose: Purpose
    basis: Literal["express", "written"] | None
    source: str
    at: datetime
    lead_id: UUID | None = None
    wording: str | None = None


def normalised(kind: ContactKind, value: str) -> str:
    """The contact point in the one form under which it is looked up; as it is, where it cannot be read."""
    try:
        return normalise_email(value) if kind == "email" else normalise_phone(value)
    except BadContactPoint:
        return value.strip().lower()


def address_hash(settings: Settings, tenant_id: UUID, kind: ContactKind, value: str) -> bytes:
    """The keyed hash under which a contact point is suppressed; of no use without the installation's key, and not the
    same for two tenants."""
    message = f"{tenant_id}:{kind}:{normalised(kind, value)}".encode()
    return keyed_hash(derive_key(settings.key, "suppression"), message)[:ADDRESS_HASH_BYTES]


async def record_agreements(uow: UnitOfWork, agreements: Sequence[Agreement]) -> None:
    """Add lines to the ledger."""
    rows = [
        {
            "tenant_id": uow.tenant_id,
            "id": uuid7(),
            "lead_id": agreement.lead_id,
            "contact_kind": CONTACT_KIND[agreement.channel],
            "contact_value": normalised(CONTACT_KIND[agreement.channel], agreement.value),
            "channel": agreement.channel,
            "purpose": agreement.purpose,
            "action": "withdrawn" if agreement.basis is None else "given",
            "basis": agreement.basis,
            "source": agreement.source,
            "wording": agreement.wording,
            "at": agreement.at,
            "recorded_at": uow.now(),
        }
        for agreement in agreements
    ]
    await insert_rows(uow.connection, ConsentEntry, rows)


def keep_stated_consent(settings: Settings) -> Callable[[UnitOfWork, LeadsCaptured], Awaitable[None]]:
    """The handler that takes over what incoming leads say of consent. What they agreed to is express consent to any
    purpose; what they refuse counts for the contact point, hence for every channel that reaches it."""

    async def keep(uow: UnitOfWork, event: LeadsCaptured) -> None:
        captures = [capture for capture in event.captures if capture.outcome != "duplicate"]
        await record_agreements(uow, [agreement for capture in captures for agreement in _stated(capture, uow.now())])
        for kind in CONTACT_KINDS:
            hashes = [
                address_hash(settings, uow.tenant_id, kind, value)
                for capture in captures
                for value in _refused(capture, kind)
            ]
            await suppress(uow, kind, hashes, "opted_out_at_source")

    return keep


def _stated(capture: Capture, now: datetime) -> Iterator[Agreement]:
    given = capture.given
    for consent in given.consents:
        at = min(consent.at or given.created_at or now, now)
        for point in given.contact_points:
            if point.kind == CONTACT_KIND[consent.channel]:
                yield Agreement(
                    channel=consent.channel,
                    value=point.value,
                    purpose="marketing",
                    basis="express",
                    source=given.source,
                    at=at,
                    lead_id=capture.lead_id,
                    wording=consent.wording,
                )


def _refused(capture: Capture, kind: ContactKind) -> Iterator[str]:
    if kind in {CONTACT_KIND[channel] for channel in capture.given.opted_out}:
        yield from (point.value for point in capture.given.contact_points if point.kind == kind)


async def suppress(uow: UnitOfWork, kind: ContactKind, hashes: Sequence[bytes], reason: str) -> int:
    """Put contact points on the do-not-contact list; returns how many were not on it yet. There is no way off it."""
    rows = [
        {
            "tenant_id": uow.tenant_id,
            "contact_kind": kind,
            "address_hash": hashed,
            "reason": reason,
            "at": uow.now(),
        }
        for hashed in sorted(set(hashes))
    ]
    added = await insert_rows(
        uow.connection, Suppression, rows, on_conflict="ON CONFLICT DO NOTHING", returning=("address_hash",)
    )
    return 0 if added is None else len(await added.fetchall())


async def suppressions_of(uow: UnitOfWork, kind: ContactKind, hashed: bytes) -> tuple[str, ...]:
    """The reasons why a contact point must be left alone; none for most."""
    found = await uow.session.scalars(
        select(Suppression.reason).where(
            Suppression.tenant_id == uow.tenant_id,
            Suppression.contact_kind == kind,
            Suppression.address_hash == hashed,
        )
    )
    return tuple(found)


async def ledger_of(uow: UnitOfWork, channel: ChannelName, value: str) -> tuple[ConsentRecord, ...]:
    """The lines that bear on writing to this contact point by this channel: what was given for the channel, and every
    withdrawal, because an opt-out from texts is one from calls too."""
    kind = CONTACT_KIND[channel]
    found = await uow.session.execute(
        select(ConsentEntry.purpose, ConsentEntry.basis, ConsentEntry.at).where(
            ConsentEntry.tenant_id == uow.tenant_id,
            ConsentEntry.contact_kind == kind,
            ConsentEntry.contact_value == normalised(kind, value),
            (ConsentEntry.channel == channel) | (ConsentEntry.action == "withdrawn"),
        )
    )
    return tuple(
        ConsentRecord(cast(Purpose, purpose), _BASES.get(basis or "", Basis.NONE), at) for purpose, basis, at in found
    )
