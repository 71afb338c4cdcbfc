"""The API against its own description: whatever is sent, no answer is a failure of ours, and each fits the document."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

#: The key that asks must not be revoked by what is generated, and no other user may be locked out.
LEFT_OUT = {"DELETE /api/v1/api-keys/{key_id}"}

BOUNDED = settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]


def headers(brokerage: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {brokerage.api_key}"}


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_of_the_document_or_beside_it_makes_us_fail(
    server: str, brokerage: Any, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_url(f"http://{server}/openapi.json")
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if operation.label in LEFT_OUT:
            continue

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            answer = case.call(base_url=f"http://{server}", headers=headers(brokerage))
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except Unsatisfiable:
            # An operation that takes nothing can be asked nothing wrong.
            continue
        asked += 1
    assert asked > 15


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=15,
)
LIKE_AN_ITEM = st.dictionaries(
    st.sampled_from(
        ["lead_id", "email", "phone", "external_id", "kind", "occurred_at", "payload", "name", "criteria", "custom"]
    ),
    JSON | st.sampled_from(["listing.viewed", "jo@example.com", "2026-01-01T00:00:00Z", "+12125550123"]),
    max_size=6,
)


@pytest.mark.parametrize(("path", "key"), [("/api/v1/leads", "leads"), ("/api/v1/activities", "activities")])
def test_no_body_makes_us_fail(server: str, brokerage: Any, path: str, key: str) -> None:
    with httpx2.Client(base_url=f"http://{server}", headers=headers(brokerage)) as client:

        @settings(BOUNDED, max_examples=80)
        @given(
            st.binary(max_size=200)
            | JSON.map(lambda body: httpx2.Request("POST", "http://x", json=body).content)
            | st.lists(LIKE_AN_ITEM, max_size=5).map(
                lambda items: httpx2.Request("POST", "http://x", json={key: items}).content
            )
        )
        def send(body: bytes) -> None:
            answer = client.post(path, content=body, headers={"content-type": "application/json"})
            assert answer.status_code < 500, body
            if answer.status_code >= 400:
                problem = answer.json()
                assert problem["detail"]
                assert problem["code"]

        send()


def test_a_hook_takes_any_bytes(server: str, brokerage: Any) -> None:
    with httpx2.Client(base_url=f"http://{server}", headers=headers(brokerage)) as client:
        addresses = []
        for source in ("generic", "adf"):
            made = client.post("/api/v1/hooks", json={"source": source, "name": f"any {source}"}).json()
            addresses.append("/hooks/" + made["address"].partition("/hooks/")[2])

        @settings(BOUNDED, max_examples=60)
        @given(st.sampled_from(addresses), st.binary(max_size=300))
        def deliver(address: str, body: bytes) -> None:
            assert client.post(address, content=body).status_code < 500, body

        deliver()
