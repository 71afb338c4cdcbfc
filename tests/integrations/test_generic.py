"""Any JSON: a field map is followed to the letter, and without one the keys' names are understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from porchlight.integrations.generic.payload import GenericConfig, check_field_map, parse
from porchlight.kit.errors import PorchlightError
from porchlight.leads.inputs import LeadInput


def leads(payload: Any, **config: Any) -> list[LeadInput]:
    return parse(json.dumps(payload).encode(), GenericConfig("site", **config))


def test_keys_are_understood_by_their_names_wherever_they_stand() -> None:
    (lead,) = leads(
        {
            "id": 17,
            "contact": {"firstName": "Joe", "lastName": "Smith", "address": {"city": "Austin", "zip": 78701}},
            "emails": [{"value": "joe@smith.net", "type": "home"}, {"value": "joe@work.net", "type": "work"}],
            "phones": ["650-253-0000"],
            "agent": {"phone": "512-555-0101"},
            "listing": {"id": "MLS-9"},
            "emailOptOut": True,
            "pets": None,
            "score": 3.0,
        }
    )
    assert (lead.origin, lead.external_id, lead.source, lead.full_name) == ("hook:site", "17", "site", "Joe Smith")
    assert [point.value for point in lead.contact_points] == ["joe@smith.net", "joe@work.net", "+16502530000"]
    assert lead.address is not None
    assert (lead.address.city, lead.address.postal_code) == ("Austin", "78701")
    assert lead.listing_key == "MLS-9"
    assert lead.opted_out == ("email",)
    assert dict(lead.custom) == {"emails.type": "home; work", "agent.phone": "512-555-0101", "score": "3"}


def test_form_builders_lists_of_names_and_values_are_understood() -> None:
    (lead,) = leads(
        {
            "data": {
                "fields": [{"name": "Your Email", "value": "joe@smith.net"}, {"label": "Pets", "value": ["cat", "dog"]}]
            }
        }
    )
    assert [point.value for point in lead.contact_points] == ["joe@smith.net"]
    assert dict(lead.custom) == {"Pets": "cat; dog"}


def test_a_field_map_is_followed_and_the_rest_still_understood() -> None:
    (lead,) = leads(
        {
            "who": {"mail": ["a@smith.net", "b@smith.net"], "n": "Joe"},
            "phone": "6502530000",
            "x": {"y": [{"z": "vip"}]},
        },
        field_map={"email": "who.mail", "first_name": "who.n", "tags": "x.y.0.z"},
    )
    assert [point.value for point in lead.contact_points] == ["a@smith.net", "b@smith.net", "+16502530000"]
    assert (lead.given_name, lead.tags, dict(lead.custom)) == ("Joe", ("vip",), {})


def test_a_field_can_be_ignored_or_renamed() -> None:
    (lead,) = leads(
        {"email": "a@smith.net", "ssn": "1", "q7": "cats"}, field_map={"ignore": "ssn", "custom:pets": "q7"}
    )
    assert dict(lead.custom) == {"pets": "cats"}


@pytest.mark.parametrize(
    "payload",
    [
        [{"email": "a@smith.net"}, {"email": "b@smith.net"}],
        {"leads": [{"email": "a@smith.net"}, {"email": "b@smith.net"}]},
        {"event": "x", "data": [{"email": "a@smith.net"}, {"email": "b@smith.net"}]},
    ],
)
def test_lists_hold_several_leads(payload: Any) -> None:
    assert [lead.contact_points[0].value for lead in leads(payload)] == ["a@smith.net", "b@smith.net"]


def test_leads_are_found_where_the_hook_says() -> None:
    found = leads({"in": {"here": [{"email": "a@smith.net"}, {"email": "b@smith.net"}]}}, leads_at="in.here")
    assert len(found) == 2
    with pytest.raises(PorchlightError, match="nothing at"):
        leads({}, leads_at="in.here")


def test_the_same_payload_is_the_same_touch_whatever_the_order_of_its_keys() -> None:
    (one,), (other,) = leads({"email": "a@smith.net", "x": 1}), leads({"x": 1, "email": "a@smith.net"})
    assert one.external_id == other.external_id


@pytest.mark.parametrize("payload", ["text", 1, None, [1], [[]], {}, {"leads": [{}]}, [{"email": "a@b.de"}] * 1001])
def test_what_holds_no_lead_is_refused_with_advice(payload: Any) -> None:
    with pytest.raises(PorchlightError) as caught:
        leads(payload)
    assert caught.value.code == "payload_invalid"


def test_deep_nesting_and_bad_json_are_refused() -> None:
    for body in (b'{"a":' * 100 + b"1" + b"}" * 100, b"{", b"\xff", b'{"a": "\\ud800"}'):
        with pytest.raises(PorchlightError):
            parse(body, GenericConfig("site"))


def test_a_field_map_is_checked_when_it_is_written() -> None:
    assert check_field_map({"email": " contact.email ", "custom:pets": "q7"}) == {
        "email": "contact.email",
        "custom:pets": "q7",
    }
    with pytest.raises(PorchlightError, match="did you mean email"):
        check_field_map({"e-mail": "x"})
    with pytest.raises(PorchlightError, match="dotted path"):
        check_field_map({"email": 3})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["email", "phone", "name", "data", "leads", "a.b", "id"]), JSON, max_size=5))
def test_any_json_is_leads_or_a_clear_refusal(payload: dict[str, Any]) -> None:
    try:
        found = leads(payload)
    except PorchlightError as error:
        assert error.code == "payload_invalid"  # noqa: PT017
    else:
        assert all("\0" not in str(lead) for lead in found)


def test_a_key_holds_nothing_that_a_database_cannot() -> None:
    (lead,) = leads({"name": "Joe Smith", "pe\0ts": "ca\0t"})
    assert dict(lead.custom) == {"pets": "cat"}
