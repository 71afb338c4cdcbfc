"""Reading for the pages: what was written to a lead, and what each contact point allows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_

from porchlight.delivery.consent import address_hash
from porchlight.delivery.tables import ConsentEntry, Message, Suppression
from porchlight.kit.database import UnitOfWork
from porchlight.kit.settings import Settings
from porchlight.leads.tables import ContactPoint

MOST_MESSAGES = 50

_LABELS = {"email": "E-mail", "phone": "Calls and texts"}


async def messages_of(uow: UnitOfWork, lead_id: UUID) -> list[dict[str, Any]]:
    """The lead's messages, the latest first, with the reason for their state in words."""
    found = await uow.session.scalars(
        select(Message)
        .where(Message.tenant_id == uow.tenant_id, Message.lead_id == lead_id)
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(MOST_MESSAGES)
    )
    return [
        {
            "id": str(message.id),
            "channel": message.channel,
            "to": message.to_address,
            "subject": message.subject or None,
            "body": message.body_text,
            "state": message.status,
            "reason": message.reason,
            "not_before": message.not_before if message.status == "deferred" else None,
            "created_at": message.created_at,
            "sent_at": message.sent_at,
            "automated": message.automated,
        }
        for message in found
    ]


async def consent_states(
    uow: UnitOfWork, settings: Settings, points: Sequence[ContactPoint]
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What each contact point allows: nothing (opted out), what was agreed to, or no more than an answer."""
    keys = [(point.kind, point.value) for point in points]
    hashes: dict[tuple[str, bytes], tuple[str, str]] = {
        (kind, address_hash(settings, uow.tenant_id, kind, value)): (kind, value) for kind, value in keys
    }
    suppressed = {
        hashes[kind, hashed]: at
        for kind, hashed, at in (
            await uow.session.execute(
                select(Suppression.contact_kind, Suppression.address_hash, Suppression.at).where(
                    Suppression.tenant_id == uow.tenant_id,
                    tuple_(Suppression.contact_kind, Suppression.address_hash).in_(list(hashes)),
                )
            )
        ).all()
    }
    given: dict[tuple[str, str], tuple[str, datetime]] = {}
    ledger = select(
        ConsentEntry.contact_kind, ConsentEntry.contact_value, ConsentEntry.action, ConsentEntry.basis, ConsentEntry.at
    ).where(
        ConsentEntry.tenant_id == uow.tenant_id,
        tuple_(ConsentEntry.contact_kind, ConsentEntry.contact_value).in_(keys),
    )
    for kind, value, action, basis, at in (await uow.session.execute(ledger.order_by(ConsentEntry.at))).all():
        given[kind, value] = ("withdrawn" if action == "withdrawn" else basis or "none", at)
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for kind, value in keys:
        silent = ("inquiry" if kind == "email" else "none", None)
        state, since = given.get((kind, value), silent)
        if (kind, value) in suppressed:
            state, since = "withdrawn", suppressed[kind, value]
        found[kind, value] = [{"label": _LABELS[kind], "state": state, "at": since}]
    return found
