from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import islice

import pytest

from porchlight.demo.live import NewActivity, NewLead, keep_alive
from porchlight.demo.simulate import Brokerage, arrival
from porchlight.intelligence.conversion.kinds import validate_payload

Event = NewLead | NewActivity


@pytest.fixture(scope="module")
def events(seed: int, now: datetime) -> list[Event]:
    return list(islice(keep_alive(seed, now), 3_000))


@pytest.fixture(scope="module")
def later(seed: int, now: datetime) -> list[Event]:
    return list(islice(keep_alive(seed, now + timedelta(hours=2)), 300))


def test_the_same_start_goes_on_in_the_same_way(events: list[Event], seed: int, now: datetime) -> None:
    assert list(islice(keep_alive(seed, now), 300)) == events[:300]


def test_something_happens_every_second_or_three(events: list[Event]) -> None:
    waits = [event.wait_seconds for event in events]
    assert 1.0 < sum(waits) / len(waits) < 3.0
    assert 0.3 < min(waits) <= max(waits) <= 4.0


def test_times_add_up_from_now(events: list[Event], now: datetime) -> None:
    at = now
    for event in events:
        at += timedelta(seconds=event.wait_seconds)
        moment = arrival(event.lead) if isinstance(event, NewLead) else event.activity.occurred_at
        assert abs((moment - at).total_seconds()) < 0.001


def test_every_payload_fits_the_registry(events: list[Event]) -> None:
    for event in events:
        if isinstance(event, NewActivity):
            validate_payload(event.activity.kind, event.activity.payload)


def test_activities_are_of_leads_that_are_there_and_open(events: list[Event], brokerage: Brokerage) -> None:
    known = {lead.lead.external_id for lead in brokerage.leads if lead.outcome is None}
    for event in events:
        if isinstance(event, NewLead):
            assert event.lead.external_id not in known
            known.add(event.lead.external_id)
        else:
            assert event.lead_external_id in known


def test_identifiers_differ_from_those_of_the_past_and_of_another_start(
    events: list[Event], later: list[Event], brokerage: Brokerage
) -> None:
    def ids(some: list[Event]) -> list[str]:
        return [event.lead.external_id if isinstance(event, NewLead) else event.activity.external_id for event in some]

    past = {activity.external_id for lead in brokerage.leads for activity in lead.activities}
    every = [*ids(events), *ids(later)]
    assert len(set(every)) == len(every)
    assert not past & set(every)


def test_newcomers_are_new_people_also_after_another_start(
    events: list[Event], later: list[Event], brokerage: Brokerage
) -> None:
    def points(some: list[Event]) -> set[str]:
        return {point.value for event in some if isinstance(event, NewLead) for point in event.lead.contact_points}

    known = {point.value for lead in brokerage.leads for point in lead.lead.contact_points}
    assert len(points(events)) > 100
    assert not points(events) & known
    assert points(later)
    assert not points(later) & points(events)


def test_now_and_then_somebody_does_within_minutes_what_makes_a_lead_hot(events: list[Event], now: datetime) -> None:
    told: dict[str, list[tuple[str, datetime]]] = {}
    for event in events:
        if isinstance(event, NewActivity):
            told.setdefault(event.lead_external_id, []).append((event.activity.kind, event.activity.occurred_at))
    bursts = [
        did
        for did in told.values()
        if {"listing.viewed", "criteria.stated", "listing.inquired", "tour.booked"} <= {kind for kind, _ in did}
    ]
    assert len(bursts) >= 10
    hottest = min(did[-1][1] - did[0][1] for did in bursts)
    assert hottest < timedelta(minutes=3)


def test_new_leads_keep_coming_in(events: list[Event]) -> None:
    shares = Counter(type(event).__name__ for event in events)
    assert 0.03 < shares["NewLead"] / len(events) < 0.10
