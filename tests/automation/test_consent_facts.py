from __future__ import annotations

from typing import Any

import pytest

from porchlight.leads.inputs import Consent

LEDGER = "SELECT channel, contact_value, action, basis, purpose, wording, source FROM consents ORDER BY id"
SUPPRESSED = "SELECT contact_kind, reason FROM suppressions ORDER BY contact_kind"
PHONE = "+12125550123"


async def test_consent_that_is_recorded_later_is_in_the_ledger(house: Any) -> None:
    lead_id = await house.capture(phone=PHONE)
    await house.fact(lead_id, "consent.given", channel="SMS", text="Yes, text me")
    assert await house.rows(LEDGER) == [("sms", PHONE, "given", "express", "marketing", "Yes, text me", "test")]
    await house.run_jobs()
    assert await house.rows("SELECT status, code FROM messages") == [("failed", "no_channel")]  # permitted


async def test_a_refusal_that_is_recorded_later_stops_the_answer(house: Any) -> None:
    lead_id = await house.capture(email="dana@mail.example.com")
    await house.fact(lead_id, "consent.withdrawn", channel="email")
    assert await house.rows(SUPPRESSED) == [("email", "opted_out")]
    await house.run_jobs()
    assert await house.rows("SELECT status, code FROM messages") == [("refused", "suppressed")]


@pytest.mark.parametrize("said", [{}, {"channel": "pigeon"}])
async def test_a_refusal_of_no_known_channel_is_one_of_all(house: Any, said: dict[str, str]) -> None:
    lead_id = await house.capture(email="dana@mail.example.com", phone=PHONE)
    await house.fact(lead_id, "consent.withdrawn", **said)
    assert await house.rows(SUPPRESSED) == [("email", "opted_out"), ("phone", "opted_out")]
    assert {row[2] for row in await house.rows(LEDGER)} == {"withdrawn"}


async def test_consent_to_one_of_several_numbers_is_taken_over_for_none(house: Any) -> None:
    lead_id = await house.capture(phone=PHONE, email="dana@mail.example.com")
    await house.capture(phone="+12125550124", email="dana@mail.example.com")
    await house.fact(lead_id, "consent.given", channel="sms")
    assert await house.rows(LEDGER) == []
    await house.fact(lead_id, "consent.given", channel="email", purpose="newsletter")
    assert [(row[0], row[4]) for row in await house.rows(LEDGER)] == [("email", "inquiry_reply")]


async def test_what_a_lead_stated_on_its_way_in_stands_once(house: Any) -> None:
    await house.capture(phone=PHONE, consents=(Consent("sms", None, "Text me"),))
    assert await house.rows(LEDGER) == [("sms", PHONE, "given", "express", "marketing", "Text me", "website")]
    await house.capture(email="dana@mail.example.com", opted_out=("email",))
    assert await house.rows(SUPPRESSED) == [("email", "opted_out_at_source")]
