"""The consent ledger and the do-not-contact list of a tenant's contact points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from porchlight.delivery.kinds import CONTACT_KIND, ChannelName, ContactKind, Purpose
from porchlight.delivery.permit import Basis, ConsentRecord
from porchlight.delivery.tables import ConsentEntry, Suppression
from porchlight.delivery.tokens import ADDRESS_HASH_BYTES
from porchlight.kit.crypto import derive_key, keyed_hash
from porchlight.kit.database import UnitOfWork
from porchlight.kit.ids import uuid7
from porchlight.kit.settings import Settings
from porchlight.leads.contact_points import BadContactPoint, normalise_email, normalise_phone

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
    if not agreements:
        return
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
    await uow.session.execute(insert(ConsentEntry), rows)


async def suppress(uow: UnitOfWork, kind: ContactKind, hashes: Sequence[bytes], reason: str) -> int:
    """Put contact points on the do-not-contact list; returns how many were not on it yet. There is no way off it."""
    if not hashes:
        return 0
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
    added = await uow.session.execute(
        insert(Suppression).values(rows).on_conflict_do_nothing().returning(Suppression.address_hash)
    )
    return len(added.all())


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
