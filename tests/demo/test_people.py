from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from random import Random

import phonenumbers
import pytest

from porchlight.demo.brokerage import AGENTS
from porchlight.demo.people import newcomers, people, respelled_email, respelled_phone
from porchlight.demo.places import AREA_CODES, LIVE_AREA_CODES
from porchlight.demo.simulate import Brokerage
from porchlight.leads.contact_points import email_point, normalise_email, normalise_phone

EXAMPLE_DOMAIN = re.compile(r"@(?:[a-z]+\.)?example\.(?:com|net|org)$")
FICTIONAL_NUMBER = re.compile(r"\+1[0-9]{3}55501[0-9]{2}")


def test_nobody_real_can_be_reached(brokerage: Brokerage) -> None:
    points = [point for lead in brokerage.arrivals() for point in lead.contact_points]
    assert all(EXAMPLE_DOMAIN.search(point.value) for point in points if point.kind == "email")
    assert all(FICTIONAL_NUMBER.fullmatch(point.value) for point in points if point.kind == "phone")
    assert all(EXAMPLE_DOMAIN.search(agent.email) and FICTIONAL_NUMBER.fullmatch(agent.phone) for agent in AGENTS)


def test_two_leads_never_share_a_contact_point(brokerage: Brokerage) -> None:
    points = Counter(point.value for lead in brokerage.leads for point in lead.lead.contact_points)
    points.update(point for agent in brokerage.agents for point in (agent.email, agent.phone))
    assert points.most_common(1)[0][1] == 1


def test_a_second_touch_is_the_same_person_spelled_otherwise(brokerage: Brokerage) -> None:
    touches = [(lead, touch) for lead in brokerage.leads for touch in lead.touches]
    assert 60 < len(touches) < 200
    for lead, touch in touches:
        first = {point.value: point.raw for point in lead.lead.contact_points}
        assert all(point.value in first for point in touch.contact_points)
        assert touch.source != lead.lead.source
    assert any(point.raw != point.value for _, touch in touches for point in touch.contact_points)


@pytest.mark.parametrize("code", sorted({*LIVE_AREA_CODES, *(code for codes in AREA_CODES.values() for code in codes)}))
def test_every_area_code_has_numbers_that_can_be_read(code: str) -> None:
    assert phonenumbers.is_possible_number(phonenumbers.parse(f"+1{code}5550123"))
    assert normalise_phone(f"({code}) 555-0123") == f"+1{code}5550123"


def test_every_spelling_is_the_same_contact_point() -> None:
    rng = Random(3)
    for person in islice(people(rng), 200):
        assert email_point(person.email).value == person.email
        assert normalise_email(respelled_email(rng, person)) == person.email
        if person.phone:
            assert normalise_phone(respelled_phone(rng, person.phone)) == person.phone


def test_newcomers_are_nobody_known() -> None:
    known = list(islice(people(Random(1)), 2_500))
    new = list(islice(newcomers(Random(1), 9_700_000), 2_100))
    emails = [person.email for person in (*known, *new)]
    phones = [person.phone for person in (*known, *new) if person.phone]
    assert len(set(emails)) == len(emails)
    assert len(set(phones)) == len(phones)


def test_some_leads_have_no_email_some_only_a_phone_some_nothing(brokerage: Brokerage) -> None:
    kinds = Counter(tuple(point.kind for point in lead.lead.contact_points) for lead in brokerage.leads)
    assert kinds.keys() == {("email", "phone"), ("email",), ("phone",), ()}
    assert kinds["email", "phone"] > kinds["phone",] > kinds[()] > 0


def test_some_live_elsewhere_and_some_refuse_calls(brokerage: Brokerage) -> None:
    states = Counter(lead.lead.address.state for lead in brokerage.leads if lead.lead.address)
    assert states["OR"] > 100
    assert len(states) >= 8
    assert 5 < sum(bool(lead.lead.opted_out) for lead in brokerage.leads) < 60
    for lead in brokerage.leads:
        assert not {consent.channel for consent in lead.lead.consents} & set(lead.lead.opted_out)
