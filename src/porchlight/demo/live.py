"""The demo brokerage's present: an endless run of new leads and of what known leads do, a second or two apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from porchlight.demo import words
from porchlight.demo.brokerage import AGENTS, Agent
from porchlight.demo.journey import Fact, Journey, visit
from porchlight.demo.leads import Truth, draw_truth, incoming_lead, stated_criteria
from porchlight.demo.market import Market, touch
from porchlight.demo.people import newcomers
from porchlight.demo.places import ZONE
from porchlight.demo.seasons import meeting_time
from porchlight.demo.simulate import SimulatedActivity, SimulatedLead, history, reachable, someone, stream
from porchlight.leads.inputs import LeadInput

VISITORS = 5
"""People on the site at the same time."""

NEW_LEAD_SHARE = 0.06
HOT_SHARE = 0.10
"""Share of those who begin a visit that turn out to be about to decide."""

_MEAN_WAIT = 1.7
_LONGEST_WAIT = 4.0

_NUMBERED_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
_SECONDS_PER_NEWCOMER = 20


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead comes in, `wait_seconds` after the event before."""

    wait_seconds: float
    lead: LeadInput


@dataclass(frozen=True, slots=True)
class NewActivity:
    """A known lead does something, or somebody for them, `wait_seconds` after the event before."""

    wait_seconds: float
    lead_external_id: str
    activity: SimulatedActivity


@dataclass(frozen=True, slots=True)
class _Known:
    external_id: str
    truth: Truth
    agent: Agent
    channels: tuple[str, ...]


@dataclass(slots=True)
class _Visit:
    """What somebody is about to do, one thing after the other; `pull` is how often they are the next to act."""

    lead: _Known
    pull: float
    facts: deque[Fact] = field(default_factory=deque)


def keep_alive(seed: int, now: datetime) -> Iterator[NewLead | NewActivity]:
    """What happens after `now` to the brokerage of `history(seed, now)`, without end; the same for the same arguments.

    Times count from `now` by the waits. Another `now` gives other newcomers, so a demo can be stopped and started
    again. Now and then somebody does in a minute what makes a lead hot.
    """
    brokerage = history(seed, now)
    market = Market(brokerage.listings)
    rng = stream(seed, f"live {now.isoformat()}")
    crowd = newcomers(rng, int((now - _NUMBERED_SINCE).total_seconds()) // _SECONDS_PER_NEWCOMER)
    known = [
        _Known(one.lead.external_id, one.truth, one.agent, reachable(one.lead))
        for one in brokerage.leads
        if one.outcome is None and one.truth.intent == "buy" and not _left_alone(one)
    ]
    run = f"live-{int(now.timestamp())}"
    visits: list[_Visit] = []
    at, number = now, 0
    while True:
        number += 1
        wait = round(min(_LONGEST_WAIT, 0.4 + rng.expovariate(1 / (_MEAN_WAIT - 0.4))), 3)
        at += timedelta(seconds=wait)
        if rng.random() < NEW_LEAD_SHARE:
            truth = draw_truth(rng)
            lead = incoming_lead(
                truth,
                someone(crowd, truth),
                rng,
                external_id=f"{truth.source.code}-{run}-{number}",
                created_at=at,
                listing=market.asked_about(truth, at, rng),
                owner=None,
            )
            newcomer = _Known(lead.external_id, truth, rng.choice(AGENTS), reachable(lead))
            if truth.intent == "buy":
                known.append(newcomer)
                visits.append(_begin(newcomer, market, rng, at))
            yield NewLead(wait, lead)
            continue
        while len(visits) < VISITORS:
            visits.append(_begin(_somebody(known, rng), market, rng, at))
        visitor = rng.choices(visits, [visit.pull for visit in visits])[0]
        fact = visitor.facts.popleft()
        if not visitor.facts:
            visits.remove(visitor)
        external_id = visitor.lead.external_id
        yield NewActivity(
            wait, external_id, SimulatedActivity(fact.kind, at, f"{external_id}/{run}/{number}", fact.payload)
        )


def _left_alone(lead: SimulatedLead) -> bool:
    return any(activity.kind == "consent.withdrawn" for activity in lead.activities)


def _somebody(known: list[_Known], rng: Random) -> _Known:
    """One of the open leads, the motivated and those who live on the site more often."""
    few = rng.sample(known, min(8, len(known)))
    return max(few, key=lambda one: one.truth.motivation * one.truth.online * rng.random())


def _begin(lead: _Known, market: Market, rng: Random, at: datetime) -> _Visit:
    hot = bool(lead.channels) and rng.random() < HOT_SHARE
    truth = replace(lead.truth, motivation=0.95, responsiveness=0.9) if hot else lead.truth
    journey = Journey(truth, lead.agent, market, lead.channels, rng)
    if hot:
        _decide(journey, at)
        return _Visit(lead, 6.0, deque(journey.facts))
    begun = journey.note("message.opened", at, channel="email") if _reads_mail(journey) else at
    visit(journey, begun)
    if journey.written and rng.random() < 0.25 * truth.responsiveness:
        journey.note("message.received", at, channel=journey.written, text=rng.choice(words.REPLIES))
    if journey.channels and rng.random() < 0.12:
        _somebody_of_the_team_reacts(journey, at)
    soon = at + timedelta(hours=1)
    return _Visit(lead, 1.0, deque(fact for fact in journey.facts if fact.at < soon))


def _reads_mail(journey: Journey) -> bool:
    return "email" in journey.channels and journey.chance(0.15)


def _somebody_of_the_team_reacts(journey: Journey, at: datetime) -> None:
    if "call" in journey.channels and journey.chance(journey.truth.responsiveness):
        journey.note("call.held", at, seconds=journey.rng.randint(60, 700), direction="outbound")
    elif journey.written:
        journey.note("message.sent", at, channel=journey.written, automated=False, purpose="follow_up")


def _decide(journey: Journey, at: datetime) -> None:
    """Someone about to decide: what they want and by when, homes saved and shared, a question, a date to see one."""
    rng = journey.rng
    criteria = {**stated_criteria(journey.truth, rng), "timeframe_days": 30}
    journey.note("search.performed", at, **{key: criteria[key] for key in ("price_max", "areas", "bedrooms_min")})
    homes = list(dict.fromkeys(journey.market.found(journey.truth, at, rng, 6, open_only=True)))
    for home in homes:
        journey.note("listing.viewed", at, **touch(home), seconds=rng.randint(40, 240))
        if journey.chance(0.5):
            journey.note("listing.saved", at, **touch(home))
    journey.note("criteria.stated", at, **criteria)
    if journey.written:
        journey.note("message.received", at, channel=journey.written, text=rng.choice(words.QUESTIONS))
    if homes:
        journey.note("listing.shared", at, **touch(homes[0]))
        journey.note("listing.inquired", at, **touch(homes[0]))
        day = at.astimezone(ZONE).date() + timedelta(days=rng.randint(1, 3))
        tour = {"listing_key": homes[0].listing_key, "at": meeting_time(rng, day).isoformat()}
        journey.note("tour.booked", at, **tour)
    if not journey.truth.cash:
        journey.note("financing.preapproved", at, amount=criteria["price_max"])
