from __future__ import annotations

from typing import Any

import pytest

from porchlight.intelligence.conversion import (
    KINDS,
    OPEN_STAGES,
    STAGES,
    BadPayload,
    UnknownKind,
    implied_stage,
    validate_payload,
)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_takes_an_empty_payload_and_keeps_unknown_keys(kind: str) -> None:
    assert validate_payload(kind, {}) == {}
    assert validate_payload(kind, {"their_own_key": [1, "two"]}) == {"their_own_key": [1, "two"]}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_null_is_the_same_as_a_missing_field(kind: str) -> None:
    names = KINDS[kind].model.model_json_schema(by_alias=True).get("properties", {})
    validate_payload(kind, dict.fromkeys(names))


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        ("listing.viewed", {"list_price": "450000"}, "list_price"),
        ("listing.viewed", {"list_price": True}, "list_price"),
        ("listing.viewed", {"list_price": float("nan")}, "list_price"),
        ("listing.viewed", {"list_price": 10**400}, "list_price"),
        ("listing.viewed", {"list_price": -1}, "list_price"),
        ("listing.saved", {"listing_key": "k" * 256}, "listing_key"),
        ("criteria.stated", {"areas": ["Elm", 3]}, "areas.1"),
        ("criteria.stated", {"intent": "lease"}, "intent"),
        ("message.sent", {"automated": "yes"}, "automated"),
        ("stage.changed", {"to": "won"}, "to"),
        ("lead.assigned", {"from": 7}, "from"),
        ("tour.booked", {"at": "tomorrow"}, "at"),
        ("tour.booked", {"at": "2026-03-01T15:00:00"}, "at"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(kind: str, payload: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as caught:
        validate_payload(kind, payload)
    assert caught.value.field == field
    assert caught.value.message


def test_a_payload_that_is_no_object_is_refused() -> None:
    with pytest.raises(BadPayload, match="dictionary"):
        validate_payload("note.added", ["text"])  # type: ignore[arg-type]


def test_an_unknown_kind_names_the_closest_ones() -> None:
    with pytest.raises(UnknownKind, match=r"did you mean listing\.viewed") as caught:
        validate_payload("listing.veiwed", {})
    assert caught.value.close_matches[0] == "listing.viewed"


def test_a_whole_number_is_a_price_and_stays_as_it_came() -> None:
    payload = {"list_price": 450_000}
    assert validate_payload("listing.viewed", payload) is payload


def test_the_open_stages_are_all_but_closed_and_lost() -> None:
    assert (*OPEN_STAGES, "closed", "lost") == STAGES


def test_an_automatic_message_is_not_yet_contact() -> None:
    assert implied_stage("message.sent", {}) == "contacted"
    assert implied_stage("message.sent", {"automated": True}) is None
