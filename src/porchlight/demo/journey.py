"""What becomes of a lead: from the truth about them and the agent's pace to dated facts.

Nothing here sees the person. Each step of the way (talk, meet, tour, offer, close) is likelier the more motivated and
responsive the lead is, and the faster somebody answers; most leads stop at one of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, log
from random import Random
from typing import Any, NamedTuple

from porchlight.demo import words
from porchlight.demo.brokerage import Agent
from porchlight.demo.leads import Truth, round_price, stated_criteria
from porchlight.demo.market import Market, touch
from porchlight.demo.places import ZONE
from porchlight.demo.seasons import in_business_hours, meeting_time, visiting_time


class Fact(NamedTuple):
    """Something that happened, or, past the present, would."""

    at: datetime
    kind: str
    payload: dict[str, Any]


class Ending(NamedTuple):
    """How a pursuit ends, if it does: `kind` is deal.closed or lead.lost."""

    at: datetime
    kind: str
    payload: dict[str, Any]


@dataclass(slots=True)
class Journey:
    """A lead under way. `channels` are those that reach them, of email, sms and call, the preferred first."""

    truth: Truth
    agent: Agent
    market: Market
    channels: tuple[str, ...]
    rng: Random
    facts: list[Fact] = field(default_factory=list)

    def note(self, kind: str, at: datetime, /, **payload: Any) -> datetime:
        at = at.replace(microsecond=0)
        self.facts.append(Fact(at, kind, payload))
        return at

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def later(self, at: datetime, minutes: float, spread: float = 0.9) -> datetime:
        """A moment after `at`, `minutes` being the middle of a long-tailed delay."""
        return at + timedelta(minutes=self.rng.lognormvariate(log(minutes), spread))

    def days_later(self, at: datetime, least: float, most: float) -> datetime:
        return in_business_hours(at + timedelta(days=self.rng.uniform(least, most)), self.rng)

    @property
    def written(self) -> str | None:
        """The channel by which they can be written to."""
        return next((channel for channel in self.channels if channel != "call"), None)


def travel(journey: Journey, captured_at: datetime) -> list[Fact]:
    """All that follows the capture, in order of time, also beyond the present; ends with deal.closed or lead.lost."""
    _answer_at_once(journey, captured_at)
    talked_at = _reach_out(journey, captured_at)
    ending = _pursue(journey, captured_at, talked_at) if talked_at else _give_up(journey, captured_at)
    until = ending.at if ending else captured_at + timedelta(days=720)
    if journey.truth.intent == "buy":
        _browse(journey, captured_at, until)
    _nurture(journey, captured_at, until)
    facts = [fact for fact in journey.facts if captured_at < fact.at < until]
    if ending:
        facts.append(Fact(ending.at.replace(microsecond=0), ending.kind, ending.payload))
    return list(_after_opting_out(sorted(facts, key=lambda fact: fact.at), journey))


def _answer_at_once(journey: Journey, captured_at: datetime) -> None:
    """The automatic first response; where the address does not exist it comes back, and is not used again."""
    channel = journey.written
    if channel is None:
        return
    at = captured_at + timedelta(seconds=journey.rng.uniform(2, 60))
    journey.note("message.sent", at, channel=channel, automated=True, purpose="first_response")
    if channel == "email" and journey.chance(0.02):
        journey.note("message.bounced", at + timedelta(seconds=5), channel=channel)
        journey.channels = tuple(other for other in journey.channels if other != channel)
    else:
        _open(journey, at, channel)


def _reach_out(journey: Journey, captured_at: datetime) -> datetime | None:
    """Calls and messages until somebody speaks with the lead, the first reply or talk; None when all stay in vain."""
    truth, rng = journey.truth, journey.rng
    at = in_business_hours(journey.later(captured_at, journey.agent.answer_minutes), rng)
    # Odds of a conversation fall with every hour of waiting (Oldroyd et al., "The short life of online sales leads",
    # Harvard Business Review 89(3), 2011, find sevenfold odds within the hour); here far gentler.
    promptness = exp(-0.10 * log(1 + (at - captured_at).total_seconds() / 600))
    tries = rng.choices((1, 2, 3, 4, 5, 6), (30, 25, 18, 12, 9, 6))[0]
    for pause in (1, 2, 3, 5, 9, 16)[:tries]:
        by_phone = "call" in journey.channels and (journey.written is None or journey.chance(0.6))
        if by_phone and journey.chance((0.06 + 0.50 * truth.responsiveness) * promptness):
            seconds = round(rng.lognormvariate(log(90 + 420 * truth.motivation), 0.6))
            return _after_talk(journey, journey.note("call.held", at, seconds=seconds, direction="outbound"))
        if by_phone:
            journey.note("call.attempted", at, outcome=rng.choice(words.NO_ANSWER))
        elif journey.written:
            journey.note("message.sent", at, channel=journey.written, automated=False, purpose="follow_up")
            _open(journey, at, journey.written)
            if journey.chance((0.04 + 0.42 * truth.responsiveness) * promptness):
                return _after_talk(journey, _reply(journey, at, journey.written))
        else:
            return None
        at = journey.days_later(at, pause * 0.7, pause * 1.4)
    return None


def _after_talk(journey: Journey, at: datetime) -> datetime:
    """Once they speak: what they want is put down, and a thread of messages follows for the willing."""
    truth = journey.truth
    if journey.chance(0.35 + 0.4 * truth.motivation):
        journey.note("criteria.stated", journey.later(at, 6, 0.4), **stated_criteria(truth, journey.rng))
    if truth.intent == "sell" and journey.chance(0.6):
        journey.note("valuation.requested", journey.later(at, 8, 0.4))
    if journey.chance(0.15):
        journey.note("note.added", journey.later(at, 15, 0.4), text=journey.rng.choice(words.NOTES))
    moment = at
    while journey.written and journey.chance(0.15 + 0.55 * truth.responsiveness):
        moment = in_business_hours(journey.later(moment, 60 * 20, 1.0), journey.rng)
        journey.note("message.sent", moment, channel=journey.written, automated=False, purpose="conversation")
        moment = _reply(journey, moment, journey.written)
    return at


def _reply(journey: Journey, at: datetime, channel: str, *, surely_warm: bool = False) -> datetime:
    """Their reply: minutes for the responsive, up to days for the others."""
    minutes = 8 + 900 * (1 - journey.truth.responsiveness) ** 3
    warm = surely_warm or journey.chance(0.25 + 0.9 * journey.truth.motivation)
    text = journey.rng.choice(words.REPLIES if warm else words.COOL_REPLIES)
    return journey.note("message.received", journey.later(at, minutes, 1.0), channel=channel, text=text)


def _open(journey: Journey, at: datetime, channel: str) -> None:
    """A message is opened, perhaps a link in it followed, and that leads back to the site."""
    truth = journey.truth
    if channel != "email" or not journey.chance(0.22 + 0.45 * truth.motivation):
        return
    opened_at = journey.note("message.opened", journey.later(at, 150, 1.3), channel=channel)
    if journey.chance(0.04 + 0.28 * truth.motivation):
        clicked_at = journey.note("message.clicked", journey.later(opened_at, 1, 0.5), channel=channel)
        if truth.intent == "buy":
            visit(journey, clicked_at + timedelta(seconds=20))


def _give_up(journey: Journey, captured_at: datetime) -> Ending | None:
    """Nobody ever spoke with them: after some weeks most are closed as lost."""
    if not journey.chance(0.62):
        return None
    at = journey.days_later(captured_at, 35, 130)
    return Ending(at, "lead.lost", {"reason": journey.rng.choice(words.LOST_WITHOUT_TALK)})


def _logistic(value: float) -> float:
    return 1 / (1 + exp(-value))


def _pursue(journey: Journey, captured_at: datetime, talked_at: datetime) -> Ending | None:
    """From the first talk to the end: meeting, tours, financing, offers, closing, or the point where it stops."""
    truth, rng = journey.truth, journey.rng
    if truth.intent == "rent":
        return Ending(journey.days_later(talked_at, 1, 20), "lead.lost", {"reason": words.LOST_RENTER})
    ready_at = max(captured_at + timedelta(days=truth.horizon_days), talked_at + timedelta(days=rng.uniform(6, 20)))
    if not journey.chance(_logistic(-3.6 + 6.2 * truth.motivation + 0.8 * truth.responsiveness)):
        return _stop(journey, talked_at, 25, 200, 0.42, words.LOST_AFTER_TALK)
    met_at = _meet(journey, talked_at + (ready_at - talked_at) * rng.uniform(0.05, 0.4))
    if met_at is None:
        return _stop(journey, talked_at, 20, 90, 0.7, words.LOST_AFTER_TALK)
    if truth.intent == "buy":
        if not (truth.cash or truth.preapproved) and journey.chance(0.45 + 0.4 * truth.motivation):
            amount = round_price(truth.budget * rng.uniform(0.9, 1.1))
            journey.note("financing.preapproved", journey.days_later(met_at, 2, 15), amount=amount)
        if not journey.chance(_logistic(-1.0 + 4.0 * truth.motivation)):
            return _stop(journey, met_at, 20, 120, 0.6, words.LOST_LATE)
        ready_at = max(ready_at, met_at + timedelta(days=5))
        _tour(journey, met_at, ready_at)
    else:
        ready_at = max(ready_at, met_at + timedelta(days=21))
    reasons = words.LOST_LATE if truth.intent == "buy" else words.LOST_SELLER
    if not journey.chance(_logistic(-0.9 + 3.4 * truth.motivation)):
        if journey.chance(0.4):
            journey.note("competitor.mentioned", journey.days_later(met_at, 4, 20))
        return _stop(journey, ready_at, 5, 60, 0.75, reasons)
    return _deal(journey, ready_at) or _stop(journey, ready_at, 20, 60, 0.8, reasons)


def _stop(
    journey: Journey, at: datetime, least: float, most: float, said: float, reasons: Iterable[str]
) -> Ending | None:
    """Nothing more comes of it; with the probability `said` somebody writes that down."""
    if not journey.chance(said):
        return None
    return Ending(journey.days_later(at, least, most), "lead.lost", {"reason": journey.rng.choice(tuple(reasons))})


def _meet(journey: Journey, about: datetime) -> datetime | None:
    """An appointment, booked again when it falls through at first; None when it never takes place."""
    rng = journey.rng
    booked_at = in_business_hours(about, rng)
    for _ in range(2):
        meeting = meeting_time(rng, booked_at.astimezone(ZONE).date() + timedelta(days=rng.randint(1, 6)))
        journey.note("appointment.booked", booked_at, at=meeting.isoformat())
        fate = rng.random()
        if fate > 0.14:
            return journey.note("appointment.held", meeting, at=meeting.isoformat())
        if fate > 0.07:
            journey.note("appointment.missed", meeting + timedelta(minutes=20), at=meeting.isoformat())
        else:
            called_off_at = booked_at + (meeting - booked_at) * rng.uniform(0.1, 0.9)
            journey.note("appointment.cancelled", called_off_at, at=meeting.isoformat())
        if not journey.chance(0.6):
            return None
        booked_at = journey.days_later(meeting, 0.5, 4)
    return None


def _tour(journey: Journey, since: datetime, until: datetime) -> None:
    """Outings with one to four homes each, until they are ready to make an offer."""
    rng = journey.rng
    span = until - since
    outings = min(9, 1 + int(rng.expovariate(1 / 2.0)))
    for number in range(outings):
        day = (since + span * ((number + rng.random()) / outings)).astimezone(ZONE).date()
        at = meeting_time(rng, day)
        if at <= since:
            continue
        booked_at = max(since + timedelta(minutes=5), at - timedelta(days=rng.uniform(0.3, 4)))
        homes = journey.market.found(journey.truth, booked_at, rng, rng.randint(1, 4), open_only=True)
        for stop, home in enumerate(dict.fromkeys(homes)):
            seen_at = at + timedelta(minutes=40 * stop)
            tour = {"listing_key": home.listing_key, "at": seen_at.isoformat()}
            journey.note("tour.booked", booked_at + timedelta(seconds=30 * stop), **tour)
            if journey.chance(0.07):
                journey.note("tour.cancelled", booked_at + (seen_at - booked_at) * rng.uniform(0.2, 0.9), **tour)
            else:
                journey.note("tour.held", seen_at, **tour)
        if journey.written and journey.chance(0.7):
            wrote_at = journey.later(at + timedelta(hours=3), 120)
            journey.note("message.sent", wrote_at, channel=journey.written, automated=False, purpose="conversation")
            _reply(journey, wrote_at, journey.written, surely_warm=True)


def _deal(journey: Journey, ready_at: datetime) -> Ending | None:
    """Offers until one is accepted, then contract and closing; None when it comes to nothing."""
    rng = journey.rng
    at = in_business_hours(ready_at, rng)
    for _ in range(rng.choices((1, 2, 3, 4), (45, 30, 15, 10))[0]):
        offered = round(journey.truth.budget * rng.uniform(0.86, 1.03) / 1_000) * 1_000
        journey.note("offer.made", at, amount=offered)
        if journey.chance(0.66):
            agreed = round(offered * rng.uniform(1.0, 1.02) / 500) * 500
            accepted_at = journey.note("offer.accepted", journey.later(at, 60 * 20, 0.6), amount=agreed)
            journey.note("contract.signed", journey.days_later(accepted_at, 0.2, 2.5))
            if journey.chance(0.07):
                return None
            return Ending(journey.days_later(accepted_at, 24, 48), "deal.closed", {"price": agreed})
        at = journey.days_later(at, 4, 20)
    return None


def visit(journey: Journey, at: datetime) -> datetime:
    """A look at the site: some homes, a few of them saved, shared, turned down or asked about. Gives its end."""
    truth, rng = journey.truth, journey.rng
    if journey.chance(0.45):
        journey.note(
            "search.performed",
            at,
            price_max=round_price(truth.budget * rng.uniform(0.95, 1.15)),
            areas=[rng.choice(tuple(truth.tastes))],
            bedrooms_min=truth.bedrooms_min,
        )
    count = 1 + int(rng.expovariate(1 / (0.8 + 3.2 * truth.motivation)))
    for home in journey.market.found(truth, at, rng, min(count, 25)):
        at += timedelta(seconds=rng.uniform(4, 40))
        seconds = round(rng.lognormvariate(log(18 + 60 * truth.motivation), 0.8))
        journey.note("listing.viewed", at, **touch(home), seconds=seconds)
        at += timedelta(seconds=seconds)
        if journey.chance(0.02 + 0.20 * truth.motivation):
            journey.note("listing.saved", at, **touch(home))
        elif journey.chance(0.05):
            journey.note("listing.dismissed", at, **touch(home))
        if journey.chance(0.04 * truth.motivation):
            journey.note("listing.shared", at + timedelta(seconds=8), **touch(home))
        if journey.chance(0.07 * truth.motivation * truth.responsiveness):
            _ask(journey, journey.note("listing.inquired", at + timedelta(seconds=25), **touch(home)))
    return at


def _ask(journey: Journey, at: datetime) -> None:
    """They asked about a home: the agent answers at their pace, and some reply."""
    if journey.written:
        answered_at = in_business_hours(journey.later(at, journey.agent.answer_minutes), journey.rng)
        journey.note("message.sent", answered_at, channel=journey.written, automated=False, purpose="answer")
        if journey.chance(0.2 + 0.5 * journey.truth.responsiveness):
            _reply(journey, answered_at, journey.written)


def _browse(journey: Journey, since: datetime, until: datetime) -> None:
    """Visits over the search: many at first, then fewer, and more again as the time to decide comes near."""
    truth, rng = journey.truth, journey.rng
    eager = truth.online * (0.25 + 4.5 * truth.motivation**1.5)
    ready_at = min(since + timedelta(days=truth.horizon_days), until)
    for _ in range(min(90, int(rng.expovariate(1 / eager)))):
        if journey.chance(0.55):
            moment = since + timedelta(days=rng.expovariate(1 / (4 + 40 * truth.motivation)))
        else:
            moment = ready_at - timedelta(days=rng.expovariate(1 / (6 + 0.15 * truth.horizon_days)))
        at = visiting_time(rng, moment.astimezone(ZONE).date())
        if since < at < until:
            visit(journey, at)


def _nurture(journey: Journey, since: datetime, until: datetime) -> None:
    """Letters with new homes: weekly at first, then monthly, to some of those who can be written to."""
    if "email" not in journey.channels or not journey.chance(0.12 + 0.6 * journey.truth.motivation):
        return
    at, pause = since, 5.0
    for _ in range(10):
        at = journey.days_later(at, pause * 0.8, pause * 1.2)
        if at >= until or not journey.chance(0.88):
            return
        journey.note("message.sent", at, channel="email", automated=True, purpose="new_listings")
        _open(journey, at, "email")
        pause = min(30.0, pause * 1.5)


def _after_opting_out(facts: list[Fact], journey: Journey) -> Iterable[Fact]:
    """The facts, for a few leads with the wish to be left alone after some message, which is kept from then on."""
    sent = [number for number, fact in enumerate(facts) if fact.kind == "message.sent"]
    leaves = journey.chance(0.035 - 0.03 * journey.truth.motivation) and sent
    if not leaves:
        return facts
    last = journey.rng.choice(sent)
    channel = facts[last].payload["channel"]
    at = journey.later(facts[last].at, 30, 1.0)
    stop = Fact(at, "consent.withdrawn", {"channel": channel, "text": words.STOP})
    kept = (fact for fact in facts if fact.at < at or fact.payload.get("channel") != channel)
    return sorted((*kept, stop), key=lambda fact: fact.at)
