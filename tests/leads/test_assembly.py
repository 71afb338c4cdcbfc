"""Fields become one lead at every door, and nothing that was sent is lost on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.intelligence.conversion.kinds import validate_payload
from porchlight.leads.assembly import BLANKS_OF, DEFAULT_READING, SETTERS, BadOutcome, Notice, Stated, assemble
from porchlight.leads.fields import CUSTOM, FIELDS, field_named
from porchlight.leads.inputs import LeadInput


def made(*stated: Stated) -> tuple[LeadInput, list[Notice]]:
    return assemble(stated, origin="test", external_id="1", source="Test", reading=DEFAULT_READING)


def lead_of(**texts: str) -> LeadInput:
    return made(*((name, name, text) for name, text in texts.items()))[0]


def test_every_field_has_a_reader_and_every_reader_a_field() -> None:
    assert set(SETTERS) == set(FIELDS)


def test_no_name_stands_for_two_fields() -> None:
    names = [name for field in FIELDS.values() for name in {field.name.replace("_", " "), *field.names}]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("firstName", "first_name"),
        ("E-mail Address (Home)", "email"),
        ("Email 2", "email"),
        ("PHONE_NUMBER", "phone"),
        ("Mobile Phone 2", "phone"),
        ("Prospect ID", "external_id"),
        ("Lead Number", "external_id"),
        ("Agent Email", "owner_email"),
        ("mailing_address.city", "city"),
        ("Spouse Email", None),
        ("Phone 1 - Type", None),
        ("Company Name", None),
        ("Fax", None),
        ("dob", None),
    ],
)
def test_names_of_other_systems_are_known_and_other_peoples_are_not_taken(name: str, field: str | None) -> None:
    assert field_named(name) == field


def test_contact_points_are_normalised_and_come_once() -> None:
    lead = lead_of(email="J.Smith@gmail.com; jsmith+x@googlemail.com, ann@smith.net", phone="(650) 253-0000")
    assert [point.value for point in lead.contact_points] == ["jsmith@gmail.com", "ann@smith.net", "+16502530000"]


def test_a_bad_contact_point_is_kept_and_the_lead_goes_in() -> None:
    lead, notices = made(("email", "E-mail", "joe@@x"), ("phone", "Cell", "650-253-0000"), ("phone", "Home", "123"))
    assert [point.value for point in lead.contact_points] == ["+16502530000"]
    assert lead.custom == {"invalid_email": "joe@@x", "invalid_phone": "123"}
    assert [notice.column for notice in notices] == ["E-mail", "Home"]
    assert [notice.code for notice in notices] == ["email.invalid", "phone.invalid"]


@pytest.mark.parametrize(
    ("field", "answer", "refused"),
    [
        ("do_not_email", "Yes", ("email",)),
        ("do_not_email", "No", ()),
        ("do_not_email", "bounced 2023", ("email",)),
        ("do_not_call", "1", ("call", "sms")),
        ("do_not_text", "true", ("sms",)),
        ("do_not_contact", "x", ("email", "sms", "call")),
        ("consent_email", "no", ("email",)),
        ("consent_email", "perhaps", ()),
    ],
)
def test_a_refusal_is_read_at_its_strictest(field: str, answer: str, refused: tuple[str, ...]) -> None:
    lead = lead_of(**{field: answer})
    assert lead.opted_out == refused
    assert lead.consents == ()


def test_consent_needs_a_yes_or_its_date() -> None:
    assert [consent.channel for consent in lead_of(consent_email="Yes").consents] == ["email"]
    (consent,) = lead_of(consent_sms="2024-03-04").consents
    assert (consent.channel, consent.at) == ("sms", datetime(2024, 3, 4, tzinfo=UTC))


def test_what_is_wanted_is_a_valid_payload_of_criteria_stated() -> None:
    lead = lead_of(
        intent="Buyer", budget="$300k-$450k", areas="Austin, TX; Waco", timeframe="3-6 months",
        bedrooms_min="3+", bathrooms_min="2.5", property_type="Condo", financing="Pre-approved",
    )  # fmt: skip
    assert validate_payload("criteria.stated", dict(lead.criteria)) == {
        "intent": "buy",
        "price_min": 300_000,
        "price_max": 450_000,
        "areas": ["Austin, TX", "Waco"],
        "timeframe_days": 180,
        "bedrooms_min": 3,
        "bathrooms_min": 2.5,
        "property_type": "Condo",
        "financing": "preapproved",
    }


def test_an_untouched_list_is_no_answer_but_select_can_be_a_name() -> None:
    lead = lead_of(city="Select", source="Select", last_name="Select", custom="Select")
    assert (lead.address, lead.source, lead.family_name, lead.custom) == (None, "Test", "Select", {})


def test_none_can_be_an_answer_to_a_question_of_ones_own() -> None:
    assert lead_of(**{"custom:pets": "None"}).custom == {"pets": "None"}


@pytest.mark.parametrize(("text", "outcome"), [("1", "won"), ("No", "lost"), ("Converted", "won"), ("open", None)])
def test_a_past_result_is_won_lost_or_open(text: str, outcome: str | None) -> None:
    assert lead_of(outcome=text).outcome == outcome


def test_an_unclear_past_result_is_refused_rather_than_learned_from() -> None:
    with pytest.raises(BadOutcome, match="won or lost"):
        lead_of(outcome="maybe")


def test_when_it_ended_counts_only_with_how_it_ended() -> None:
    assert lead_of(outcome="won", outcome_at="2024-03-04").outcome_at == datetime(2024, 3, 4, tzinfo=UTC)
    alone = lead_of(outcome_at="2024-03-04")
    assert alone.outcome_at is None
    assert alone.custom == {"outcome_at": "2024-03-04T00:00:00+00:00"}


@given(st.lists(st.tuples(st.sampled_from([*FIELDS, CUSTOM]), st.just("col"), st.text(max_size=30)), max_size=8))
def test_no_answers_make_assembling_fail_but_an_unclear_result(stated: list[Stated]) -> None:
    made(*(answer for answer in stated if answer[0] != "outcome"))


@given(st.text(max_size=40).map(str.strip).filter(lambda text: text.lower() not in BLANKS_OF["email"]))
def test_an_unreadable_address_or_date_is_still_there(text: str) -> None:
    lead, _ = made(("email", "email", text), ("created_at", "created", text))
    assert lead.contact_points or lead.custom["invalid_email"]
    assert lead.created_at or lead.custom["created"] == text


def test_the_guide_names_every_field_with_its_meaning() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "import-leads.md").read_text()
    missing = [field.name for field in FIELDS.values() if f"| `{field.name}` | {field.meaning} |" not in guide]
    assert missing == []
