"""The API does what its own document says, whatever it is sent: no failure of ours, and every answer as promised."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from porchlight.accounts.permissions import Role
from porchlight.intelligence.conversion.kinds import KINDS
from porchlight.kit.installation import Urls
from porchlight.kit.settings import Settings
from porchlight.leads.schemas import ActivityIn, LeadIn
from porchlight.main import build, create_app

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
)

#: Made without a database, for the tests are named after what the document describes.
_NOWHERE = Urls(owner="", app="postgresql://nowhere/x", worker="", database="x", makes_roles=False)
document = create_app(build(Settings(home=Path(gettempdir())), at=_NOWHERE)).openapi()
api = schemathesis.openapi.from_dict(document)


BRIEFLY = partial(settings, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
async def ids(brokerage: Any, web: httpx2.AsyncClient) -> dict[str, str]:
    """What the brokerage has, by the names of the parameters that ask for it."""

    async def made(path: str, given: dict[str, Any]) -> str:
        answer = await web.post(path, headers=brokerage.headers, json=given)
        return str(answer.json()["id"])

    return {
        "lead_id": await made("/api/v1/leads", {"email": "jo@example.com", "external_id": "x-1"}),
        "user_id": await made("/api/v1/users", {"email": "a@example.com", "name": "A", "role": "agent"}),
        "key_id": await made("/api/v1/api-keys", {"name": "spare", "scopes": ["leads:read"]}),
        "hook_id": await made("/api/v1/hooks", {"source": "generic", "name": "Website"}),
    }


@api.parametrize()
@BRIEFLY(max_examples=20)
def test_every_answer_is_one_that_the_document_promises(
    case: schemathesis.Case[Any], server: str, brokerage: Any, ids: dict[str, str]
) -> None:
    sent: dict[str, Any] = {"base_url": f"http://{server}", "headers": brokerage.headers, "checks": CHECKS}
    case.call_and_validate(**sent)
    if known := {name: ids[name] for name in case.path_parameters or {} if name in ids}:
        case.path_parameters = {**(case.path_parameters or {}), **known}
        case.call_and_validate(**sent)


PRIVATE = [
    (method.upper(), path)
    for path, methods in document["paths"].items()
    for method, operation in methods.items()
    if operation.get("security")
]


def test_what_asks_for_no_credentials_is_known() -> None:
    opened = {path for path in document["paths"] if path not in {private for _, private in PRIVATE}}
    assert opened == {"/hooks/{source}/{token}", "/healthz", "/readyz", "/metrics"}


@pytest.mark.parametrize(("method", "path"), PRIVATE)
def test_nothing_private_is_done_for_nobody(server: str, method: str, path: str) -> None:
    nowhere = path.replace("{", "").replace("}", "")
    answer = httpx2.request(method, f"http://{server}{nowhere}", json={})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


@pytest.fixture
async def hook(brokerage: Any, web: httpx2.AsyncClient) -> str:
    """The path of an open door."""
    made = await web.post("/api/v1/hooks", headers=brokerage.headers, json={"source": "generic", "name": "Website"})
    return str(urlsplit(made.json()["address"]).path)


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"http://{server}") as client:
        yield client


def is_sound(answer: httpx2.Response) -> bool:
    """An answer that says what to do, and no failure of ours."""
    if answer.is_success or answer.is_redirect:
        return True
    problem = orjson.loads(answer.content)
    return answer.status_code < 500 and bool(problem["code"]) and problem["status"] == answer.status_code


TEXT = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["\0", "\u2028", "a@b.co", "+12125550123", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


def encoded(value: Any) -> bytes:
    """As JSON of any kind: numbers of any size, and characters as escapes."""
    return json.dumps(value).encode()


def made_of(names: Iterable[str], **certain: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of the fields, most of them filled with what does not belong there."""
    some = st.dictionaries(st.sampled_from(sorted(names)) | TEXT, JSON, max_size=6)
    return st.builds(lambda one, other: one | other, some, st.fixed_dictionaries({}, optional=certain))


PAYLOAD_FIELDS = {field for kind in KINDS.values() for field in kind.model.model_fields}
ACTIVITY = made_of(
    ActivityIn.model_fields,
    email=st.sampled_from(["jo@example.com", "JO@example.com "]),
    kind=st.sampled_from(sorted(KINDS)),
    payload=made_of(PAYLOAD_FIELDS),
    occurred_at=st.datetimes(timezones=st.just(UTC)).map(str),
)
LEAD = made_of(
    LeadIn.model_fields,
    email=TEXT,
    phone=TEXT,
    criteria=made_of(KINDS["criteria.stated"].model.model_fields),
    created_at=st.datetimes(timezones=st.just(UTC)).map(str),
    custom=st.dictionaries(TEXT, JSON, max_size=3),
)


@pytest.mark.parametrize("path", ["/api/v1/leads", "/api/v1/activities", "hook"])
@BRIEFLY(max_examples=50)
@given(body=st.binary(max_size=200) | JSON.map(encoded))
def test_any_bytes_are_answered(client: httpx2.Client, brokerage: Any, hook: str, path: str, body: bytes) -> None:
    assert is_sound(client.post(hook if path == "hook" else path, headers=brokerage.headers, content=body))


@pytest.mark.parametrize(
    ("path", "key", "items"), [("/api/v1/leads", "leads", LEAD), ("/api/v1/activities", "activities", ACTIVITY)]
)
def test_any_items_are_answered_one_by_one(
    client: httpx2.Client, brokerage: Any, ids: dict[str, str], path: str, key: str, items: Any
) -> None:
    @BRIEFLY(max_examples=60)
    @given(st.lists(items, min_size=1, max_size=5))
    def answered(batch: list[dict[str, Any]]) -> None:
        answer = client.post(path, headers=brokerage.headers, content=encoded({key: batch}))
        assert is_sound(answer)
        if answer.is_success:
            assert len(answer.json()["items"]) == len(batch)

    answered()


async def test_any_lead_at_a_hook_is_answered_and_taken_in_or_says_why_not(
    client: httpx2.Client, brokerage: Any, hook: str
) -> None:
    @BRIEFLY(max_examples=60)
    @given(LEAD)
    def answered(body: dict[str, Any]) -> None:
        assert is_sound(client.post(hook, content=encoded(body)))

    answered()
    await brokerage.run_jobs()
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute(
            "SELECT status, error IS NOT NULL, count(*) FROM inbound WHERE kind = 'delivery' GROUP BY 1, 2"
        )
        settled = {(status, has_error) for status, has_error, _ in await cursor.fetchall()}
    assert settled <= {("done", False), ("failed", True)}


WEIRD = ["", "%00", "a%00b", "%FF", "%ED%A0%80", "'", "null", "0", "-1", "1e400", "9" * 30, "%F0%9F%8F%A0", "a" * 3_000]


@pytest.mark.parametrize("value", WEIRD)
def test_no_query_is_too_strange(client: httpx2.Client, brokerage: Any, value: str) -> None:
    names = ("sort", "limit", "cursor", "q", "stage", "grade", "source", "owner_id", "waiting", "unknown")
    for name in names:
        assert is_sound(client.get(f"/api/v1/leads?{name}={value}", headers=brokerage.headers)), name


@pytest.mark.parametrize("value", WEIRD)
def test_no_address_is_too_strange(client: httpx2.Client, brokerage: Any, value: str) -> None:
    templates = (
        "/{}",
        "/api/v1/leads/{}",
        "/api/v1/leads/{}/scores",
        "/api/v1/hooks/{}",
        "/hooks/generic/{}",
        "/hooks/{}/x.y",
        "/u/{}",
        "/leads/{}",
        "/static/{}",
    )
    for template in templates:
        answer = client.get(template.format(value), headers=brokerage.headers)
        assert answer.status_code < 500, template


@pytest.mark.parametrize("value", ["", "%00", "a%00b", "%FF", "%ED%A0%80", "%0D%0A", "a" * 300, "%F0%9F%8F%A0"])
async def test_no_form_is_too_strange(client: httpx2.Client, brokerage: Any, ids: dict[str, str], value: str) -> None:
    agent = await brokerage.join(Role.ADMIN)
    lead = f"/leads/{ids['lead_id']}"
    fields = {
        f"{lead}/stage": ("stage",),
        f"{lead}/notes": ("text",),
        f"{lead}/calls": ("outcome", "minutes", "text"),
        f"{lead}/reassign": ("owner_id",),
        "/sign-in": ("email", "password", "next", "csrf_token"),
        "/theme": ("theme", "next"),
    }
    headers = agent.headers | {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
    for path, names in fields.items():
        for name in names:
            answer = client.post(path, headers=headers, content=f"{name}={value}")
            assert answer.status_code < 500, (path, name)
    assert client.get("/leads", headers=agent.headers, params={"q": value}).status_code < 500
    for name in ("view", "q", "stage", "grade", "owner", "source", "sort", "cursor"):
        assert client.get(f"/leads?{name}={value}", headers=agent.headers).status_code < 500, name
