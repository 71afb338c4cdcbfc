"""From a call at a hook's address to the lead: nothing is lost, nothing counts twice, and nobody unproved comes in."""

from __future__ import annotations

import hmac
import threading
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest

from porchlight.integrations.deliveries import replay, take_in
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.leads.hooks import HookSource, NewHook, create_hook, revoke_hook
from porchlight.leads.replay import open_items
from porchlight.main import create_app

ADF = b"""<?adf version="1.0"?><adf><prospect><id source="Portal">77</id><customer><contact>
<name part="full">Ann Lee</name><email>ann@example.com</email></contact></customer>
<provider><name>Portal</name></provider></prospect></adf>"""


def settings(runtime: Runtime, **given: Any) -> Runtime:
    """The same runtime with other settings."""
    return Runtime(
        settings=Settings(home=runtime.settings.home, **given),
        database=runtime.database,
        clock=runtime.clock,
        worker_url=runtime.worker_url,
    )


@pytest.fixture
async def web(runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(settings(runtime, meta_app_secret="app secret", meta_verify_token="verify me"))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://porchlight.test") as client:
        yield client


async def made(brokerage: Any, source: HookSource, **given: Any) -> NewHook:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return create_hook(uow, source, "Website", **given)


async def rows(brokerage: Any, query: str) -> list[Any]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return list(await (await uow.connection.execute(query)).fetchall())


async def deliveries(brokerage: Any) -> list[Any]:
    return await rows(brokerage, "SELECT status, error FROM inbound WHERE kind = 'delivery' ORDER BY id")


async def names(brokerage: Any) -> list[Any]:
    return [name for (name,) in await rows(brokerage, "SELECT name FROM leads ORDER BY id")]


async def test_a_call_is_stored_answered_and_then_taken_in(brokerage: Any, web: httpx2.AsyncClient) -> None:
    hook = await made(brokerage, "generic", field_map={"email": "who.mail"})
    answer = await web.post(hook.path, json={"who": {"mail": "jo@example.com"}, "name": "Jo Doe", "pets": "two cats"})
    assert answer.status_code == 200
    assert answer.json()["duplicate"] is False
    assert await deliveries(brokerage) == [("pending", None)]
    await brokerage.run_jobs()
    assert await deliveries(brokerage) == [("done", None)]
    [lead] = await rows(brokerage, "SELECT name, source, custom FROM leads")
    assert lead == ("Jo Doe", "Website", {"pets": "two cats"})
    assert await rows(brokerage, "SELECT value FROM contact_points") == [("jo@example.com",)]


async def test_the_same_call_twice_is_one_lead_and_one_touch(brokerage: Any, web: httpx2.AsyncClient) -> None:
    hook = await made(brokerage, "adf")
    first = await web.post(hook.path, content=ADF)
    again = await web.post(hook.path, content=ADF)
    await brokerage.run_jobs()
    late = await web.post(hook.path, content=ADF)
    await brokerage.run_jobs()
    assert [answer.json()["duplicate"] for answer in (first, again, late)] == [False, True, True]
    assert await names(brokerage) == ["Ann Lee"]
    touches = "SELECT count(*) FROM activities WHERE kind IN ('lead.captured', 'lead.inquired')"
    assert await rows(brokerage, touches) == [(1,)]


@pytest.mark.parametrize("wrong", ["token", "source", "nonsense", "revoked"])
async def test_a_wrong_address_says_no_more_than_that_it_is_wrong(
    brokerage: Any, web: httpx2.AsyncClient, wrong: str
) -> None:
    hook = await made(brokerage, "generic")
    path = {
        "token": hook.path[:-1] + ("A" if hook.path[-1] != "A" else "B"),
        "source": hook.path.replace("generic", "adf"),
        "nonsense": "/hooks/generic/%20%F0%9F%8F%A0",
        "revoked": hook.path,
    }[wrong]
    if wrong == "revoked":
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            await revoke_hook(uow, hook.id)
    answer = await web.post(path, json={"name": "Jo"})
    assert (answer.status_code, answer.json()["code"]) == (404, "hook_invalid")
    assert await deliveries(brokerage) == []


@pytest.mark.parametrize(
    ("source", "body", "says"),
    [
        ("generic", b"name=Jo", "not JSON"),
        ("generic", b"\xff\x00\xfe", "not JSON"),
        ("adf", b"<adf></adf>", "no <prospect>"),
        ("meta", b'{"object": "user"}', "Meta page"),
        ("google_lead_form", b"{", "not JSON"),
    ],
)
async def test_what_cannot_be_read_is_refused_at_once_and_kept(
    brokerage: Any, web: httpx2.AsyncClient, source: HookSource, body: bytes, says: str
) -> None:
    hook = await made(brokerage, source)
    answer = await web.post(hook.path, content=body, headers=signed(body))
    assert answer.status_code == 422
    assert says in answer.text
    await brokerage.run_jobs()
    [(status, error)] = await deliveries(brokerage)
    assert status == "failed"
    assert says in error
    [(payload,)] = await rows(brokerage, "SELECT payload FROM inbound WHERE kind = 'delivery'")
    assert payload.keys() & {"text", "base64"}


async def test_a_body_beyond_all_leads_is_refused_and_not_kept(brokerage: Any, web: httpx2.AsyncClient) -> None:
    hook = await made(brokerage, "generic")
    answer = await web.post(hook.path, content=b"[" + b" " * 2_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert await deliveries(brokerage) == []


def signed(body: bytes, secret: str = "app secret") -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()}


def notification(*leadgen_ids: str) -> bytes:
    changes = [{"field": "leadgen", "value": {"leadgen_id": leadgen_id, "page_id": "1"}} for leadgen_id in leadgen_ids]
    return orjson.dumps({"object": "page", "entry": [{"id": "1", "time": 1, "changes": changes}]})


async def test_a_call_that_meta_did_not_sign_is_refused(brokerage: Any, web: httpx2.AsyncClient) -> None:
    hook = await made(brokerage, "meta")
    for headers in ({}, signed(notification("1"), "another secret")):
        answer = await web.post(hook.path, content=notification("1"), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    assert await deliveries(brokerage) == []


async def test_meta_is_answered_its_challenge(brokerage: Any, web: httpx2.AsyncClient) -> None:
    hook = await made(brokerage, "meta")
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify me", "hub.challenge": "1158201444"}
    answer = await web.get(hook.path, params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert (await web.get(hook.path, params=query | {"hub.verify_token": "guess"})).status_code == 401
    other = await made(brokerage, "generic")
    assert (await web.get(other.path, params=query)).status_code == 405


async def test_googles_calls_are_proved_by_their_key_and_answered_its_way(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    hook = await made(brokerage, "google_lead_form")
    lead = {
        "lead_id": "g1",
        "google_key": hook.key,
        "user_column_data": [{"column_id": "EMAIL", "string_value": "jo@example.com"}],
    }
    refused = await web.post(hook.path, json={**lead, "google_key": "guess"})
    assert refused.status_code == 401
    assert refused.json().keys() == {"message"}
    accepted = await web.post(hook.path, json=lead)
    assert (accepted.status_code, accepted.json()) == (200, {})
    await brokerage.run_jobs()
    assert await rows(brokerage, "SELECT source FROM leads") == [("Website",)]


async def test_a_hook_that_is_made_over_http_takes_leads_and_can_be_closed(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    key = {"authorization": f"Bearer {brokerage.api_key}"}
    made = await web.post("/api/v1/hooks", json={"source": "generic", "name": "Landing page"}, headers=key)
    assert made.status_code == 201
    path = "/hooks/" + made.json()["address"].partition("/hooks/")[2]
    assert (await web.post(path, json={"email": "jo@example.com"})).status_code == 200
    [listed] = (await web.get("/api/v1/hooks", headers=key)).json()
    assert (listed["name"], listed["revoked_at"]) == ("Landing page", None)
    assert "token_hash" not in listed
    assert (await web.delete(f"/api/v1/hooks/{listed['id']}", headers=key)).status_code == 204
    assert (await web.post(path, json={"email": "jo@example.com"})).status_code == 404
    assert (await web.get("/api/v1/hooks")).status_code == 401


@pytest.mark.parametrize(
    ("source", "field_map"),
    [("generic", {"mail": "email"}), ("meta", {"question": "mail"}), ("adf", {"email": "email"})],
)
async def test_a_field_map_that_names_no_field_is_refused(
    brokerage: Any, web: httpx2.AsyncClient, source: str, field_map: dict[str, str]
) -> None:
    answer = await web.post(
        "/api/v1/hooks",
        json={"source": source, "name": "x", "field_map": field_map},
        headers={"authorization": f"Bearer {brokerage.api_key}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "import_mapping_invalid")


class Graph:
    """A real server in Meta's place: it knows some leads, and answers `failing` for as many calls as that says."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.failing = 0
        self.asked: list[str] = []
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                leadgen_id = self.path.partition("?")[0].rpartition("/")[2]
                graph.asked.append(leadgen_id)
                status, body = graph.answer(leadgen_id)
                content = orjson.dumps(body)
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.send_header("retry-after", "3600")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def answer(self, leadgen_id: str) -> tuple[int, dict[str, Any]]:
        if self.failing:
            self.failing -= 1
            return 503, {"error": {"code": 2, "message": "not now"}}
        if leadgen_id not in self.known:
            return 400, {"error": {"code": 100, "message": "there is no such lead"}}
        return 200, {"id": leadgen_id, "field_data": [{"name": "email", "values": [self.known[leadgen_id]]}]}


@pytest.fixture
def graph() -> Iterator[Graph]:
    graph = Graph()
    thread = threading.Thread(target=graph.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield graph
    graph.server.shutdown()
    thread.join()
    graph.server.server_close()


async def noticed(brokerage: Any, web: httpx2.AsyncClient, *leadgen_ids: str) -> UUID:
    hook = await made(brokerage, "meta")
    answer = await web.post(hook.path, content=notification(*leadgen_ids), headers=signed(notification(*leadgen_ids)))
    assert answer.status_code == 200
    return UUID(answer.json()["id"])


def with_token(brokerage: Any, graph: Graph) -> Runtime:
    address = f"http://127.0.0.1:{graph.server.server_port}/v24.0"
    return settings(brokerage.runtime, meta_page_token="page token", meta_graph_url=address)


async def test_metas_leads_are_fetched_and_captured(brokerage: Any, web: httpx2.AsyncClient, graph: Graph) -> None:
    graph.known = {"1": "jo@example.com", "2": "ann@example.com"}
    delivery_id = await noticed(brokerage, web, "1", "2", "1")
    outcome = await take_in(with_token(brokerage, graph), brokerage.tenant_id, delivery_id)
    assert (outcome.leads, outcome.error) == (2, None)
    assert await deliveries(brokerage) == [("done", None)]
    assert await rows(brokerage, "SELECT count(*) FROM leads WHERE source = 'Website'") == [(2,)]


async def test_a_lead_that_meta_would_not_give_now_is_fetched_later_and_no_other_twice(
    brokerage: Any, web: httpx2.AsyncClient, graph: Graph
) -> None:
    graph.known, graph.failing = {"1": "jo@example.com", "2": "ann@example.com"}, 1
    delivery_id = await noticed(brokerage, web, "1", "2")
    runtime = with_token(brokerage, graph)
    outcome = await take_in(runtime, brokerage.tenant_id, delivery_id)
    assert (outcome.leads, outcome.passing) == (1, True)
    [(status, error)] = await deliveries(brokerage)
    assert status == "failed"
    assert error == "lead 1: Meta's Graph API answered 503: not now"
    again = await take_in(runtime, brokerage.tenant_id, delivery_id)
    assert (again.leads, again.error) == (1, None)
    assert graph.asked == ["1", "2", "1"]
    assert await deliveries(brokerage) == [("done", None)]


async def test_what_cannot_be_fetched_at_all_stays_until_it_is_replayed(
    brokerage: Any, web: httpx2.AsyncClient, graph: Graph
) -> None:
    delivery_id = await noticed(brokerage, web, "1")
    await brokerage.run_jobs()
    assert "PORCHLIGHT_META_PAGE_TOKEN" in (await deliveries(brokerage))[0][1]
    runtime = with_token(brokerage, graph)
    outcome = await take_in(runtime, brokerage.tenant_id, delivery_id)
    assert outcome.passing is False
    assert "no such lead" in str(outcome.error)
    graph.known = {"1": "jo@example.com"}
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        items = await open_items(uow, "delivery", after=UUID(int=0), source="meta", failed_only=True)
    assert await replay(runtime, brokerage.tenant_id, items) == 1
    assert await deliveries(brokerage) == [("done", None)]
