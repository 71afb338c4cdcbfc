"""The way out: the link in every message, and what following it does."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from porchlight.audit.record import record
from porchlight.delivery.consent import Agreement, address_hash, record_agreements, suppress
from porchlight.delivery.kinds import CONTACT_KIND, ChannelName, ContactKind
from porchlight.delivery.tables import Message
from porchlight.delivery.tokens import OptOutClaim, make_token, read_token
from porchlight.kit.crypto import derive_key
from porchlight.kit.database import UnitOfWork
from porchlight.kit.ids import uuid7
from porchlight.kit.settings import Settings
from porchlight.leads.assess import NewFact
from porchlight.leads.facts import append_facts, lock_known

_ORDINARY_CHANNEL: dict[ContactKind, ChannelName] = {"email": "email", "phone": "sms"}


def unsubscribe_url(settings: Settings, tenant_id: UUID, lead_id: UUID, kind: ContactKind, value: str) -> str:
    """The address that takes this contact point off every list of the tenant."""
    claim = OptOutClaim(tenant_id, lead_id, kind, address_hash(settings, tenant_id, kind, value))
    return f"{settings.public_url.rstrip('/')}/u/{make_token(_key(settings), claim)}"


def claim_in(settings: Settings, token: str) -> OptOutClaim | None:
    """Whom a link is about; None if it is not one of ours."""
    return read_token(_key(settings), token)


def _key(settings: Settings) -> bytes:
    return derive_key(settings.key, "unsubscribe")


async def unsubscribe(uow: UnitOfWork, settings: Settings, claim: OptOutClaim) -> bool:
    """Leave a contact point alone from now on. Returns False when it already was left alone, and then does nothing."""
    if not await suppress(uow, claim.kind, [claim.address_hash], "unsubscribed"):
        return False
    value = await _address_of(uow, settings, claim)
    if value is not None:
        withdrawal = Agreement(
            channel=_ORDINARY_CHANNEL[claim.kind],
            value=value,
            purpose="marketing",
            basis=None,
            source="unsubscribe_link",
            at=uow.now(),
            lead_id=claim.lead_id,
        )
        await record_agreements(uow, [withdrawal])
    record(uow, "consent.withdrawn", "lead", claim.lead_id, kind=claim.kind, source="unsubscribe_link")
    known = await lock_known(uow, [claim.lead_id])
    if known:
        payload = {"channel": _ORDINARY_CHANNEL[claim.kind]}
        fact = NewFact(uuid7(), claim.lead_id, "consent.withdrawn", uow.now(), payload, "unsubscribe_link")
        append_facts(uow, [fact], known)
    return True


async def _address_of(uow: UnitOfWork, settings: Settings, claim: OptOutClaim) -> str | None:
    """The address behind the hash, from the messages that carried the link; None once they are erased."""
    channels = [channel for channel, kind in CONTACT_KIND.items() if kind == claim.kind]
    written_to = await uow.session.scalars(
        select(Message.to_address)
        .where(Message.tenant_id == uow.tenant_id, Message.lead_id == claim.lead_id, Message.channel.in_(channels))
        .distinct()
    )
    for value in written_to:
        if address_hash(settings, uow.tenant_id, claim.kind, value) == claim.address_hash:
            return value
    return None
