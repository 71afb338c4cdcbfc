"""Giving leads an agent when they come in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import LiteralString
from uuid import UUID

import structlog

from porchlight.audit.record import record
from porchlight.automation.routing.choose import RoutingRequest
from porchlight.automation.routing.drain import drain_soon
from porchlight.automation.routing.place import Given, give, hold_seats, take_turns
from porchlight.automation.waiting import waits_for_answer
from porchlight.intelligence.conversion import OPEN_STAGES
from porchlight.kit.database import UnitOfWork
from porchlight.leads.events import Capture, LeadsCaptured
from porchlight.leads.facts import lock_known

log = structlog.get_logger(__name__)

_ACTIVE_USERS: LiteralString = (
    "SELECT email, id, name FROM users WHERE tenant_id = %s AND is_active AND email = ANY(%s)"
)


async def route_captured(uow: UnitOfWork, event: LeadsCaptured) -> None:
    """Give every new lead that is open to an agent, or to the queue where nobody is free.

    A lead that names an active user as its owner is theirs. Who waits for an answer goes to an agent who is at work;
    an imported book is dealt out at any hour, and in silence. Without any seat, leads wait.
    """
    created = [capture for capture in event.captures if capture.outcome == "created"]
    if not created:
        return
    try:
        async with uow.savepoint():
            await _route(uow, event, created)
    except Exception:
        # A lead that is in without an agent is found by the queue; a lead that is not in is lost.
        log.exception("routing.failed", leads=len(created))
        await drain_soon(uow)


async def _route(uow: UnitOfWork, event: LeadsCaptured, created: Sequence[Capture]) -> None:
    named = await _active_users(uow, {_address(capture) for capture in created} - {""})
    seats = await hold_seats(uow)
    if not seats and not named:
        return
    now = uow.now()
    known = await lock_known(uow, [capture.lead_id for capture in created])
    seated = {seat.user_id for seat in seats if seat.is_active}
    requests: list[RoutingRequest] = []
    given: list[Given] = []
    for capture in created:
        lead_id = capture.lead_id
        if known[lead_id].stage not in OPEN_STAGES:
            continue
        owner_id, name = named.get(_address(capture), (None, None))
        if owner_id is None or owner_id in seated:
            live = waits_for_answer(event, capture, now)
            requests.append(RoutingRequest(lead_id, live, now, preferred_owner_id=owner_id))
        else:
            # Their own people are theirs, also if they take no turns.
            given.append(Given(lead_id, None, owner_id, name, "preferred_owner", []))
    turns, credits = take_turns(seats, requests)
    given += turns
    if not given:
        return
    await give(uow, given, known, credits=credits, show=event.live)
    waiting = sum(one.user_id is None for one in given)
    only = given[0].lead_id if len(given) == 1 else None
    record(uow, "leads.assigned", "lead", only, assigned=len(given) - waiting, waiting=waiting)


def _address(capture: Capture) -> str:
    return (capture.given.owner_email or "").strip().lower()


async def _active_users(uow: UnitOfWork, emails: Collection[str]) -> dict[str, tuple[UUID, str]]:
    if not emails:
        return {}
    cursor = await uow.connection.execute(_ACTIVE_USERS, (uow.tenant_id, list(emails)))
    return {email: (user_id, name) for email, user_id, name in await cursor.fetchall()}
