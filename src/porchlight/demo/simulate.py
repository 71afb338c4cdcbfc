"""The demo brokerage with its past: a pure function of a seed and the present."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from porchlight.automation.routing.choose import RoutingRequest, Seat, choose_many
from porchlight.demo.brokerage import AGENTS, TEAMS, TENANT_NAME, Agent
from porchlight.demo.journey import Fact, Journey, travel
from porchlight.demo.leads import Truth, draw_truth, incoming_lead, second_touch
from porchlight.demo.listings import Listing, make_listings
from porchlight.demo.market import Market
from porchlight.demo.people import Person, people
from porchlight.demo.places import ZONE, ZONE_NAME
from porchlight.demo.seasons import day_in_season, visiting_time
from porchlight.leads.inputs import LeadInput

LEADS = 2_000
LISTINGS = 300
DAYS = 548
"""Eighteen months."""


@dataclass(frozen=True, slots=True)
class SimulatedActivity:
    """A fact to record; `external_id` is unique among all activities, `payload` fits the registry of kinds."""

    kind: str
    occurred_at: datetime
    external_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimulatedLead:
    """A lead with all that followed.

    What a `LeadInput` itself says (that it came in, criteria, message, listing, consents) is for the capture to record:
    `activities` holds only what came later, in order. `touches` are the same person at other doors, spelled otherwise;
    capturing them adds no lead. `truth` and `person` are what the simulation knows and nobody else should.
    """

    lead: LeadInput
    touches: tuple[LeadInput, ...]
    activities: tuple[SimulatedActivity, ...]
    agent: Agent
    truth: Truth
    person: Person

    @property
    def outcome(self) -> str | None:
        """deal.closed or lead.lost, None while the pursuit is open."""
        last = self.activities[-1].kind if self.activities else None
        return last if last in ("deal.closed", "lead.lost") else None


@dataclass(frozen=True, slots=True)
class Brokerage:
    """A tenant to load: people, homes, and leads in the order of their capture."""

    tenant_name: str
    teams: tuple[str, ...]
    agents: tuple[Agent, ...]
    listings: tuple[Listing, ...]
    leads: tuple[SimulatedLead, ...]

    def arrivals(self) -> list[LeadInput]:
        """Every capture, first and later touches, in the order in which they came in."""
        touches = [touch for lead in self.leads for touch in (lead.lead, *lead.touches)]
        return sorted(touches, key=lambda touch: (arrival(touch), touch.external_id))


def history(seed: int, now: datetime) -> Brokerage:
    """The brokerage and its last 18 months up to the aware time `now`. The same arguments give the same brokerage.

    Who the leads are and what becomes of them are drawn from separate streams: names never decide anything.
    """
    today = now.astimezone(ZONE).date()
    listings = make_listings(stream(seed, "listings"), today, LISTINGS)
    market = Market(listings)
    crowd = people(stream(seed, "people"))
    times = _capture_times(stream(seed, "times"), now, LEADS)
    agents = _given_in_turn(times)
    leads = []
    for number, (captured_at, agent) in enumerate(zip(times, agents, strict=True)):
        rng = stream(seed, f"lead {number}")
        truth = draw_truth(rng)
        leads.append(
            _simulated_lead(
                truth, someone(crowd, truth), agent, market, rng, stream(seed, f"door {number}"),
                f"{truth.source.code}-{number + 10_000}", captured_at, now,
            )
        )  # fmt: skip
    return Brokerage(TENANT_NAME, TEAMS, AGENTS, listings, tuple(leads))


def stream(seed: int, name: str) -> Random:
    """A random stream of its own for each purpose, so that a change in one leaves the others as they are."""
    return Random(f"{seed} {name}")


def someone(crowd: Iterator[Person], truth: Truth) -> Person:
    """The next person, for a door that only takes calls the next one with a phone."""
    person = next(crowd)
    while truth.source.email == 0 and person.phone is None:
        person = next(crowd)
    return person


def arrival(lead: LeadInput) -> datetime:
    """When a simulated lead came in."""
    if lead.created_at is None:
        raise ValueError(f"{lead.external_id} has no time: the simulation dates every lead")
    return lead.created_at


def as_activities(external_id: str, facts: Sequence[Fact]) -> tuple[SimulatedActivity, ...]:
    return tuple(
        SimulatedActivity(fact.kind, fact.at, f"{external_id}/{number}", fact.payload)
        for number, fact in enumerate(facts, 1)
    )


def _simulated_lead(
    truth: Truth,
    person: Person,
    agent: Agent,
    market: Market,
    rng: Random,
    door: Random,
    external_id: str,
    captured_at: datetime,
    now: datetime,
) -> SimulatedLead:
    listing = market.asked_about(truth, captured_at, door)
    lead = incoming_lead(
        truth, person, door, external_id=external_id, created_at=captured_at, listing=listing, owner=agent
    )
    facts = [
        fact for fact in travel(Journey(truth, agent, market, reachable(lead), rng), captured_at) if fact.at <= now
    ]
    ended = facts[-1].at if facts and facts[-1].kind in ("deal.closed", "lead.lost") else now
    again_at = captured_at + timedelta(days=door.uniform(0.5, 60))
    again = second_touch(lead, truth, person, door, again_at) if door.random() < 0.07 and again_at < ended else None
    return SimulatedLead(lead, (again,) if again else (), as_activities(external_id, facts), agent, truth, person)


def reachable(lead: LeadInput) -> tuple[str, ...]:
    """The channels that reach a lead who may be written to or called on them."""
    kinds = {point.kind for point in lead.contact_points}
    agreed = {consent.channel for consent in lead.consents}
    channels = (("email", "email" in kinds), ("sms", "phone" in kinds and "sms" in agreed), ("call", "phone" in kinds))
    return tuple(channel for channel, there in channels if there and channel not in lead.opted_out)


def _capture_times(rng: Random, now: datetime, count: int) -> list[datetime]:
    today: date = now.astimezone(ZONE).date()
    times: list[datetime] = []
    while len(times) < count:
        at = visiting_time(rng, day_in_season(rng, today - timedelta(days=DAYS), today))
        if at < now:
            times.append(at)
    return sorted(times)


def _given_in_turn(times: Sequence[datetime]) -> list[Agent]:
    """The agent of each lead, by the same fair turns that live leads are given by, whatever the hour."""
    seats = [
        Seat(UUID(int=number), agent.name, None, agent.weight, None, 0, None, True, None, ZONE_NAME, 0.0)
        for number, agent in enumerate(AGENTS)
    ]
    requests = [RoutingRequest(UUID(int=number), live=False, at=at) for number, at in enumerate(times)]
    assignments = choose_many(seats, requests).assignments
    return [AGENTS[assignment.user_id.int] for assignment in assignments if assignment.user_id is not None]
