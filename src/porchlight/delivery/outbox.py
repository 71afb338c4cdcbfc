"""The outbox. A message is stored and decided in the caller's transaction, and sent by a job of its own.

Sending takes two transactions with the world between them. The first claims the message (`sending`) and commits, the
second writes what happened. Whoever finds a message already claimed leaves it alone, and a claim that nobody ever
settled ends as `uncertain`: a crash can lose a message, with a note, and can never send it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from porchlight.audit.record import record
from porchlight.delivery.channels import (
    Channel,
    DeliveryError,
    Outgoing,
    PermanentFailure,
    Receipt,
    TemporaryFailure,
    Uncertain,
)
from porchlight.delivery.channels.choice import channels_of
from porchlight.delivery.evidence import Circumstances, Recipient, circumstances_of, gather, house_of, lock_lead
from porchlight.delivery.kinds import CONTACT_KIND, ChannelName, Purpose
from porchlight.delivery.permit import Deferral, Permit, Proposal, Refusal, decide
from porchlight.delivery.tables import Message
from porchlight.delivery.unsubscribe import unsubscribe_url
from porchlight.jobs.app import long_job, periodic
from porchlight.jobs.defer import defer
from porchlight.kit.database import Database, UnitOfWork
from porchlight.kit.feed import Frame
from porchlight.kit.ids import uuid7
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.kit.telemetry import MESSAGES
from porchlight.leads.assess import NewFact
from porchlight.leads.facts import append_facts, lock_known, owners
from porchlight.leads.tables import Lead

log = structlog.get_logger(__name__)

BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 480))
"""How long to wait after each try that certainly did not go; after the last one the message has failed."""

CLAIM_LASTS = timedelta(minutes=10)
"""How old a claim may grow before nobody can still be working on it; longer than any channel's timeouts together."""

OVERDUE = timedelta(minutes=10)
"""How late a waiting message may be before its job is taken for lost."""

SWEEP_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRequest:
    """A message to be said to a lead. Asking twice with one `idempotency_key` is asking once."""

    lead_id: UUID
    channel: ChannelName
    purpose: Purpose
    to: str
    sender_name: str
    subject: str
    text: str
    idempotency_key: str
    automated: bool
    discloses_automation: bool
    recipient: Recipient
    html: str | None = None
    reply_to: str | None = None


async def enqueue(uow: UnitOfWork, settings: Settings, request: MessageRequest) -> UUID:
    """Store a message and decide about it: queued to leave now, deferred until it may, or refused with the reason.

    Returns the message's id; that of the first one when the key was used before.
    """
    house = await house_of(uow)
    circumstances = circumstances_of(house, request.recipient)
    proposal = Proposal(request.channel, request.purpose, request.to, request.automated, request.discloses_automation)
    evidence = await gather(
        uow, settings, house, circumstances, channel=request.channel, to=request.to, lead_id=request.lead_id
    )
    decision = decide(proposal, evidence, uow.now())
    status, not_before = _standing(decision, uow.now())
    message_id = uuid7()
    added = await uow.session.scalar(
        insert(Message)
        .values(
            tenant_id=uow.tenant_id,
            id=message_id,
            lead_id=request.lead_id,
            channel=request.channel,
            purpose=request.purpose,
            to_address=request.to,
            sender_name=request.sender_name,
            reply_to=request.reply_to,
            subject=request.subject,
            body_text=request.text,
            body_html=request.html,
            automated=request.automated,
            discloses_automation=request.discloses_automation,
            circumstances=circumstances.as_json(),
            idempotency_key=request.idempotency_key,
            status=status,
            not_before=not_before,
            trace=[finding.as_json() for finding in decision.trace],
            code=None if isinstance(decision, Permit) else decision.code,
            reason=None if isinstance(decision, Permit) else decision.reason,
            created_at=uow.now(),
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "idempotency_key"])
        .returning(Message.id)
    )
    if added is None:
        earlier = await uow.session.scalars(
            select(Message.id).where(
                Message.tenant_id == uow.tenant_id, Message.idempotency_key == request.idempotency_key
            )
        )
        return earlier.one()
    if status != "refused":
        await _defer_delivery(uow, message_id, None if status == "queued" else not_before)
    await _tell(uow, await uow.session.get_one(Message, (uow.tenant_id, message_id)))
    return message_id


def _standing(decision: Permit | Refusal | Deferral, at: datetime) -> tuple[str, datetime]:
    match decision:
        case Permit():
            return "queued", at
        case Deferral():
            return "deferred", decision.not_before
        case Refusal():
            return "refused", at


async def _defer_delivery(uow: UnitOfWork, message_id: UUID, not_before: datetime | None) -> None:
    # No lock by lead: a job that waits for the morning would hold back every later one with the same lock.
    await defer(uow, deliver, once=f"deliver:{message_id}", not_before=not_before, message_id=message_id)


async def _tell(uow: UnitOfWork, message: Message) -> None:
    """Say what became of a message: to the people who watch, to the log of deeds, and to the metrics."""
    owner_id = await uow.session.scalar(
        select(Lead.owner_id).where(Lead.tenant_id == uow.tenant_id, Lead.id == message.lead_id)
    )
    body = {
        "message_id": str(message.id),
        "channel": message.channel,
        "purpose": message.purpose,
        "status": message.status,
        "code": message.code,
        "not_before": message.not_before if message.status == "deferred" else None,
    }
    uow.publish(Frame(f"message.{message.status}", uow.now(), message.lead_id, body, owners(owner_id)))
    record(uow, f"message.{message.status}", "message", message.id, lead_id=message.lead_id, code=message.code)
    MESSAGES.labels(message.status).inc()


@long_job("delivery.deliver", on="delivery")
async def deliver(runtime: Runtime, tenant_id: UUID, message_id: str) -> None:
    await send_one(runtime.database, runtime.settings, channels_of(runtime.settings), tenant_id, UUID(message_id))


async def send_one(
    database: Database,
    settings: Settings,
    channels: Mapping[ChannelName, Channel],
    tenant_id: UUID,
    message_id: UUID,
) -> None:
    """Send a waiting message if it may leave now; otherwise put it off or refuse it. Does nothing to any other."""
    async with database.unit_of_work(tenant_id) as uow:
        outgoing = await _claim(uow, settings, channels, message_id)
    if outgoing is None:
        return
    outcome = await _send(channels[outgoing.permit.channel], outgoing)
    async with database.unit_of_work(tenant_id) as uow:
        await _settle(uow, message_id, outcome)


async def _claim(
    uow: UnitOfWork, settings: Settings, channels: Collection[ChannelName], message_id: UUID
) -> Outgoing | None:
    message = await uow.session.get(Message, (uow.tenant_id, message_id), with_for_update=True)
    if message is None or message.status not in ("queued", "deferred"):
        return None
    channel, purpose = cast(ChannelName, message.channel), cast(Purpose, message.purpose)
    if channel not in channels:
        message.status, message.code = "failed", "no_channel"
        message.reason = f"There is no way to send by {channel}; set one up"
        await _tell(uow, message)
        return None
    await lock_lead(uow, message.lead_id)
    house = await house_of(uow)
    evidence = await gather(
        uow,
        settings,
        house,
        Circumstances.from_json(message.circumstances),
        channel=channel,
        to=message.to_address,
        lead_id=message.lead_id,
    )
    proposal = Proposal(channel, purpose, message.to_address, message.automated, message.discloses_automation)
    decision = decide(proposal, evidence, uow.now())
    message.trace = [finding.as_json() for finding in decision.trace]
    if isinstance(decision, Permit):
        message.status, message.sending_at = "sending", uow.now()
        message.code = message.reason = None
        message.attempts += 1
        return Outgoing(
            message_id=message.id,
            permit=decision,
            subject=message.subject,
            text=message.body_text,
            html=message.body_html,
            sender_name=message.sender_name,
            sender_address=settings.mail_from,
            reply_to=message.reply_to,
            unsubscribe_url=unsubscribe_url(
                settings, uow.tenant_id, message.lead_id, CONTACT_KIND[channel], message.to_address
            ),
            automated=message.automated,
        )
    message.status, message.not_before = _standing(decision, uow.now())
    message.code, message.reason = decision.code, decision.reason
    if isinstance(decision, Deferral):
        await _defer_delivery(uow, message.id, decision.not_before)
    await _tell(uow, message)
    return None


async def _send(channel: Channel, outgoing: Outgoing) -> Receipt | DeliveryError:
    try:
        return await channel.send(outgoing)
    except DeliveryError as error:
        return error
    except Exception as error:
        log.exception("channel.broke_its_contract", message_id=str(outgoing.message_id))
        return Uncertain(f"The channel failed in a way it should not: {type(error).__name__}")


async def _settle(uow: UnitOfWork, message_id: UUID, outcome: Receipt | DeliveryError) -> None:
    message = await uow.session.get_one(Message, (uow.tenant_id, message_id), with_for_update=True)
    message.reason = None if isinstance(outcome, Receipt) else outcome.reason
    match outcome:
        case Receipt():
            message.status, message.code, message.sent_at = "sent", None, uow.now()
            message.provider_message_id = outcome.provider_message_id
            await _record(uow, message, "message.sent")
        case TemporaryFailure() if message.attempts <= len(BACKOFF):
            message.status, message.code = "queued", "try_again"
            message.not_before = uow.now() + BACKOFF[message.attempts - 1]
            await _defer_delivery(uow, message.id, message.not_before)
        case TemporaryFailure():
            message.status, message.code = "failed", "gave_up"
        case PermanentFailure():
            message.status, message.code = "failed", "rejected"
            await _record(uow, message, "message.bounced")
        case _:
            message.status, message.code = "uncertain", "uncertain"
    await _tell(uow, message)


async def _record(uow: UnitOfWork, message: Message, kind: str) -> None:
    """Make it a fact about the lead, if the lead is still there."""
    known = await lock_known(uow, [message.lead_id])
    if known:
        payload = {
            "channel": message.channel,
            "message_id": str(message.id),
            "automated": message.automated,
            "purpose": message.purpose,
        }
        append_facts(uow, [NewFact(uuid7(), message.lead_id, kind, uow.now(), payload, "porchlight")], known)


async def sweep(uow: UnitOfWork) -> None:
    """Give up claims that nobody settled, and find waiting messages whose job was lost with its worker."""
    waiting = select(Message).limit(SWEEP_AT_ONCE).with_for_update(skip_locked=True)
    abandoned = await uow.session.scalars(
        waiting.where(
            Message.tenant_id == uow.tenant_id,
            Message.status == "sending",
            Message.sending_at < uow.now() - CLAIM_LASTS,
        )
    )
    for message in abandoned:
        message.status, message.code = "uncertain", "uncertain"
        message.reason = "Porchlight stopped while it was sending; the message may have gone, and is not sent again"
        await _tell(uow, message)
    overdue = await uow.session.scalars(
        waiting.where(
            Message.tenant_id == uow.tenant_id,
            Message.status.in_(("queued", "deferred")),
            Message.not_before < uow.now() - OVERDUE,
        ).order_by(Message.not_before)
    )
    for message in overdue:
        message.not_before = uow.now()
        await _defer_delivery(uow, message.id, None)


sweep_job = periodic("delivery.sweep", "*/5 * * * *")(sweep)
