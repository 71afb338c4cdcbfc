"""What a decision needs to know: what the sender knew of the recipient, and what the database knows by now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select

from porchlight.accounts.tables import Tenant
from porchlight.delivery.consent import address_hash, ledger_of, suppressions_of
from porchlight.delivery.kinds import CONTACT_KIND, ChannelName
from porchlight.delivery.permit import Evidence, Sender
from porchlight.delivery.places import Clue, Place, Whereabouts, whereabouts
from porchlight.delivery.quiet_hours import Rule, parse_rule, rule_book
from porchlight.delivery.tables import Message
from porchlight.kit.database import UnitOfWork
from porchlight.kit.settings import Settings

log = structlog.get_logger(__name__)

TOUCHING = ("sending", "sent", "uncertain")
"""The statuses in which a message has, or may have, reached the person."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is known of the person where a message is asked for: their address and all their telephone numbers (E.164)
    tell the place they are in, `inquired_at` is the time of their last inquiry."""

    inquired_at: datetime | None = None
    state: str | None = None
    postal_code: str | None = None
    phones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What of the recipient is kept with a message, to decide anew later: places, never the numbers that told them."""

    whereabouts: Whereabouts
    inquired_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        return {
            "clues": [asdict(clue) for clue in self.whereabouts.clues],
            "inquired_at": self.inquired_at.isoformat() if self.inquired_at else None,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Circumstances:
        clues = tuple(
            Clue(clue["basis"], clue["value"], tuple(Place(**place) for place in clue["places"]))
            for clue in kept["clues"]
        )
        inquired_at = kept["inquired_at"]
        return cls(Whereabouts.from_clues(clues), datetime.fromisoformat(inquired_at) if inquired_at else None)


@dataclass(frozen=True, slots=True)
class House:
    """What the tenant says of itself."""

    sender: Sender
    time_zone: str
    email_hours: Rule | None


async def house_of(uow: UnitOfWork) -> House:
    tenant = await uow.session.get_one(Tenant, uow.tenant_id)
    return House(
        Sender(tenant.name, tenant.postal_address), tenant.time_zone, _email_hours(tenant.settings.get("email_hours"))
    )


def _email_hours(row: Any) -> Rule | None:
    try:
        return None if row is None else parse_rule(row)
    except (ValueError, TypeError, KeyError):
        # A slip in the settings must not keep leads out; house policy holds until it is mended.
        log.exception("email_hours.unreadable", email_hours=row)
        return None


def circumstances_of(house: House, recipient: Recipient) -> Circumstances:
    return Circumstances(
        whereabouts(
            tenant_zone=house.time_zone,
            state=recipient.state,
            postal_code=recipient.postal_code,
            phones=recipient.phones,
        ),
        recipient.inquired_at,
    )


async def lock_lead(uow: UnitOfWork, lead_id: UUID) -> None:
    """Let nobody else count or send this lead's messages until the commit, so that two never fit into one cap."""
    key = f"delivery:{uow.tenant_id}:{lead_id}"
    await uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def gather(
    uow: UnitOfWork,
    settings: Settings,
    house: House,
    circumstances: Circumstances,
    *,
    channel: ChannelName,
    to: str,
    lead_id: UUID,
) -> Evidence:
    """The evidence as it stands now."""
    kind = CONTACT_KIND[channel]
    horizon = uow.now() - max(cap.within for cap in rule_book().caps)
    touches = await uow.session.scalars(
        select(Message.sending_at).where(
            Message.tenant_id == uow.tenant_id,
            or_(Message.lead_id == lead_id, Message.to_address == to),
            Message.automated,
            Message.status.in_(TOUCHING),
            Message.sending_at > horizon,
        )
    )
    return Evidence(
        sender=house.sender,
        whereabouts=circumstances.whereabouts,
        suppressions=await suppressions_of(uow, kind, address_hash(settings, uow.tenant_id, kind, to)),
        consents=await ledger_of(uow, channel, to),
        inquired_at=circumstances.inquired_at,
        touches=tuple(touch for touch in touches if touch is not None),
        house_hours=house.email_hours,
    )
