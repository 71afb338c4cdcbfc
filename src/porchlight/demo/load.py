"""Putting the simulated brokerage in, through the same doors as a real one, and keeping it alive."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import NAMESPACE_DNS, UUID, uuid5

from porchlight.accounts.manage import create_team, create_tenant, create_user
from porchlight.accounts.passwords import hash_password
from porchlight.accounts.permissions import Role
from porchlight.accounts.tables import Tenant
from porchlight.automation.routing.seats import set_seat
from porchlight.automation.routing.working_hours import to_json
from porchlight.demo.brokerage import Agent
from porchlight.demo.listings import Listing as SimulatedListing
from porchlight.demo.live import NewLead, keep_alive
from porchlight.demo.places import ZONE_NAME
from porchlight.demo.simulate import Brokerage, SimulatedActivity, history
from porchlight.jobs.defer import defer
from porchlight.kit.bulk import insert_rows
from porchlight.kit.clock import SetClock
from porchlight.kit.database import Database, UnitOfWork
from porchlight.kit.runtime import Runtime
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.find import Reference
from porchlight.leads.inputs import LeadInput
from porchlight.leads.record import ActivityInput, record_activities
from porchlight.leads.upkeep import reforecast
from porchlight.listings.tables import Listing

#: Known beforehand, so that a second start finds the first one's brokerage.
TENANT_ID = uuid5(NAMESPACE_DNS, "demo.porchlight.example")
OWNER_EMAIL = "olivia.wren@wrenfield.example.com"
ORIGIN = "demo"
SEED = 7
_BATCH = 500
_STRETCH = timedelta(days=3)

T = TypeVar("T")
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class SignIn:
    """How to get into the demo brokerage."""

    email: str
    password: str


async def is_loaded(runtime: Runtime) -> bool:
    """Whether the whole past is in; a load that was cut off goes on where it stopped."""
    async with runtime.database.unit_of_work(TENANT_ID) as uow:
        tenant = await uow.session.get(Tenant, TENANT_ID)
        return tenant is not None and bool(tenant.settings.get("demo_loaded"))


async def load(runtime: Runtime, password: str, on_progress: Progress) -> None:
    """Make the brokerage with its people, homes, and eighteen months of leads up to now."""
    now = runtime.clock.now()
    async with runtime.database.unit_of_work(TENANT_ID) as uow:
        tenant = await uow.session.get(Tenant, TENANT_ID)
        # A load that was cut off must go on with the same past, which depends on when it was begun.
        began = now if tenant is None else datetime.fromisoformat(tenant.settings["demo_since"])
        brokerage = await asyncio.to_thread(history, SEED, began)
        if tenant is None:
            await _found(uow, brokerage, password, began)
    then = SetClock(began)
    past = Database(runtime.database.url, events=runtime.database.events, clock=then)
    stretches = list(_stretches(brokerage, began))
    for done, stretch in enumerate(stretches, start=1):
        then.at = stretch.ends_at
        async with past.unit_of_work(TENANT_ID) as uow:
            if stretch.leads:
                await capture_leads(uow, [_incoming(given) for given in stretch.leads], door="import", live=False)
            for some in _batches(stretch.activities, _BATCH):
                await record_activities(uow, some, door="import", region="US", show=False)
        on_progress("Eighteen months go by", done / len(stretches))
    await past.close()
    async with runtime.database.unit_of_work(TENANT_ID) as uow:
        tenant = await uow.session.get_one(Tenant, TENANT_ID)
        tenant.settings = tenant.settings | {"demo_loaded": True}
        await defer(uow, reforecast, once="leads.reforecast")  # as of today, not of when something last happened


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What happened in a few days, told at their end: what was said of a lead then is kept as said then."""

    ends_at: datetime
    leads: list[LeadInput]
    activities: list[ActivityInput]


def _stretches(brokerage: Brokerage, until: datetime) -> Iterator[_Stretch]:
    leads: dict[int, list[LeadInput]] = defaultdict(list)
    activities: dict[int, list[ActivityInput]] = defaultdict(list)
    for given in brokerage.arrivals():
        leads[_stretches_before(until, given.created_at or until)].append(given)
    for lead in brokerage.leads:
        for activity in lead.activities:
            ago = _stretches_before(until, activity.occurred_at)
            activities[ago].append(_activity(lead.lead.external_id, activity))
    for ago in sorted(leads.keys() | activities.keys(), reverse=True):
        happened = sorted(activities[ago], key=lambda given: given.occurred_at or until)
        yield _Stretch(until - ago * _STRETCH, leads[ago], happened)


def _stretches_before(until: datetime, at: datetime) -> int:
    return max(0, (until - at) // _STRETCH)


async def _found(uow: UnitOfWork, brokerage: Brokerage, password: str, began: datetime) -> None:
    tenant = create_tenant(
        uow,
        brokerage.tenant_name,
        time_zone=ZONE_NAME,
        region="US",
        postal_address="410 SW Alder Street, Portland, OR 97204",
    )
    tenant.settings = {"demo": True, "demo_since": began.isoformat()}
    await uow.session.flush()
    hashed = await hash_password(password)
    teams = {name: (await create_team(uow, name)).id for name in brokerage.teams}
    await create_user(uow, email=OWNER_EMAIL, name="Olivia Wren", role=Role.ADMIN, password_hash=hashed)
    for agent in brokerage.agents:
        await _hire(uow, agent, teams[agent.team], hashed)
    await insert_rows(uow.connection, Listing, [_listing(uow.tenant_id, listing) for listing in brokerage.listings])


async def _hire(uow: UnitOfWork, agent: Agent, team_id: UUID, password_hash: str) -> None:
    user = await create_user(
        uow,
        email=agent.email,
        name=agent.name,
        role=Role.MANAGER if agent.is_team_lead else Role.AGENT,
        team_id=team_id,
        password_hash=password_hash,
    )
    await set_seat(
        uow,
        user.id,
        weight=agent.weight,
        capacity=agent.capacity,
        working_hours=to_json(agent.working_hours),
        time_zone=ZONE_NAME,
    )


def _listing(tenant_id: UUID, listing: SimulatedListing) -> dict[str, Any]:
    columns = {column.name for column in Listing.__table__.columns}
    fields = asdict(listing)
    close_price = fields["close_price"]
    return (
        {name: value for name, value in fields.items() if name in columns}
        | {
            "tenant_id": tenant_id,
            "list_price_minor": fields["list_price"] * 100,
            "close_price_minor": None if close_price is None else close_price * 100,
            "currency": "USD",
        }
        | {"details": {name: value for name, value in fields.items() if name not in columns}}
    )


def _incoming(given: LeadInput) -> Incoming:
    return Incoming(given, {"external_id": given.external_id, "name": given.full_name, "source": given.source})


def _activity(lead_external_id: str, activity: SimulatedActivity) -> ActivityInput:
    return ActivityInput(
        about=Reference(external_id=lead_external_id, source=ORIGIN),
        kind=activity.kind,
        occurred_at=activity.occurred_at,
        payload=activity.payload,
        source=ORIGIN,
        external_id=activity.external_id,
        raw={"kind": activity.kind, "payload": activity.payload},
    )


async def live(runtime: Runtime) -> None:
    """Have leads come in and do things, about one every second or two, until cancelled."""
    began = runtime.clock.now()
    events = await asyncio.to_thread(keep_alive, SEED, began)
    due = began
    while True:
        # The simulation's first event replays the past, which takes too long for the event loop.
        event = await asyncio.to_thread(next, events)
        due += timedelta(seconds=event.wait_seconds)
        await asyncio.sleep(max(0.0, (due - runtime.clock.now()).total_seconds()))
        async with runtime.database.unit_of_work(TENANT_ID) as uow:
            if isinstance(event, NewLead):
                await capture_leads(uow, [_incoming(event.lead)], door="form", live=True)
            else:
                given = _activity(event.lead_external_id, event.activity)
                await record_activities(uow, [given], door="form", region="US")


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
