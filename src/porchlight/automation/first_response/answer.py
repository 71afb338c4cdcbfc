"""Answering a new lead: a job of its own, so that whoever captures a lead does not wait for the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select

from porchlight.accounts.tables import Tenant, User
from porchlight.audit.record import record
from porchlight.automation.waiting import waits_for_answer
from porchlight.delivery.evidence import Recipient
from porchlight.delivery.kinds import CONTACT_KIND, ChannelName
from porchlight.delivery.outbox import MessageRequest, enqueue
from porchlight.delivery.templates import FirstResponse, Rendered, first_response, one_line
from porchlight.delivery.unsubscribe import unsubscribe_url
from porchlight.intelligence.conversion import OPEN_STAGES
from porchlight.jobs.app import long_job
from porchlight.jobs.defer import defer
from porchlight.kit.database import UnitOfWork
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.leads.events import LeadsCaptured
from porchlight.leads.queries import contact_points
from porchlight.leads.tables import Activity, ContactPoint, Lead
from porchlight.listings.tables import Listing

CHANNELS: tuple[ChannelName, ...] = ("email", "sms")
"""The ways to answer, best first. A text needs express consent; whether there is one is for the permit to say."""


async def answer_captured(uow: UnitOfWork, event: LeadsCaptured) -> None:
    """Have every new lead answered who waits for it. A further touch of a known lead is no first one."""
    for capture in event.captures:
        if waits_for_answer(capture, event.live, uow.now()):
            await defer(uow, send_first_response, lead_id=capture.lead_id)


@long_job("first_response.send")
async def send_first_response(runtime: Runtime, tenant_id: UUID, lead_id: str) -> None:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        await answer(uow, runtime.settings, UUID(lead_id))


async def answer(uow: UnitOfWork, settings: Settings, lead_id: UUID) -> UUID | None:
    """Ask the one door out to answer a lead, once, in the name of whoever has it, or of the team where nobody does.

    Returns the message's id. There is none for a lead that is no longer open, or that cannot be written to at all.
    """
    lead = await uow.session.get(Lead, (uow.tenant_id, lead_id))
    if lead is None or lead.stage not in OPEN_STAGES:
        return None
    points = (await contact_points(uow, [lead_id]))[lead_id]
    to = _way(points)
    if to is None:
        record(uow, "first_response.impossible", "lead", lead_id, reason="no_contact_point")
        return None
    channel, address = to
    tenant = await uow.session.get_one(Tenant, uow.tenant_id)
    agent = await _agent(uow, lead)
    facts = await _facts(uow, settings, lead, tenant, agent, to)
    words = first_response(facts) if channel == "email" else text_response(facts)
    place: dict[str, Any] = lead.address or {}
    return await enqueue(
        uow,
        settings,
        MessageRequest(
            lead_id=lead_id,
            channel=channel,
            purpose="inquiry_reply",
            to=address,
            sender_name=one_line(tenant.name if agent is None else agent.name),
            reply_to=None if agent is None else agent.email,
            subject=words.subject,
            text=words.text,
            html=words.html or None,
            idempotency_key=f"first_response:{lead_id}",
            automated=True,
            discloses_automation=words.discloses_automation,
            recipient=Recipient(
                inquired_at=lead.captured_at,
                state=place.get("state"),
                postal_code=place.get("postal_code"),
                phones=tuple(point.value for point in points if point.kind == "phone"),
            ),
        ),
    )


def text_response(facts: FirstResponse) -> Rendered:
    """The first answer as a text message: who writes, that it is automatic, and the way out."""
    who = one_line(facts.agent_name or "") or "one of us"
    text = (
        f"{one_line(facts.brokerage)}: thank you for getting in touch. {who} will answer you personally. "
        f"This reply was sent automatically. Stop: {facts.unsubscribe_url}"
    )
    return Rendered(subject="", text=text, html="", discloses_automation=True)


def _way(points: Sequence[ContactPoint]) -> tuple[ChannelName, str] | None:
    for channel in CHANNELS:
        for point in points:
            if point.kind == CONTACT_KIND[channel]:
                return channel, point.value
    return None


async def _agent(uow: UnitOfWork, lead: Lead) -> User | None:
    if lead.owner_id is None:
        return None
    user = await uow.session.get(User, (uow.tenant_id, lead.owner_id))
    return user if user is not None and user.is_active else None


async def _facts(
    uow: UnitOfWork, settings: Settings, lead: Lead, tenant: Tenant, agent: User | None, to: tuple[ChannelName, str]
) -> FirstResponse:
    said = (
        await uow.session.execute(
            select(Activity.payload, Listing.unparsed_address)
            .outerjoin(
                Listing,
                and_(
                    Listing.tenant_id == Activity.tenant_id,
                    Listing.listing_key == Activity.payload["listing_key"].astext,
                ),
            )
            .where(Activity.tenant_id == uow.tenant_id, Activity.lead_id == lead.id, Activity.kind == "lead.captured")
            .order_by(Activity.occurred_at)
            .limit(1)
        )
    ).one_or_none()
    payload: dict[str, Any] = {} if said is None else said[0]
    channel, address = to
    return FirstResponse(
        brokerage=tenant.name,
        unsubscribe_url=unsubscribe_url(settings, uow.tenant_id, lead.id, CONTACT_KIND[channel], address),
        postal_address=tenant.postal_address,
        lead_name=lead.given_name or lead.name,
        agent_name=None if agent is None else agent.name,
        listing=None if said is None else said[1],
        wrote_message=bool(payload.get("message")),
    )
