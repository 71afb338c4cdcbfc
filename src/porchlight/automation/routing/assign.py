"""Giving leads an agent when they come in."""

from __future__ import annotations

from collections.abc import Collection
from typing import LiteralString
from uuid import UUID

import structlog

from porchlight.audit.record import record
from porchlight.automation.routing.choose import RoutingRequest
from porchlight.automation.routing.drain import drain_later
from porchlight.automation.routing.place import Given, hold_seats, keep_traces, take_turns
from porchlight.automation.waiting import waits_for_answer
from porchlight.kit.database import UnitOfWork
from porchlight.leads.events import Capture, LeadsArriving

log = structlog.get_logger(__name__)

_ACTIVE_USERS: LiteralString = (
    "SELECT email, id, name FROM users WHERE tenant_id = %s AND is_active AND email = ANY(%s)"
)


async def route_arriving(uow: UnitOfWork, event: LeadsArriving) -> None:
    """Give every new lead to an agent, or to the queue where nobody is free.

    A lead that names an active user as its owner is theirs. Who waits for an answer goes to an agent who is at work;
    an imported book is dealt out at any hour, and in silence. Without any seat, leads wait.
    """
    try:
        async with uow.savepoint():
            event.owners.update(await _route(uow, event))
    except Exception:
        # A lead that is in without an agent is found by the queue; a lead that is not in is lost.
        log.exception("routing.failed", leads=len(event.captures))
        await drain_later(uow)


async def _route(uow: UnitOfWork, event: LeadsArriving) -> dict[UUID, UUID]:
    now = uow.now()
    named = await _active_users(uow, {_address(capture) for capture in event.captures} - {""})
    seats = await hold_seats(uow)
    seated = {seat.user_id for seat in seats if seat.is_active}
    requests: list[RoutingRequest] = []
    given: list[Given] = []
    for capture in event.captures:
        owner_id, name = named.get(_address(capture), (None, None))
        if owner_id is None or owner_id in seated:
            live = waits_for_answer(capture, event.live, now)
            requests.append(RoutingRequest(capture.lead_id, live, now, preferred_owner_id=owner_id))
        else:
            # Their own people are theirs, also if they take no turns.
            given.append(Given(capture.lead_id, None, owner_id, name, "preferred_owner", []))
    turns, credits = take_turns(seats, requests)
    given += turns
    if not given:
        return {}
    await keep_traces(uow, given, credits, show=event.live)
    owners = {one.lead_id: one.user_id for one in given if one.user_id is not None}
    only = given[0].lead_id if len(given) == 1 else None
    record(uow, "leads.assigned", "lead", only, assigned=len(owners), waiting=len(given) - len(owners))
    return owners


def _address(capture: Capture) -> str:
    return (capture.given.owner_email or "").strip().lower()


async def _active_users(uow: UnitOfWork, emails: Collection[str]) -> dict[str, tuple[UUID, str]]:
    if not emails:
        return {}
    cursor = await uow.connection.execute(_ACTIVE_USERS, (uow.tenant_id, list(emails)))
    return {email: (user_id, name) for email, user_id, name in await cursor.fetchall()}
