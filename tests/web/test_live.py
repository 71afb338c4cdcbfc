"""The live list and the live lead, against a feed that the test plays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect
from tests.web.preview import Preview
from tests.web.sample_leads import BASE, lead, lead_page, leads_page, shell

pytestmark = pytest.mark.browser


@dataclass
class Feed:
    """Plays the server's part: hands out tokens, takes sockets, sends frames, renders single rows."""

    page: Page
    rows: dict[str, dict[str, Any]]
    sockets: list[WebSocketRoute] = field(default_factory=list)
    resumed_after: list[int] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    seq: int = 4711

    def __post_init__(self) -> None:
        template = Preview.pages.get_template("leads/_row.html")

        def token(route: Route) -> None:
            self.tokens.append(route.request.headers.get("x-csrf-token"))
            route.fulfill(json={"token": f"t{len(self.tokens)}"})

        def row(route: Route) -> None:
            found = self.rows.get(urlsplit(route.request.url).path.split("/")[2])
            if found is None:
                return route.fulfill(status=404)
            return route.fulfill(body=template.render(lead=found, shell=shell(), base_probability=BASE))

        def socket(route: WebSocketRoute) -> None:
            self.resumed_after.append(int(parse_qs(urlsplit(route.url).query)["after"][0]))
            self.sockets.append(route)

        self.page.route("**/api/v1/live/token", token)
        self.page.route("**/leads/*/row", row)
        self.page.route_web_socket("**/api/v1/live?*", socket)

    def send(self, kind: str, lead_id: str | None = None, **body: Any) -> None:
        self.seq += 1
        self.replay(self.seq, kind, lead_id, **body)

    def replay(self, seq: int, kind: str, lead_id: str | None = None, **body: Any) -> None:
        self.sockets[-1].send(json.dumps({"seq": seq, "kind": kind, "lead_id": lead_id, **body}))

    def score(self, lead_id: str, score: float, grade: str) -> None:
        """A change of score, on the feed and in the row that the server renders."""
        self.rows[lead_id] |= {"score": score, "grade": grade}
        self.send("score.changed", lead_id, score=score, grade=grade)


@pytest.fixture
def feed(wide: Page) -> Feed:
    return Feed(wide, {row["id"]: row for row in leads_page()["leads"]})


def open_page(feed: Feed, path: str) -> None:
    feed.page.goto(path)
    expect(feed.page.locator(".sidebar [data-live-words]")).to_have_text("Live")


def order(page: Page) -> list[str]:
    ids: list[str] = page.eval_on_selector_all("#lead-rows > tr", "rows => rows.map(row => row.dataset.leadId)")
    return ids


def until(page: Page, condition: Callable[[], bool]) -> None:
    for _ in range(60):
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it never came to that")


def test_the_socket_resumes_after_the_page_and_then_after_the_last_frame(feed: Feed) -> None:
    open_page(feed, "/leads")
    assert feed.resumed_after == [4711]
    assert feed.tokens == ["token"], "the token is asked for with the page's CSRF token"
    feed.send("activity.recorded", "01990001")
    feed.page.wait_for_timeout(50)
    feed.sockets[-1].close()
    until(feed.page, lambda: len(feed.sockets) == 2)
    assert feed.resumed_after == [4711, 4712]


def test_a_score_moves_its_ring_its_grade_and_its_row(feed: Feed) -> None:
    open_page(feed, "/leads")
    assert order(feed.page)[8] == "01990008"
    feed.score("01990008", 96.2, "A")
    until(feed.page, lambda: order(feed.page)[0] == "01990008")
    row = feed.page.locator("#lead-01990008")
    expect(row.locator("[data-ring-number]")).to_have_text("96")
    expect(row.locator("[data-grade]").first).to_contain_text("A")
    expect(row.locator(".why-panel")).to_contain_text("Why 96")


def test_a_frame_that_comes_twice_counts_once(feed: Feed) -> None:
    open_page(feed, "/leads")
    feed.score("01990008", 96.2, "A")
    until(feed.page, lambda: order(feed.page)[0] == "01990008")
    feed.replay(feed.seq, "score.changed", "01990008", score=3.0, grade="C")
    feed.page.wait_for_timeout(200)
    assert order(feed.page)[0] == "01990008"


def test_rows_do_not_move_under_the_pointer(feed: Feed) -> None:
    open_page(feed, "/leads")
    feed.page.hover("#lead-01990003 .lead-link")
    before = order(feed.page)
    feed.score("01990008", 96.2, "A")
    pill = feed.page.locator("[data-refresh-pill] button")
    expect(pill).to_have_text("1 lead moved: refresh the order")
    assert order(feed.page) == before
    pill.click()
    until(feed.page, lambda: order(feed.page)[0] == "01990008")
    expect(pill).not_to_be_visible()


def test_they_move_once_the_pointer_has_left(feed: Feed) -> None:
    open_page(feed, "/leads")
    feed.page.hover("#lead-01990003 .lead-link")
    feed.score("01990008", 96.2, "A")
    feed.page.wait_for_timeout(100)
    feed.page.mouse.move(5, 5)
    until(feed.page, lambda: order(feed.page)[0] == "01990008")


def test_the_keyboard_keeps_its_place_while_the_row_changes(feed: Feed) -> None:
    open_page(feed, "/leads")
    feed.page.keyboard.press("j")
    feed.page.keyboard.press("w")
    feed.score("01990000", 71.0, "B")
    expect(feed.page.locator("#lead-01990000 [data-ring-number]")).to_have_text("71")
    expect(feed.page.locator("#lead-01990000 .why-panel")).to_contain_text("Why 71")
    expect(feed.page.locator("#lead-01990000 .lead-link")).to_be_focused()
    expect(feed.page.locator("#lead-01990000 .why-panel")).to_be_visible()


def test_a_new_lead_appears_at_its_rank_and_is_said_aloud(feed: Feed) -> None:
    open_page(feed, "/leads")
    feed.rows["new1"] = lead(0, "Nia Long", "warm", id="new1", score=80.5, grade="A")
    feed.send("lead.captured", "new1", name="Nia Long", source="zillow", score=80.5)
    until(feed.page, lambda: "new1" in order(feed.page))
    assert order(feed.page).index("new1") == 4
    expect(feed.page.locator("[data-announcer]")).to_have_text("New lead: Nia Long, score 81")


def test_a_new_lead_below_the_shown_ones_stays_on_its_page(feed: Feed) -> None:
    open_page(feed, "/leads")
    feed.rows["low"] = lead(0, "Low", "cold", id="low", score=2.0)
    feed.send("lead.captured", "low", name="Low", source="zillow", score=2.0)
    feed.send("lead.assigned", "01990001", owner_id="u1", owner_name="Noor Haddad", reason="fair_turn")
    expect(feed.page.locator(".toast-item")).to_contain_text("A lead is now yours")
    assert "low" not in order(feed.page)


def test_a_filtered_list_takes_no_strangers(feed: Feed) -> None:
    open_page(feed, "/leads-waiting")
    feed.rows["new1"] = lead(0, "Nia Long", "hot", id="new1")
    feed.send("lead.captured", "new1", name="Nia Long", source="zillow", score=99.0)
    feed.page.wait_for_timeout(300)
    assert "new1" not in order(feed.page)


def test_the_lead_page_takes_over_what_the_server_now_says(feed: Feed) -> None:
    open_page(feed, "/lead")
    after = lead_page()
    after["lead"] |= {"score": 70.4, "grade": "B", "stage": "offer"}
    after["activities"] = [after["activities"][1] | {"id": "brand-new", "kind": "offer.made"}, *after["activities"]]
    html = Preview.pages.get_template("leads/lead.html").render(**after)
    feed.page.route("**/lead", lambda route: route.fulfill(body=html, content_type="text/html"))
    feed.page.click("summary:has-text('Add a note')")
    feed.page.fill("#f-note", "Half a thought")
    feed.send("score.changed", "01990000", score=70.4, grade="B")
    expect(feed.page.locator("#part-ring [data-ring-number]")).to_have_text("70")
    expect(feed.page.locator("#activity-brand-new")).to_contain_text("Offer made")
    expect(feed.page.locator("#part-facts")).to_contain_text("Offer")
    expect(feed.page.locator("#f-note")).to_have_value("Half a thought")


def test_frames_about_others_leave_a_lead_alone(feed: Feed) -> None:
    open_page(feed, "/lead")
    feed.send("score.changed", "01990001", score=70.4, grade="B")
    feed.send("import.progress", import_id="i3", rows=1)
    feed.page.wait_for_timeout(150)
    expect(feed.page.locator("#part-ring [data-ring-number]")).to_have_text("94")


def test_import_progress_moves_the_bar_and_the_counts(feed: Feed) -> None:
    open_page(feed, "/import-running")
    counts: dict[str, Any] = {"rows": 15000, "created": 14600, "matched": 390, "rejected": 10, "total": 18204}
    feed.send("import.progress", import_id="i3", **counts)
    expect(feed.page.locator("dd[data-count=rows]")).to_have_text("15,000")
    assert feed.page.locator("progress").evaluate("bar => bar.value") == 15000


def test_whoever_is_signed_out_is_told(feed: Feed) -> None:
    feed.page.route("**/api/v1/live/token", lambda route: route.fulfill(status=401, json={}))
    feed.page.goto("/leads")
    expect(feed.page.locator(".sidebar [data-live-words]")).to_have_text("Not live: sign in again")
