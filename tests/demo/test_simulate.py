from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest

from porchlight.demo.journey import Journey, travel
from porchlight.demo.leads import SOURCES, draw_truth
from porchlight.demo.market import Market
from porchlight.demo.simulate import (
    DAYS,
    LEADS,
    Brokerage,
    SimulatedLead,
    arrival,
    as_activities,
    history,
    reachable,
    stream,
)
from porchlight.intelligence.conversion.kinds import KINDS, validate_payload

ENDINGS = ("deal.closed", "lead.lost")


def kinds(lead: SimulatedLead) -> list[str]:
    return [activity.kind for activity in lead.activities]


def conversion(leads: list[SimulatedLead]) -> float:
    return sum(lead.outcome == "deal.closed" for lead in leads) / len(leads)


def test_the_same_seed_and_time_give_the_same_brokerage(brokerage: Brokerage, seed: int, now: datetime) -> None:
    assert history(seed, now) == brokerage


def test_leads_are_in_the_order_of_their_capture_over_eighteen_months(brokerage: Brokerage, now: datetime) -> None:
    times = [arrival(lead.lead) for lead in brokerage.leads]
    assert len(times) == LEADS
    assert times == sorted(times)
    assert now - timedelta(days=DAYS + 1) <= times[0] <= now - timedelta(days=DAYS - 14)
    assert now - timedelta(days=3) <= times[-1] < now


def test_every_fact_lies_between_capture_and_now_and_in_order(brokerage: Brokerage, now: datetime) -> None:
    for lead in brokerage.leads:
        times = [arrival(lead.lead), *(activity.occurred_at for activity in lead.activities)]
        assert times == sorted(times)
        assert times[-1] <= now


def test_every_payload_fits_the_registry(brokerage: Brokerage) -> None:
    for lead in brokerage.leads:
        for activity in lead.activities:
            validate_payload(activity.kind, activity.payload)
        validate_payload("criteria.stated", dict(lead.lead.criteria))


def test_the_simulation_leaves_to_capture_what_capture_records(brokerage: Brokerage) -> None:
    seen = {kind for lead in brokerage.leads for kind in kinds(lead)}
    assert seen <= KINDS.keys()
    assert not seen & {"lead.captured", "lead.inquired", "lead.assigned", "consent.given"}


def test_identifiers_are_unique(brokerage: Brokerage) -> None:
    leads = [lead.external_id for lead in brokerage.arrivals()]
    activities = [activity.external_id for lead in brokerage.leads for activity in lead.activities]
    assert len(set(leads)) == len(leads)
    assert len(set(activities)) == len(activities)


@pytest.mark.parametrize("other_seed", [11, 12])
def test_three_to_five_in_a_hundred_leads_convert_whoever_they_are(
    brokerage: Brokerage, other_seed: int, now: datetime
) -> None:
    other = history(other_seed, now)
    assert 0.03 <= conversion(list(other.leads)) <= 0.05
    assert [lead.lead.full_name for lead in other.leads] != [lead.lead.full_name for lead in brokerage.leads]


def test_the_more_motivated_the_lead_the_likelier_the_deal(brokerage: Brokerage) -> None:
    ranked = sorted(brokerage.leads, key=lambda lead: lead.truth.motivation)
    fourths = [conversion(ranked[start : start + LEADS // 4]) for start in range(0, LEADS, LEADS // 4)]
    assert fourths == sorted(fourths)
    assert fourths[3] > 4 * max(fourths[1], 0.005)


def test_the_more_motivated_the_lead_the_more_they_look_at(brokerage: Brokerage) -> None:
    ranked = sorted(brokerage.leads, key=lambda lead: lead.truth.motivation)
    views = [kinds(lead).count("listing.viewed") for lead in ranked]
    thirds = [sum(views[start : start + LEADS // 3]) for start in range(0, LEADS - 2, LEADS // 3)]
    assert thirds[0] < thirds[1] < thirds[2]


def test_referrals_convert_more_often_than_social_media(brokerage: Brokerage) -> None:
    by_source = {
        source.name: [lead for lead in brokerage.leads if lead.lead.source == source.name] for source in SOURCES
    }
    assert all(len(leads) > 30 for leads in by_source.values())
    assert conversion(by_source["Referral"]) > conversion(by_source["Facebook"])


def test_few_facts_for_most_and_hundreds_for_some(brokerage: Brokerage) -> None:
    facts = sorted(len(lead.activities) for lead in brokerage.leads)
    assert 4 <= median(facts) <= 9
    assert facts[-LEADS // 10] >= 20
    assert facts[-1] >= 200
    assert len(brokerage.leads) * 10 < sum(facts) < len(brokerage.leads) * 20


def test_a_deal_follows_offer_acceptance_and_contract_in_this_order(brokerage: Brokerage) -> None:
    closed = [kinds(lead) for lead in brokerage.leads if lead.outcome == "deal.closed"]
    assert closed
    for order in closed:
        assert order.index("offer.made") < order.index("offer.accepted") < order.index("contract.signed")
        assert "appointment.held" in order[: order.index("offer.made")]


def test_nothing_follows_an_ending(brokerage: Brokerage) -> None:
    for lead in brokerage.leads:
        assert not set(kinds(lead)[:-1]) & set(ENDINGS)
    assert Counter(lead.outcome for lead in brokerage.leads).keys() == {"deal.closed", "lead.lost", None}


def test_a_meeting_or_tour_is_booked_before_it_is_held(brokerage: Brokerage) -> None:
    for lead in brokerage.leads:
        for what in ("appointment", "tour"):
            booked = Counter[str]()
            for activity in lead.activities:
                booked[activity.payload.get("at", "")] += activity.kind == f"{what}.booked"
                if activity.kind in (f"{what}.held", f"{what}.cancelled", f"{what}.missed"):
                    assert booked[activity.payload["at"]]


def test_nobody_is_written_to_on_a_channel_they_left(brokerage: Brokerage) -> None:
    left = 0
    for lead in brokerage.leads:
        order = [(activity.kind, activity.payload.get("channel")) for activity in lead.activities]
        for number, (kind, channel) in enumerate(order):
            if kind == "consent.withdrawn":
                left += 1
                assert ("message.sent", channel) not in order[number:]
    assert left > 10


def test_replies_come_after_something_was_sent(brokerage: Brokerage) -> None:
    for lead in brokerage.leads:
        order = kinds(lead)
        for reaction in ("message.received", "message.opened", "message.clicked"):
            if reaction in order:
                assert "message.sent" in order[: order.index(reaction)] or "call.held" in order[: order.index(reaction)]


def test_homes_are_touched_only_once_they_are_listed(brokerage: Brokerage) -> None:
    listed = {home.listing_key: home.on_market_date for home in brokerage.listings}
    for lead in brokerage.leads:
        for activity in lead.activities:
            key = activity.payload.get("listing_key")
            if key:
                assert activity.occurred_at.date() >= listed[key]


def test_what_becomes_of_a_lead_is_drawn_without_the_person(brokerage: Brokerage, seed: int) -> None:
    for number, lead in enumerate(brokerage.leads[:300]):
        rng = stream(seed, f"lead {number}")
        truth = draw_truth(rng)
        journey = Journey(truth, lead.agent, Market(brokerage.listings), reachable(lead.lead), rng)
        facts = as_activities(lead.lead.external_id, travel(journey, arrival(lead.lead)))
        assert facts[: len(lead.activities)] == lead.activities


def test_agents_share_the_leads_by_weight(brokerage: Brokerage) -> None:
    given = Counter(lead.agent.name for lead in brokerage.leads)
    total = sum(agent.weight for agent in brokerage.agents)
    for agent in brokerage.agents:
        assert abs(given[agent.name] - LEADS * agent.weight / total) < 1


def test_spring_brings_more_leads_than_winter(brokerage: Brokerage) -> None:
    months = Counter(arrival(lead.lead).month for lead in brokerage.leads if arrival(lead.lead).year == 2025)
    assert sum(months[month] for month in (4, 5, 6)) > 1.3 * sum(months[month] for month in (11, 12, 1))


def test_arrivals_hold_every_touch_in_the_order_of_time(brokerage: Brokerage) -> None:
    arrivals = brokerage.arrivals()
    assert len(arrivals) == LEADS + sum(len(lead.touches) for lead in brokerage.leads)
    assert all(arrival(earlier) <= arrival(later) for earlier, later in pairwise(arrivals))
