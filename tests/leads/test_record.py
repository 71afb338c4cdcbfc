"""Recording activities over HTTP: what is answered, what is kept, and that the state is what the facts make of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.intelligence.conversion import EMPTY, Fact, decode, fold, score_from
from porchlight.leads.find import Reference
from porchlight.leads.incoming import MOST_ITEMS
from porchlight.leads.record import CLOCK_SKEW, ActivityInput, record_activities

EVERY_NAME = ({"lead_id"}, {"lead_external_id"}, {"email"}, {"phone"}, {"external_id"})


@pytest.fixture
async def lead_id(brokerage: Any, web: httpx2.AsyncClient) -> str:
    given = {"external_id": "crm-7", "email": "jo.doe@gmail.com", "phone": "(212) 555-0123", "name": "Jo Doe"}
    answer = await web.post("/api/v1/leads", headers=brokerage.headers, json=given)
    return str(answer.json()["id"])


async def post(brokerage: Any, web: httpx2.AsyncClient, *activities: Any) -> list[dict[str, Any]]:
    answer = await web.post("/api/v1/activities", headers=brokerage.headers, json={"activities": list(activities)})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert len(items) == len(activities)
    return items


async def rows(brokerage: Any, query: str, *parameters: Any) -> list[Any]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute(query, parameters)
        return list(await cursor.fetchall())


def view(lead_id: str, n: int = 1, **more: Any) -> dict[str, Any]:
    return {"lead_id": lead_id, "kind": "listing.viewed", "payload": {"listing_key": f"MLS-{n}"}, **more}


@pytest.mark.parametrize(
    "name",
    [
        {"lead_external_id": "crm-7"},
        {"external_id": "crm-7"},
        {"email": "JoDoe+home@GoogleMail.com"},
        {"phone": "+1 212 555 0123"},
        {"phone": "212.555.0123"},
    ],
)
async def test_a_lead_is_found_by_any_of_its_names(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str, name: dict[str, str]
) -> None:
    [item] = await post(brokerage, web, {**name, "kind": "listing.viewed"})
    assert (item["status"], item["lead_id"]) == ("recorded", lead_id)


async def test_an_external_id_that_two_sources_use_needs_its_source(brokerage: Any, web: httpx2.AsyncClient) -> None:
    ids = {}
    for source in ("portal", "website"):
        given = {"external_id": "17", "source": source, "email": f"{source}@example.com"}
        ids[source] = (await web.post("/api/v1/leads", headers=brokerage.headers, json=given)).json()["id"]
    named = {"lead_external_id": "17", "kind": "listing.viewed"}
    portal, website, neither = await post(
        brokerage, web, named | {"source": "portal"}, named | {"source": "website"}, named
    )
    assert (portal["lead_id"], website["lead_id"]) == (ids["portal"], ids["website"])
    assert neither["error"]["code"] == "conflict"


async def test_bad_items_keep_no_good_one_back(brokerage: Any, web: httpx2.AsyncClient, lead_id: str) -> None:
    bad = {
        "kind_unknown": view(lead_id) | {"kind": "listing.view"},
        "payload_invalid": view(lead_id) | {"payload": {"list_price": "a lot"}},
        "lead_not_found": view(str(uuid4())),
        "contact_point_invalid": {"email": "not an address", "kind": "listing.viewed"},
    }
    malformed: list[Any] = [
        "a text",
        None,
        7,
        [],
        {},
        {"kind": "listing.viewed"},
        view("no uuid"),
        view(lead_id) | {"extra": 1},
    ]
    sent: list[Any] = []
    for item in (*bad.values(), *malformed):
        sent += [item, view(lead_id, len(sent))]
    items = await post(brokerage, web, *sent)
    assert [item["status"] for item in items] == ["error", "recorded"] * (len(sent) // 2)
    assert [item["error"]["code"] for item in items[: len(bad) * 2 : 2]] == list(bad)
    assert {item["error"]["code"] for item in items[len(bad) * 2 :: 2]} == {"request_invalid"}
    assert all(item["error"]["detail"].endswith(".") for item in items[::2])
    assert "listing.viewed" in items[0]["error"]["detail"]
    assert items[2]["error"]["field"] == "payload.list_price"
    [(recorded,)] = await rows(brokerage, "SELECT count(*) FROM activities WHERE kind = 'listing.viewed'")
    assert recorded == len(sent) // 2


async def test_what_failed_is_kept_and_may_be_sent_again(brokerage: Any, web: httpx2.AsyncClient, lead_id: str) -> None:
    late = {"email": "late@example.com", "kind": "listing.viewed", "external_id": "v-1"}
    [failed] = await post(brokerage, web, late)
    assert failed["error"]["code"] == "lead_not_found"
    [(status, error, payload)] = await rows(
        brokerage, "SELECT status, error, payload FROM inbound WHERE external_id = 'v-1'"
    )
    assert (status, payload) == ("failed", late)
    assert "email" in error
    await web.post("/api/v1/leads", headers=brokerage.headers, json={"email": "late@example.com"})
    [again] = await post(brokerage, web, late)
    assert again["status"] == "recorded"
    assert await rows(brokerage, "SELECT status, error FROM inbound WHERE external_id = 'v-1'") == [("done", None)]


async def test_the_same_fact_sent_again_changes_nothing(brokerage: Any, web: httpx2.AsyncClient, lead_id: str) -> None:
    [first] = await post(brokerage, web, view(lead_id, external_id="v-1"))
    before = await rows(brokerage, "SELECT * FROM lead_states")
    [again] = await post(brokerage, web, view(lead_id, 2, external_id="v-1"))
    assert again["status"] == "duplicate"
    assert (again["activity_id"], again["lead_id"]) == (first["activity_id"], lead_id)
    assert await rows(brokerage, "SELECT * FROM lead_states") == before
    [other_source] = await post(brokerage, web, view(lead_id, external_id="v-1", source="portal"))
    assert other_source["status"] == "recorded"


async def test_in_one_batch_the_first_sound_item_of_an_id_counts(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str
) -> None:
    broken = view(lead_id, external_id="v-1") | {"payload": {"list_price": "much"}}
    items = await post(
        brokerage, web, broken, *(view(lead_id, n, external_id="v-1") for n in range(3)), view(lead_id, external_id="w")
    )
    assert [item["status"] for item in items] == ["error", "recorded", "duplicate", "duplicate", "recorded"]
    assert items[2]["activity_id"] == items[1]["activity_id"]


async def test_the_same_facts_sent_at_the_same_moment_are_recorded_once(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str
) -> None:
    facts = [view(lead_id, n, external_id=f"v-{n}") for n in range(20)]
    # In different orders, so that they would block each other if each took its locks as they come.
    answers = await asyncio.gather(
        *(post(brokerage, web, *(facts if turn % 2 else reversed(facts))) for turn in range(8))
    )
    statuses = [item["status"] for answer in answers for item in answer]
    assert (statuses.count("recorded"), statuses.count("duplicate")) == (20, 140)
    [(activities,)] = await rows(brokerage, "SELECT count(*) FROM activities WHERE kind = 'listing.viewed'")
    [(counted,)] = await rows(brokerage, "SELECT activity_count FROM lead_states")
    assert (activities, counted) == (20, 21)


async def test_facts_about_the_same_leads_in_any_order_wait_for_each_other(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    leads = [{"email": f"lead{n}@example.com"} for n in range(10)]
    captured = (await web.post("/api/v1/leads", headers=brokerage.headers, json={"leads": leads})).json()["items"]
    ids = [item["id"] for item in captured]
    turns = (ids, ids[::-1], ids[5:] + ids[:5])
    answers = await asyncio.gather(*(post(brokerage, web, *map(view, turns[n % 3])) for n in range(9)))
    assert {item["status"] for answer in answers for item in answer} == {"recorded"}
    assert await rows(brokerage, "SELECT DISTINCT activity_count FROM lead_states") == [(10,)]


async def test_a_fact_from_the_future_is_refused_but_for_a_clock_that_runs_ahead(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str
) -> None:
    now = brokerage.clock.now()
    ahead, future = now + CLOCK_SKEW, now + CLOCK_SKEW + timedelta(seconds=1)
    taken, refused, naive = await post(
        brokerage,
        web,
        view(lead_id, occurred_at=ahead.isoformat()),
        view(lead_id, occurred_at=future.isoformat()),
        view(lead_id, occurred_at="2026-03-01T10:00:00"),
    )
    assert taken["status"] == "recorded"
    assert (refused["error"]["code"], refused["error"]["field"]) == ("request_invalid", "occurred_at")
    assert naive["error"]["field"] == "occurred_at"  # a time without its zone could be any of 26 hours
    recorded = await rows(brokerage, "SELECT occurred_at, recorded_at FROM activities WHERE kind = 'listing.viewed'")
    assert recorded == [(now, now)]


async def test_a_fact_that_arrives_late_keeps_its_own_time(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str
) -> None:
    now = brokerage.clock.now()
    long_ago = now - timedelta(days=40)
    await post(brokerage, web, view(lead_id, occurred_at=long_ago.isoformat()))
    [(occurred_at, recorded_at)] = await rows(
        brokerage, "SELECT occurred_at, recorded_at FROM activities WHERE kind = 'listing.viewed'"
    )
    assert (occurred_at, recorded_at) == (long_ago, now)
    assert await rows(brokerage, "SELECT last_activity_at FROM lead_states") == [(now,)]
    listed = await web.get(f"/api/v1/leads/{lead_id}/activities", headers=brokerage.headers)
    assert [item["kind"] for item in listed.json()["items"]] == ["lead.captured", "listing.viewed"]


BODIES = {
    "not JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"activities"',
    "null": b"null",
    "no items": b'{"activities": []}',
    "no list": b'{"activities": {}}',
    "too many": b'{"activities": [' + b",".join([b"{}"] * (MOST_ITEMS + 1)) + b"]}",
    "NUL": b'{"activities": [{"kind": "note.added", "email": "a@example.com", "payload": {"text": "a\\u0000b"}}]}',
    "not UTF-8": b'{"kind": "\xff"}',
    "half a surrogate": b'{"kind": "\\ud800"}',
    "too deep": b'{"payload": ' * 3_000 + b"1" + b"}" * 3_000,
    "not a number": b'{"payload": NaN}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", ["/api/v1/activities", "/api/v1/leads"])
async def test_a_body_that_cannot_be_read_is_answered_in_words(
    brokerage: Any, web: httpx2.AsyncClient, path: str, body: bytes
) -> None:
    body = body.replace(b"activities", path.rpartition("/")[2].encode())
    answer = await web.post(path, headers=brokerage.headers, content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "request_invalid"
    assert problem["detail"].endswith(".") or "JSON" in problem["detail"]
    assert await rows(brokerage, "SELECT 1 FROM inbound") == []


async def test_a_body_of_a_hundred_megabytes_is_refused_unread(brokerage: Any, web: httpx2.AsyncClient) -> None:
    limit = brokerage.runtime.settings.max_body_bytes
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1_000_000
            yield b" " * 1_000_000

    for headers in ({}, {"content-length": "100000000"}):
        sent = 0
        answer = await web.post("/api/v1/activities", headers=brokerage.headers | headers, content=endless())
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert "8,000,000" in answer.json()["detail"]
        assert sent <= limit + 1_000_000
    whole = await web.post("/api/v1/leads", headers=brokerage.headers, content=b"[" * (limit + 1))
    assert whole.status_code == 413


async def test_every_change_of_the_score_is_in_the_history_with_its_cause(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str
) -> None:
    told = []
    for kind in ("listing.viewed", "note.added", "valuation.requested", "appointment.booked", "lead.lost"):
        brokerage.clock.advance(timedelta(minutes=10))
        [item] = await post(brokerage, web, {"lead_id": lead_id, "kind": kind})
        told.append((kind, item["score"], item["grade"], item["probability"], item["activity_id"]))
    history = (await web.get(f"/api/v1/leads/{lead_id}/scores", headers=brokerage.headers)).json()["items"]
    first = history.pop()
    assert first["cause"] == "lead.captured"
    changes = [told[n] for n in range(len(told)) if told[n][1] != ([first["score"]] + [t[1] for t in told])[n]]
    assert [
        (one["cause"], one["score"], one["grade"], one["probability"], one["activity_id"]) for one in reversed(history)
    ] == changes
    assert len(changes) >= 3
    now = (await web.get(f"/api/v1/leads/{lead_id}", headers=brokerage.headers)).json()
    assert now["score"] == history[0]["score"]
    assert now["stage"] == "lost"


async def test_the_eight_factors_add_up_to_the_score_to_the_bit(
    brokerage: Any, web: httpx2.AsyncClient, lead_id: str
) -> None:
    for kind in ("listing.saved", "call.held", "financing.preapproved", "competitor.mentioned"):
        brokerage.clock.advance(timedelta(hours=30))
        await post(brokerage, web, {"lead_id": lead_id, "kind": kind})
        shown = (await web.get(f"/api/v1/leads/{lead_id}", headers=brokerage.headers)).json()
        factors = [factor["log_odds"] for factor in shown["forecast"]["factors"]]
        assert len(factors) == 8
        assert score_from(factors) == shown["score"] == shown["forecast"]["score"]
        [(stored, score)] = await rows(brokerage, "SELECT factors, score FROM lead_states")
        assert (factors, shown["score"]) == (stored, score)


async def refolded(brokerage: Any) -> dict[UUID, Any]:
    """Each lead's state, made anew from all its facts in the order in which they were recorded."""
    states: dict[UUID, Any] = {}
    for lead_id, kind, occurred_at, payload, source in await rows(
        brokerage, "SELECT lead_id, kind, occurred_at, payload, source FROM activities ORDER BY recorded_at, id"
    ):
        fact = Fact(kind, occurred_at.timestamp(), payload, source)
        states[lead_id] = fold(states.get(lead_id, EMPTY), fact)
    return states


KINDS = st.sampled_from(
    ["listing.viewed", "listing.saved", "message.received", "call.attempted", "note.added", "valuation.requested"]
)
ITEM = st.fixed_dictionaries({"kind": KINDS, "lead": st.integers(0, 2), "hours_ago": st.integers(0, 500)})
_numbers = count()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ITEM, min_size=1, max_size=8), min_size=1, max_size=4))
async def test_the_state_is_always_the_fold_of_the_facts(
    brokerage: Any, web: httpx2.AsyncClient, batches: list[list[dict[str, Any]]]
) -> None:
    run = next(_numbers)
    leads = [{"external_id": f"{run}-{n}", "email": f"{run}-{n}@example.com"} for n in range(3)]
    await web.post("/api/v1/leads", headers=brokerage.headers, json={"leads": leads})
    for batch in batches:
        brokerage.clock.advance(timedelta(minutes=5))
        now = brokerage.clock.now()
        items = [
            {
                "email": f"{run}-{item['lead']}@example.com",
                "kind": item["kind"],
                "occurred_at": (now - timedelta(hours=item["hours_ago"])).isoformat(),
            }
            for item in batch
        ]
        await post(brokerage, web, *items)
    states = await refolded(brokerage)
    stored = await rows(brokerage, "SELECT lead_id, state, activity_count FROM lead_states")
    counts = dict(await rows(brokerage, "SELECT lead_id, count(*) FROM activities GROUP BY 1"))
    for lead_id, state, activity_count in stored:
        assert decode(bytes(state)) == states[lead_id]
        assert activity_count == counts[lead_id]


async def test_facts_recorded_one_after_another_in_one_transaction_build_on_each_other(
    brokerage: Any, lead_id: str
) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        for kind in ("call.held", "note.added", "listing.viewed"):
            one = ActivityInput(Reference(lead_id=UUID(lead_id)), kind, None, {}, "web", None, {})
            [result] = await record_activities(uow, [one], door="form", region="US")
            assert result.status == "recorded"
    assert await rows(brokerage, "SELECT activity_count FROM lead_states") == [(4,)]
    [(state,)] = await rows(brokerage, "SELECT state FROM lead_states")
    assert decode(bytes(state)) == (await refolded(brokerage))[UUID(lead_id)]


async def test_the_raw_item_is_kept_as_it_was_sent(brokerage: Any, web: httpx2.AsyncClient, lead_id: str) -> None:
    sent = view(lead_id, external_id="v-1") | {"payload": {"listing_key": "MLS-1", "our_own_field": [1, {"a": None}]}}
    await post(brokerage, web, sent)
    [(payload, door, origin)] = await rows(
        brokerage, "SELECT payload, door, origin FROM inbound WHERE external_id = 'v-1'"
    )
    assert (payload, door, origin) == (sent, "api", "api")
    [(kept,)] = await rows(brokerage, "SELECT payload FROM activities WHERE kind = 'listing.viewed'")
    assert kept == sent["payload"]


async def test_a_single_activity_needs_no_list(brokerage: Any, web: httpx2.AsyncClient, lead_id: str) -> None:
    answer = await web.post("/api/v1/activities", headers=brokerage.headers, content=orjson.dumps(view(lead_id)))
    assert [item["status"] for item in answer.json()["items"]] == ["recorded"]
