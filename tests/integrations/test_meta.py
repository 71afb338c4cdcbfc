"""Meta Lead Ads: only signed calls are believed, and the lead they tell of is fetched, however Meta stumbles."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from porchlight.integrations.meta.client import FetchFailed, MetaClient, fetch_lead
from porchlight.integrations.meta.payload import (
    MetaConfig,
    answer_challenge,
    parse_lead,
    parse_notification,
    verify_signature,
)
from porchlight.kit.errors import PorchlightError

SECRET = "the app's secret"
CALL = {
    "object": "page",
    "entry": [
        {
            "id": "1",
            "time": 1440120384,
            "changes": [
                {"field": "feed", "value": {}},
                {
                    "field": "leadgen",
                    "value": {"leadgen_id": 987, "page_id": "1", "form_id": "2", "created_time": 1440120384},
                },
            ],
        }
    ],
}
LEAD: dict[str, Any] = {
    "id": "987",
    "created_time": "2026-11-01T12:00:00+0000",
    "ad_id": "5",
    "is_organic": False,
    "field_data": [
        {"name": "full_name", "values": ["Zoë Smith"]},
        {"name": "email", "values": ["zoe@smith.net"]},
        {"name": "phone_number", "values": ["+16502530000"]},
        {"name": "how_soon_are_you_moving?", "values": ["3-6 months"]},
        {"name": "pets", "values": ["cat", "dog"]},
        {"name": "id", "values": ["D123"]},
    ],
    "custom_disclaimer_responses": [{"checkbox_key": "sms_consent", "is_checked": "1"}],
}


def signature(body: bytes) -> str:
    return "sha256=" + hmac.new(SECRET.encode(), body, sha256).hexdigest()


def test_a_call_signed_with_the_apps_secret_is_believed() -> None:
    verify_signature(b"body", signature(b"body"), SECRET)


@pytest.mark.parametrize("header", [None, "", "sha256=", signature(b"other"), signature(b"body")[:-1], "sha256=ü"])
def test_any_other_call_is_refused(header: str | None) -> None:
    with pytest.raises(PorchlightError) as caught:
        verify_signature(b"body", header, SECRET)
    assert caught.value.code == "signature_invalid"


def test_the_challenge_is_answered_for_the_right_token_alone() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "let me in", "hub.challenge": "1158201444"}
    assert answer_challenge(query, "let me in") == "1158201444"
    for wrong in ({**query, "hub.verify_token": "open"}, {**query, "hub.mode": "x"}, {}):
        with pytest.raises(PorchlightError):
            answer_challenge(wrong, "let me in")
    with pytest.raises(PorchlightError, match="challenge"):
        answer_challenge({**query, "hub.challenge": "<script>"}, "let me in")


def test_a_call_tells_of_its_leads_alone() -> None:
    (notice,) = parse_notification(json.dumps(CALL).encode())
    assert (notice.leadgen_id, notice.form_id, notice.ad_id) == ("987", "2", None)
    assert notice.created_at == datetime(2015, 8, 21, 1, 26, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"object": "user", "entry": []}',
        b'{"object": "page", "entry": [{"changes": [{"field": "leadgen", "value": {"leadgen_id": "../me"}}]}]}',
    ],
)
def test_a_malformed_call_is_refused(body: bytes) -> None:
    with pytest.raises(PorchlightError) as caught:
        parse_notification(body)
    assert caught.value.code == "payload_invalid"


def test_odd_entries_are_passed_over() -> None:
    assert parse_notification(b'{"object": "page", "entry": [1, {"changes": 2}, {"changes": [3]}]}') == []


def test_a_fetched_lead_keeps_every_answer() -> None:
    lead = parse_lead(LEAD, MetaConfig(field_map={"how_soon_are_you_moving?": "timeframe"}))
    assert (lead.origin, lead.external_id, lead.source) == ("meta", "987", "Meta Lead Ads")
    assert (lead.given_name, lead.family_name) == ("Zoë", "Smith")
    assert [point.value for point in lead.contact_points] == ["zoe@smith.net", "+16502530000"]
    assert lead.created_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert dict(lead.criteria) == {"timeframe_days": 180}
    assert [consent.channel for consent in lead.consents] == ["sms"]
    assert dict(lead.custom) == {"pets": "cat; dog", "id": "D123", "ad_id": "5", "is_organic": "false"}


def test_a_lead_of_metas_testing_tool_is_marked() -> None:
    answers = [{"name": "full_name", "values": ["<test lead: dummy data for full_name>"]}]
    assert parse_lead({**LEAD, "field_data": answers}, MetaConfig()).custom["test"] is True


@pytest.mark.parametrize("lead", [{}, {"id": "1"}, {"id": "1", "field_data": [{"values": ["x"]}]}])
def test_a_malformed_lead_is_refused(lead: dict[str, Any]) -> None:
    with pytest.raises(PorchlightError):
        parse_lead(lead, MetaConfig())


Answer = tuple[int, dict[str, str], bytes]


class Graph:
    """A real HTTP server that gives the prepared answers one after the other, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, str | None]] = []
        graph = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                graph.requests.append((self.path, self.headers["authorization"]))
                status, headers, body = graph.answers[0] if len(graph.answers) == 1 else graph.answers.pop(0)
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}/v23.0"


@pytest.fixture
def graph() -> Iterator[Graph]:
    graph = Graph()
    thread = threading.Thread(target=graph.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield graph
    graph.server.shutdown()
    thread.join()
    graph.server.server_close()


class Waits(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def failing(status: int, code: int, **headers: str) -> Answer:
    return status, headers, json.dumps({"error": {"code": code, "message": "said so"}}).encode()


FOUND: Answer = (200, {}, json.dumps(LEAD).encode())


async def test_a_lead_is_fetched_with_its_answers_and_the_token_stays_out_of_the_address(graph: Graph) -> None:
    graph.answers = [FOUND]
    assert await fetch_lead(MetaClient("page-token", graph.base_url), "987") == LEAD
    ((path, authorization),) = graph.requests
    assert path.startswith("/v23.0/987?fields=id%2Ccreated_time%2Cfield_data")
    assert "page-token" not in path
    assert authorization == "Bearer page-token"


async def test_passing_faults_are_tried_again_after_the_time_asked_for(graph: Graph) -> None:
    graph.answers = [failing(503, 2), failing(429, 4, **{"retry-after": "3"}), failing(400, 613), FOUND]
    waits = Waits()
    assert await fetch_lead(MetaClient("t", graph.base_url, waits), "987") == LEAD
    assert waits[1] == 3
    assert waits[0] < waits[2]


async def test_a_long_wait_is_left_to_the_caller(graph: Graph) -> None:
    graph.answers = [failing(429, 4, **{"retry-after": "3600"})]
    with pytest.raises(FetchFailed) as caught:
        await fetch_lead(MetaClient("t", graph.base_url, Waits()), "987")
    assert (caught.value.passing, caught.value.retry_after) == (True, 3600)
    assert len(graph.requests) == 1


@pytest.mark.parametrize(
    ("answer", "advice"), [(failing(400, 190), "connect the page again"), (failing(400, 100), "said so")]
)
async def test_a_lasting_refusal_is_not_tried_again(graph: Graph, answer: Answer, advice: str) -> None:
    graph.answers = [answer]
    with pytest.raises(FetchFailed, match=advice) as caught:
        await fetch_lead(MetaClient("t", graph.base_url, Waits()), "987")
    assert not caught.value.passing
    assert len(graph.requests) == 1


async def test_after_the_last_try_the_fault_is_reported_as_passing(graph: Graph) -> None:
    graph.answers = [(502, {}, b"<html>")]
    with pytest.raises(FetchFailed, match="502") as caught:
        await fetch_lead(MetaClient("t", graph.base_url, Waits()), "987")
    assert caught.value.passing
    assert len(graph.requests) == 4


async def test_a_server_that_is_not_there_is_a_passing_fault() -> None:
    with pytest.raises(FetchFailed, match="cannot be reached") as caught:
        await fetch_lead(MetaClient("t", "http://127.0.0.1:1/v23.0", Waits()), "987")
    assert caught.value.passing
