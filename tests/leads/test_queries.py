"""Reading leads: every sort, filter and page."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.accounts.permissions import Role
from porchlight.automation.routing.seats import reassign
from porchlight.kit.errors import PorchlightError
from porchlight.leads.queries import (
    Filters,
    Sort,
    contact_points,
    count_leads,
    decode_cursor,
    encode_cursor,
    lead_sources,
    list_leads,
)

SORTS: dict[Sort, tuple[str, bool]] = {
    "-score": ("score", True),
    "score": ("score", False),
    "-last_activity_at": ("last_activity_at", True),
    "-captured_at": ("captured_at", True),
    "name": ("name", False),
}


async def capture(brokerage: Any, web: httpx2.AsyncClient, *leads: dict[str, Any]) -> list[str]:
    answer = await web.post("/api/v1/leads", headers=brokerage.headers, json={"leads": list(leads)})
    return [item["id"] for item in answer.json()["items"]]


async def listed(brokerage: Any, web: httpx2.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    answer = await web.get("/api/v1/leads", headers=brokerage.headers, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def names(brokerage: Any, web: httpx2.AsyncClient, **query: Any) -> set[str]:
    return {lead["name"] for lead in await listed(brokerage, web, **query)}


async def many(brokerage: Any, web: httpx2.AsyncClient) -> set[str]:
    """Forty leads with many ties in every sort, also of leads without a name."""
    ids: set[str] = set()
    for turn in range(4):
        brokerage.clock.advance(timedelta(hours=1))
        leads = [{"name": ("Ann", "bob", "Åsa", None)[n % 4], "source": f"s{n % 3}"} for n in range(10)]
        made = await capture(brokerage, web, *leads)
        tours = [{"lead_id": one, "kind": "tour.booked"} for one in made[: 3 * turn : 2]]
        if tours:
            await web.post("/api/v1/activities", headers=brokerage.headers, json={"activities": tours})
        ids.update(made)
    return ids


@pytest.mark.parametrize("sort", SORTS)
async def test_each_sort_is_in_order_and_pages_through_every_lead_once(
    brokerage: Any, web: httpx2.AsyncClient, sort: Sort
) -> None:
    everyone = await many(brokerage, web)
    field, descending = SORTS[sort]
    seen: list[tuple[Any, str]] = []
    cursor: str | None = None
    while True:
        query = {"sort": sort, "limit": 7} | ({} if cursor is None else {"cursor": cursor})
        page = (await web.get("/api/v1/leads", headers=brokerage.headers, params=query)).json()
        seen += [(lead[field] or "", lead["id"]) for lead in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        assert len(page["items"]) == 7
    assert len(seen) == len(everyone)
    assert {lead_id for _, lead_id in seen} == everyone
    values = [value for value, _ in seen]
    assert len(set(values)) < len(values)  # there are ties, and the pages cut through them
    if field != "name":
        assert values == sorted(values, reverse=descending)
    else:
        assert values[:8] == [""] * 8
        assert [value for n, value in enumerate(values) if n == 0 or values[n - 1] != value] in (
            ["", "Ann", "Åsa", "bob"],
            ["", "Ann", "bob", "Åsa"],
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(list(SORTS)), limit=st.integers(1, 41), source=st.sampled_from([None, "s0", "s1", "nowhere"])
)
async def test_pages_of_any_size_hold_every_lead_once(
    brokerage: Any, web: httpx2.AsyncClient, sort: Sort, limit: int, source: str | None
) -> None:
    database = brokerage.runtime.database
    async with database.unit_of_work(brokerage.tenant_id) as uow:
        if await count_leads(uow, Filters(), None) == 0:
            await many(brokerage, web)
    filters = Filters(source=source)
    async with database.unit_of_work(brokerage.tenant_id) as uow:
        whole = await list_leads(uow, filters, None, sort=sort, limit=200)
        assert whole.next_cursor is None
        found: list[UUID] = []
        cursor = None
        while True:
            page = await list_leads(uow, filters, None, sort=sort, limit=limit, cursor=cursor)
            found += [row[0].id for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert found == [row[0].id for row in whole.rows]
        assert len(set(found)) == len(found) == await count_leads(uow, filters, None)


async def test_pages_stay_in_step_while_leads_come_in(brokerage: Any, web: httpx2.AsyncClient) -> None:
    everyone = await many(brokerage, web)
    query: dict[str, Any] = {"sort": "-captured_at", "limit": 10}
    seen = []
    for _ in range(4):
        page = (await web.get("/api/v1/leads", headers=brokerage.headers, params=query)).json()
        seen += [lead["id"] for lead in page["items"]]
        query["cursor"] = page["next_cursor"]
        brokerage.clock.advance(timedelta(minutes=1))
        await capture(brokerage, web, {"name": "Newcomer"})
    assert sorted(seen) == sorted(everyone)


async def test_leads_are_found_by_the_beginning_of_what_they_are_known_by(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    await capture(
        brokerage,
        web,
        {"name": "María José López-García", "email": "mj.lopez@example.com", "phone": "+1 212 555 0123"},
        {"name": "Mark O'Neil", "email": "mark_oneil@work.example.org", "external_id": "CRM-99"},
        {"name": "李小龙", "email": "lee@example.net"},
    )
    maria, mark, lee = "María José López-García", "Mark O'Neil", "李小龙"
    found = {
        "maria": {maria},
        "MARÍA": {maria},
        "lopez mar": {maria},
        "garc": {maria},
        "mar": {maria, mark},
        "mj.lopez@example.com": {maria},
        "mj.lo": {maria},
        "lopez@": {maria},
        "example": {maria, mark, lee},
        "work": {mark},
        "oneil": {mark},
        "o'neil": {mark},
        "212 555 0123": {maria},
        "(212) 555-0123": {maria},
        "+12125550123": {maria},
        "5550123": {maria},
        "2125550": {maria},
        "crm-99": {mark},
        "李": {lee},
        "nobody": set(),
        "maria mark": set(),
    }
    wrong = {}
    for asked, expected in found.items():
        answered = await names(brokerage, web, q=asked)
        if answered != expected:
            wrong[asked] = answered
    assert wrong == {}


@pytest.mark.parametrize("q", ["'", "& | !", ":*", "a:*b", "((", "\\", "<->", "%", "_", "  ", "🏠", "a" * 200, "-"])
async def test_no_search_is_an_error(brokerage: Any, web: httpx2.AsyncClient, q: str) -> None:
    await capture(brokerage, web, {"name": "Ann"})
    await listed(brokerage, web, q=q)


async def test_filters_narrow_and_go_together(brokerage: Any, web: httpx2.AsyncClient) -> None:
    agent = await brokerage.join(Role.AGENT)
    await capture(
        brokerage,
        web,
        {"name": "a", "source": "portal", "owner_email": agent.email},
        {"name": "b", "source": "portal"},
        {"name": "c", "source": "website", "owner_email": agent.email, "stage": "touring"},
        {"name": "d", "source": "website", "stage": "lost"},
    )
    grades = {lead["name"]: lead["grade"] for lead in await listed(brokerage, web)}
    assert await names(brokerage, web, source="portal") == {"a", "b"}
    assert await names(brokerage, web, owner_id=str(agent.id)) == {"a", "c"}
    assert await names(brokerage, web, stage="touring") == {"c"}
    assert await names(brokerage, web, grade=grades["c"]) == {n for n, grade in grades.items() if grade == grades["c"]}
    assert await names(brokerage, web, source="website", owner_id=str(agent.id)) == {"c"}
    assert await names(brokerage, web, stage="nonsense") == set()
    # The queue: open, and nobody's.
    assert await names(brokerage, web, waiting=True) == {"b"}


async def test_a_lead_that_is_given_away_waits_no_more_and_waits_again_when_it_is_taken_back(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    agent = await brokerage.join(Role.AGENT)
    [lead_id] = await capture(brokerage, web, {"name": "a"})
    for owner, waits in ((agent.id, set()), (None, {"a"})):
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            await reassign(uow, UUID(lead_id), owner)
        assert await names(brokerage, web, waiting=True) == waits


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!",
        "é",
        encode_cursor(),
        encode_cursor(1, 2),
        encode_cursor(50.0, 7),
        encode_cursor(50.0, "no uuid"),
        encode_cursor([], str(UUID(int=1))),
        encode_cursor({}, str(UUID(int=1))),
        encode_cursor(50.0, str(UUID(int=1)), 3),
        encode_cursor("a\0", str(UUID(int=1))),
        encode_cursor("nan", None),
    ],
)
@pytest.mark.parametrize("sort", ["-score", "-captured_at", "name"])
async def test_a_cursor_that_is_not_ours_is_refused_in_words(
    brokerage: Any, web: httpx2.AsyncClient, sort: str, cursor: str
) -> None:
    answer = await web.get("/api/v1/leads", headers=brokerage.headers, params={"sort": sort, "cursor": cursor})
    assert (answer.status_code, answer.json()["field"]) == (422, "cursor")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63)
        | st.floats(allow_nan=False)
        | st.text(st.characters(codec="utf-8")),
        st.lists,
        max_leaves=6,
    )
)
def test_reading_any_cursor_gives_values_or_the_one_error(value: Any) -> None:
    cursor = encode_cursor(*value) if isinstance(value, list) else encode_cursor(value)
    for kind in (float, str, UUID, datetime):
        with suppress(PorchlightError):
            [read] = decode_cursor(cursor, kind) or []
            assert isinstance(read, kind)


async def test_a_leads_facts_and_scores_page_through_once_the_latest_first(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    [lead_id] = await capture(brokerage, web, {"name": "a"})
    for hour in range(5):
        brokerage.clock.advance(timedelta(hours=1))
        kinds = ("listing.viewed", "tour.booked") if hour % 2 else ("message.received", "note.added")
        items = [{"lead_id": lead_id, "kind": kind} for kind in kinds]
        await web.post("/api/v1/activities", headers=brokerage.headers, json={"activities": items})
    for part, when in (("activities", "occurred_at"), ("scores", "at")):
        path = f"/api/v1/leads/{lead_id}/{part}"
        whole = (await web.get(path, headers=brokerage.headers)).json()["items"]
        assert [one[when] for one in whole] == sorted((one[when] for one in whole), reverse=True)
        for limit in (1, 2, 3):
            paged, query = [], {"limit": limit}
            while True:
                page = (await web.get(path, headers=brokerage.headers, params=query)).json()
                paged += page["items"]
                if page["next_cursor"] is None:
                    break
                query = {"limit": limit, "cursor": page["next_cursor"]}
            assert paged == whole
    assert len((await web.get(f"/api/v1/leads/{lead_id}/activities", headers=brokerage.headers)).json()["items"]) == 11


async def test_sources_are_listed_once_each_and_contact_points_by_lead(brokerage: Any, web: httpx2.AsyncClient) -> None:
    ids = await capture(
        brokerage,
        web,
        {"source": "portal", "email": "a@example.com", "phone": "+12125550123"},
        {"source": "portal"},
        {"source": "Open house"},
    )
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert await lead_sources(uow) == ["Open house", "portal"]
        points = await contact_points(uow, [UUID(one) for one in ids])
        assert [[(p.kind, p.value) for p in found] for found in points.values()] == [
            [("email", "a@example.com"), ("phone", "+12125550123")],
            [],
            [],
        ]
        assert await count_leads(uow, Filters(), None, at_most=3) == 3
        assert await count_leads(uow, Filters(), None, at_most=2) is None
