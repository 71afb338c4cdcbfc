"""What people decide: who takes leads on which terms, and whose a lead is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from porchlight.accounts.tables import User
from porchlight.audit.record import record
from porchlight.automation.routing.drain import drain_soon
from porchlight.automation.routing.place import Given, HandRule, give
from porchlight.automation.routing.tables import RoutingSeat
from porchlight.automation.routing.working_hours import parse, to_json
from porchlight.intelligence.conversion import OPEN_STAGES
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.leads.events import LeadFreed
from porchlight.leads.facts import lock_known

MOST_WEIGHT = 100.0
MOST_CAPACITY = 100_000


async def set_seat(
    uow: UnitOfWork,
    user_id: UUID,
    *,
    weight: float = 1.0,
    capacity: int | None = None,
    working_hours: Mapping[str, Sequence[Sequence[str]]] | None = None,
    time_zone: str,
    away_until: datetime | None = None,
    is_active: bool = True,
) -> RoutingSeat:
    """Say on which terms a user takes leads; one who has no seat yet gets one.

    `working_hours` is as in `working_hours.parse`, None for any hour. Raises `not_found` and `request_invalid`.
    """
    if await uow.session.get(User, (uow.tenant_id, user_id)) is None:
        raise PorchlightError("not_found", "There is no such user.")
    terms: dict[str, Any] = {
        "weight": _weight(weight),
        "capacity": _capacity(capacity),
        "working_hours": _hours(working_hours),
        "time_zone": _zone(time_zone),
        "away_until": _moment(away_until),
        "is_active": is_active,
    }
    seat = await uow.session.get(RoutingSeat, (uow.tenant_id, user_id), with_for_update=True)
    if seat is None:
        seat = RoutingSeat(tenant_id=uow.tenant_id, user_id=user_id, credit=0.0, **terms)
        uow.session.add(seat)
    else:
        for name, value in terms.items():
            setattr(seat, name, value)
    await uow.session.flush()
    record(uow, "seat.set", "user", user_id, **terms)
    await drain_soon(uow)
    return seat


async def reassign(
    uow: UnitOfWork, lead_id: UUID, user_id: UUID | None, *, rule: HandRule = "by_hand", reason: str | None = None
) -> None:
    """Give a lead to `user_id`, whoever has it now; None puts it back into the queue.

    A person's decision stands above hours, absence and capacity, and is no turn: nobody's share changes. Raises
    `lead_not_found`, and `request_invalid` for somebody who cannot have leads.
    """
    known = await lock_known(uow, [lead_id])
    if lead_id not in known:
        raise PorchlightError("lead_not_found", "There is no such lead.")
    previous = known[lead_id].owner_id
    if previous == user_id:
        return
    user = None if user_id is None else await uow.session.get(User, (uow.tenant_id, user_id))
    if user_id is not None and (user is None or not user.is_active):
        raise PorchlightError("request_invalid", "Choose somebody who still works here.", field="owner_id")
    given = Given(lead_id, previous, user_id, None if user is None else user.name, rule, [], reason)
    await give(uow, [given], known)
    record(uow, "lead.assigned", "lead", lead_id, rule=rule, previous_id=previous, owner_id=user_id)
    if previous is not None and known[lead_id].stage in OPEN_STAGES:
        uow.announce(LeadFreed(lead_id, previous))


def _weight(weight: float) -> float:
    if not (isfinite(weight) and 0 < weight <= MOST_WEIGHT):
        raise PorchlightError(
            "request_invalid",
            f"A weight is a number above 0 and up to {MOST_WEIGHT:g}; 1 is a usual share.",
            field="weight",
        )
    return weight


def _capacity(capacity: int | None) -> int | None:
    if capacity is not None and not 0 <= capacity <= MOST_CAPACITY:
        raise PorchlightError(
            "request_invalid", "A capacity is a number of open leads; leave it empty for no limit.", field="capacity"
        )
    return capacity


def _hours(given: Mapping[str, Sequence[Sequence[str]]] | None) -> dict[str, list[list[str]]] | None:
    if given is None:
        return None
    try:
        return to_json(parse(given))
    except ValueError as error:
        raise PorchlightError("request_invalid", str(error), field="working_hours") from error


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise PorchlightError("request_invalid", "Use an IANA time zone such as America/Chicago.", field="time_zone")
    return name


def _moment(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise PorchlightError("request_invalid", "A time needs its offset from UTC.", field="away_until")
    return moment
