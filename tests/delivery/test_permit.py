from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from porchlight.delivery.permit import (
    CHECKS,
    Basis,
    ConsentRecord,
    Deferral,
    Evidence,
    Finding,
    Permit,
    Proposal,
    Refusal,
    Sender,
    decide,
)
from porchlight.delivery.places import whereabouts
from porchlight.delivery.quiet_hours import window_open

ZONE = "America/New_York"
NOON = datetime(2027, 5, 12, 12, 0, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
SENDER = Sender("Harbor & Pine Realty", "1 Main Street, Albany, NY 12207")
REPLY = Proposal("email", "inquiry_reply", "dana@example.com", automated=True, discloses_automation=True)
TEXT = replace(REPLY, channel="sms", to="+12125550123")
INQUIRY = Evidence(SENDER, whereabouts(tenant_zone=ZONE), inquired_at=NOON - timedelta(minutes=1))

instants = st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
proposals = st.builds(
    Proposal,
    channel=st.sampled_from(["email", "sms", "call", "console"]),
    purpose=st.sampled_from(["inquiry_reply", "marketing"]),
    to=st.sampled_from(["dana@example.com", "+12125550123", "nobody", ""]),
    automated=st.booleans(),
    discloses_automation=st.booleans(),
)
records = st.builds(
    ConsentRecord,
    purpose=st.sampled_from(["inquiry_reply", "marketing"]),
    basis=st.sampled_from([Basis.NONE, Basis.EXPRESS, Basis.WRITTEN]),
    at=instants,
)
evidences = st.builds(
    Evidence,
    sender=st.builds(
        Sender, name=st.sampled_from(["", SENDER.name]), postal_address=st.sampled_from(["", SENDER.postal_address])
    ),
    whereabouts=st.sampled_from(
        [
            whereabouts(tenant_zone=ZONE),
            whereabouts(tenant_zone=ZONE, state="RI"),
            whereabouts(tenant_zone=ZONE, state="HI", phones=["+12125550123"]),
        ]
    ),
    suppressions=st.lists(st.sampled_from(["unsubscribed", "complaint"]), max_size=2).map(tuple),
    consents=st.lists(records, max_size=3).map(tuple),
    inquired_at=st.none() | instants,
    touches=st.lists(instants, max_size=4).map(tuple),
    house_hours=st.none(),
)
generous = st.builds(  # nearly everything in order, so that permits do come up
    lambda to_text, touches, when: (
        TEXT if to_text else REPLY,
        replace(
            INQUIRY, consents=(ConsentRecord("marketing", Basis.WRITTEN, when),), touches=touches, inquired_at=when
        ),
        when,
    ),
    st.booleans(),
    st.lists(instants, max_size=2).map(tuple),
    instants,
)
cases = st.tuples(proposals, evidences, instants) | generous


def finding(decision: Permit | Refusal | Deferral, check: str) -> Finding:
    return next(found for found in decision.trace if found.check == check)


# What leaves


def test_a_reply_to_the_persons_own_inquiry_needs_no_consent() -> None:
    decision = decide(REPLY, INQUIRY, NOON)
    assert isinstance(decision, Permit)
    assert (decision.channel, decision.to, decision.at) == ("email", "dana@example.com", NOON)


def test_a_text_needs_express_consent() -> None:
    decision = decide(TEXT, INQUIRY, NOON)
    assert isinstance(decision, Refusal)
    assert decision.code == "consent_missing"
    agreed = replace(INQUIRY, consents=(ConsentRecord("inquiry_reply", Basis.EXPRESS, NOON),))
    assert isinstance(decide(TEXT, agreed, NOON), Permit)


def test_marketing_by_text_needs_consent_in_writing() -> None:
    offer = replace(TEXT, purpose="marketing")
    said = replace(INQUIRY, consents=(ConsentRecord("marketing", Basis.EXPRESS, NOON),))
    signed = replace(INQUIRY, consents=(ConsentRecord("marketing", Basis.WRITTEN, NOON),))
    assert isinstance(decide(offer, said, NOON), Refusal)
    assert isinstance(decide(offer, signed, NOON), Permit)


def test_consent_to_replies_is_none_to_marketing() -> None:
    signed = replace(INQUIRY, consents=(ConsentRecord("inquiry_reply", Basis.WRITTEN, NOON),))
    assert isinstance(decide(replace(TEXT, purpose="marketing"), signed, NOON), Refusal)


def test_an_inquiry_justifies_an_answer_for_three_months() -> None:
    assert isinstance(decide(REPLY, replace(INQUIRY, inquired_at=NOON - timedelta(days=90)), NOON), Permit)
    late = decide(REPLY, replace(INQUIRY, inquired_at=NOON - timedelta(days=91)), NOON)
    assert isinstance(late, Refusal)
    assert late.code == "consent_missing"
    assert isinstance(decide(REPLY, replace(INQUIRY, inquired_at=None), NOON), Refusal)


def test_a_withdrawal_ends_what_was_given_before_and_not_what_is_given_after() -> None:
    given_before = ConsentRecord("marketing", Basis.WRITTEN, NOON - timedelta(days=3))
    withdrawn = ConsentRecord("inquiry_reply", Basis.NONE, NOON - timedelta(days=2))
    given_after = ConsentRecord("marketing", Basis.WRITTEN, NOON - timedelta(days=1))
    opted_out = decide(TEXT, replace(INQUIRY, consents=(given_before, withdrawn)), NOON)
    assert isinstance(opted_out, Refusal)
    assert opted_out.code == "opted_out"
    assert isinstance(decide(TEXT, replace(INQUIRY, consents=(given_before, withdrawn, given_after)), NOON), Permit)


@pytest.mark.parametrize("to", ["", "nobody", "a@b", "dana@example.com\nBcc: all@example.com", "+12125550123"])
def test_what_is_no_address_is_refused(to: str) -> None:
    decision = decide(replace(REPLY, to=to), INQUIRY, NOON)
    assert isinstance(decision, Refusal)
    assert decision.code == "contact_point_invalid"


def test_marketing_needs_the_postal_address_and_a_reply_does_not() -> None:
    nameless = replace(INQUIRY, sender=Sender("Harbor & Pine Realty", " "))
    decision = decide(replace(REPLY, purpose="marketing"), nameless, NOON)
    assert isinstance(decision, Refusal)
    assert decision.code == "sender_incomplete"
    assert isinstance(decide(REPLY, nameless, NOON), Permit)


def test_an_automatic_message_that_hides_it_is_refused() -> None:
    decision = decide(replace(REPLY, discloses_automation=False), INQUIRY, NOON)
    assert isinstance(decision, Refusal)
    assert decision.code == "not_disclosed"
    assert isinstance(decide(replace(REPLY, automated=False, discloses_automation=False), INQUIRY, NOON), Permit)


# What waits


def test_at_night_the_message_waits_for_the_morning_there() -> None:
    there = whereabouts(tenant_zone=ZONE, state="CA")
    at = datetime(2027, 5, 12, 7, 0, tzinfo=ZoneInfo("America/Los_Angeles"))
    decision = decide(REPLY, replace(INQUIRY, whereabouts=there), at)
    assert isinstance(decision, Deferral)
    assert decision.code == "quiet_hours"
    assert decision.not_before == at.replace(hour=8)
    assert decision.reason == (
        "Closed at this hour in California (America/Los_Angeles; known by state CA; rule: House policy)"
    )


def test_a_second_touch_within_eight_hours_waits() -> None:
    decision = decide(REPLY, replace(INQUIRY, touches=(NOON - timedelta(hours=5),)), NOON)
    assert isinstance(decision, Deferral)
    assert decision.code == "cap_8h"
    assert decision.not_before == NOON + timedelta(hours=3)


def test_a_fourth_touch_in_a_day_waits_for_the_first_to_age() -> None:
    touches = tuple(NOON - timedelta(hours=hours) for hours in (9, 15, 23))
    decision = decide(REPLY, replace(INQUIRY, touches=touches), NOON)
    assert isinstance(decision, Deferral)
    assert decision.code == "cap_24h"
    assert decision.not_before == NOON + timedelta(hours=1)


def test_a_cap_that_ends_in_the_night_waits_for_the_morning() -> None:
    evening = NOON + timedelta(hours=8)
    decision = decide(REPLY, replace(INQUIRY, touches=(evening,)), evening)
    assert isinstance(decision, Deferral)
    assert decision.not_before == NOON + timedelta(hours=20)


def test_what_a_person_writes_is_not_capped() -> None:
    busy = replace(INQUIRY, touches=(NOON,) * 9)
    assert isinstance(decide(replace(REPLY, automated=False), busy, NOON), Permit)


# What holds for all


@settings(deadline=None)
@given(cases, st.booleans())
def test_nobody_who_opted_out_ever_gets_a_message(case: tuple[Proposal, Evidence, datetime], by_list: bool) -> None:
    proposal, evidence, at = case
    if by_list:
        opted_out = replace(evidence, suppressions=(*evidence.suppressions, "unsubscribed"))
    else:
        latest = max((record.at for record in evidence.consents), default=at)
        opted_out = replace(evidence, consents=(*evidence.consents, ConsentRecord("marketing", Basis.NONE, latest)))
    assert isinstance(decide(proposal, opted_out, at), Refusal)


@settings(deadline=None)
@given(cases, st.data())
def test_less_consent_never_turns_a_no_into_a_yes(
    case: tuple[Proposal, Evidence, datetime], data: st.DataObject
) -> None:
    proposal, evidence, at = case
    kept = tuple(r for r in evidence.consents if r.basis is Basis.NONE or data.draw(st.booleans()))
    stricter = replace(
        evidence,
        consents=(*kept, *data.draw(st.lists(records.filter(lambda r: r.basis is Basis.NONE), max_size=1))),
        suppressions=(*evidence.suppressions, *data.draw(st.sampled_from([(), ("complaint",)]))),
        touches=(*evidence.touches, *data.draw(st.lists(instants, max_size=2))),
        inquired_at=data.draw(st.sampled_from([evidence.inquired_at, None])),
    )
    before, after = decide(proposal, evidence, at), decide(proposal, stricter, at)
    if isinstance(before, Refusal):
        assert isinstance(after, Refusal)
    if isinstance(before, Deferral):
        assert isinstance(after, Refusal) or (isinstance(after, Deferral) and after.not_before >= before.not_before)


@settings(deadline=None)
@given(cases)
def test_every_check_is_kept_and_a_permit_passed_them_all(case: tuple[Proposal, Evidence, datetime]) -> None:
    decision = decide(*case)
    checked = [found.check for found in decision.trace]
    assert len(checked) >= len(CHECKS)
    assert checked[: len(CHECKS)] == list(dict.fromkeys(checked))
    if isinstance(decision, Permit):
        assert {found.outcome for found in decision.trace} == {"pass"}
        assert window_open(decision.at, case[1].whereabouts.places, decision.channel)
    else:
        assert all(found.as_json()["reason"] for found in decision.trace)


@settings(deadline=None)
@given(cases)
def test_waiting_until_the_time_that_was_named_is_enough(case: tuple[Proposal, Evidence, datetime]) -> None:
    proposal, evidence, at = case
    decision = decide(proposal, evidence, at)
    assume(isinstance(decision, Deferral))
    assert isinstance(decision, Deferral)
    assert decision.not_before > at
    then = decide(proposal, evidence, decision.not_before)
    # Only the inquiry may have grown too old meanwhile.
    assert isinstance(then, Permit) or (isinstance(then, Refusal) and then.code == "consent_missing")


def test_a_permit_cannot_be_made_by_hand_or_altered() -> None:
    permit = decide(REPLY, INQUIRY, NOON)
    assert isinstance(permit, Permit)
    with pytest.raises(TypeError, match="decide"):
        Permit("email", "inquiry_reply", "dana@example.com", NOON, ())
    with pytest.raises((TypeError, ValueError), match=r"decide|mint"):
        replace(permit, to="eve@example.com")
    with pytest.raises(AttributeError):
        permit.to = "eve@example.com"  # type: ignore[misc]
    assert copy.copy(permit) == permit
