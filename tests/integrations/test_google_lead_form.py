"""Google lead forms: the key is the proof, test leads are marked, and every answer is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from porchlight.integrations.google_lead_form.payload import GoogleConfig, check_key, parse, refusal
from porchlight.kit.errors import PorchlightError

PAYLOAD: dict[str, Any] = {
    "lead_id": "abc",
    "user_column_data": [
        {"column_name": "Full Name", "string_value": "Zoë Smith", "column_id": "FULL_NAME"},
        {"column_name": "User Phone", "string_value": "1-650-253-0000", "column_id": "PHONE_NUMBER"},
        {"column_id": "WORK_EMAIL", "string_value": "zoe@smith.net"},
        {"column_id": "REGION", "string_value": "TX"},
        {"column_name": "Company", "column_id": "COMPANY_NAME", "string_value": "Smith & Co"},
        {"column_name": "What is your budget?", "column_id": "what_is_your_budget?", "string_value": "$300k-$400k"},
        {"column_name": "Pets?", "column_id": "pets?", "string_value": "cat"},
    ],
    "api_version": "1.0",
    "form_id": 40000000000,
    "campaign_id": 123456,
    "google_key": "the key",
    "is_test": False,
    "gcl_id": "click",
    "asset_group_id": 0,
}


def body(**changes: Any) -> bytes:
    return json.dumps({**PAYLOAD, **changes}).encode()


def test_the_lead_has_the_ready_questions_and_the_forms_own() -> None:
    (lead,) = parse(body(), GoogleConfig())
    assert (lead.origin, lead.external_id, lead.source) == ("google_lead_form", "abc", "Google Lead Form")
    assert (lead.full_name, lead.given_name) == ("Zoë Smith", "Zoë")
    assert [point.value for point in lead.contact_points] == ["+16502530000", "zoe@smith.net"]
    assert lead.address is not None
    assert lead.address.state == "TX"
    assert dict(lead.criteria) == {"price_min": 300_000, "price_max": 400_000}
    assert dict(lead.custom) == {
        "Company": "Smith & Co",
        "Pets?": "cat",
        "form_id": "40000000000",
        "campaign_id": "123456",
        "gcl_id": "click",
    }


def test_a_field_map_names_the_fields_of_own_questions() -> None:
    (lead,) = parse(body(), GoogleConfig(field_map={"pets?": "tags"}))
    assert lead.tags == ("cat",)


def test_a_test_lead_is_kept_and_marked() -> None:
    (lead,) = parse(body(is_test=True), GoogleConfig())
    assert lead.custom["test"] is True


def test_only_the_hooks_key_opens_the_door() -> None:
    check_key(body(), "the key".__eq__)
    for wrong in (body(google_key="another"), body(google_key=None), b"{}"):
        with pytest.raises(PorchlightError) as caught:
            check_key(wrong, "the key".__eq__)
        assert caught.value.code == "signature_invalid"
        assert refusal(caught.value) == {"message": caught.value.detail}


@pytest.mark.parametrize(
    "broken", [b"", b"no json", b"[]", b"{}", body(lead_id=""), body(user_column_data="x"), body(user_column_data=[1])]
)
def test_a_malformed_body_is_refused_with_a_message(broken: bytes) -> None:
    with pytest.raises(PorchlightError) as caught:
        parse(broken, GoogleConfig())
    assert caught.value.code == "payload_invalid"


def test_an_endless_body_is_refused() -> None:
    with pytest.raises(PorchlightError) as caught:
        parse(b'"' + b"x" * (1 << 20) + b'"', GoogleConfig())
    assert caught.value.code == "body_too_large"
