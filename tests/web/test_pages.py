"""The pages for leads over HTTP, without a script: who sees what, what the forms do, and what nobody may smuggle in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.web.conftest import Visit
from tests.web.visitors import BROWSER, Document, Visitor, hire, resolved

from porchlight.accounts.caller import SESSION_COOKIE
from porchlight.accounts.manage import create_team
from porchlight.accounts.permissions import Role
from porchlight.automation.routing.seats import reassign, set_seat
from porchlight.delivery.unsubscribe import unsubscribe_url
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point
from porchlight.leads.inputs import LeadInput

HOSTILE = '<script>alert("1")</script>"\'><img src=x onerror=alert(1)>'
SETTINGS = ("/settings/team", "/settings/brokerage", "/settings/hooks", "/settings/keys")


async def bring(brokerage: Any, *names: str, **fields: Any) -> list[UUID]:
    """Leads with an e-mail address each, captured in this order."""
    given = [
        LeadInput(
            origin="test",
            external_id=f"{name}{n}",
            full_name=name,
            contact_points=(email_point(f"lead{n}.{name.encode().hex()[:20]}@example.com"),),
            **{"source": "Website", **fields},
        )
        for n, name in enumerate(names)
    ]
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        captures = await capture_leads(uow, [Incoming(lead, {}) for lead in given], door="api", live=False)
    return [capture.lead_id for capture in captures]


async def give(brokerage: Any, lead_id: UUID, user_id: UUID | None) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await reassign(uow, lead_id, user_id)


async def facts(brokerage: Any, lead_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute(
            "SELECT kind, payload FROM activities WHERE lead_id = %s ORDER BY id", (lead_id,)
        )
        return list(await cursor.fetchall())


@pytest.fixture
async def admin(brokerage: Any, visit: Visit) -> Visitor:
    return await visit(brokerage, brokerage.admin_id)


# Signing in


PASSWORD = "correct horse battery"


async def test_signing_in_leads_to_where_one_wanted_to_go(brokerage: Any, visit: Visit) -> None:
    browser = await visit()
    page = await browser.open("/settings/team")
    assert page.url == "/sign-in?next=/settings/team"
    form = page.form("/sign-in").fields | {"email": brokerage.admin_email.upper(), "password": PASSWORD}
    answer = await browser.client.post("/sign-in", data=form, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/settings/team")
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith(SESSION_COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Team and routing" in (await browser.open("/settings/team")).text


async def test_a_wrong_password_says_so_and_keeps_the_address(brokerage: Any, visit: Visit) -> None:
    browser = await visit()
    page = await browser.open("/sign-in?next=/import")
    refused = await browser.submit(page, "/sign-in", email="ada@example.com", password="wrong" * 3, status=401)
    assert "wrong" in refused.text
    assert refused.form("/sign-in").fields["email"] == "ada@example.com"
    assert refused.form("/sign-in").fields["next"] == "/import"
    assert refused.form("/sign-in").fields.get("password", "") == ""


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
async def test_signing_in_never_leads_off_this_site(brokerage: Any, visit: Visit, evil: str) -> None:
    browser = await visit()
    page = await browser.open("/sign-in")
    form = page.form("/sign-in").fields | {"email": brokerage.admin_email, "password": PASSWORD, "next": evil}
    answer = await browser.client.post("/sign-in", data=form, headers=BROWSER)
    assert answer.headers["location"] == "/leads"
    theme = await browser.client.post("/theme", data={"theme": "dark", "next": evil})
    assert theme.headers["location"] == "/leads"


async def test_a_sign_in_form_of_another_browser_is_refused(brokerage: Any, visit: Visit) -> None:
    theirs = (await (await visit()).open("/sign-in")).form("/sign-in").fields
    browser = await visit()
    await browser.open("/sign-in")
    form = theirs | {"email": brokerage.admin_email, "password": PASSWORD}
    refused = await browser.send("/sign-in", form, status=403)
    assert "expired" in refused.text
    assert SESSION_COOKIE not in browser.client.cookies


async def test_signing_out_ends_the_session_itself(brokerage: Any, admin: Visitor) -> None:
    kept = admin.client.cookies[SESSION_COOKIE]
    page = await admin.open("/leads")
    await admin.submit(page, "/sign-out")
    admin.client.cookies.set(SESSION_COOKIE, kept, domain="porchlight.test")
    assert (await admin.open("/leads")).url.startswith("/sign-in")


@pytest.mark.parametrize("token", [None, "", "x" * 43])
async def test_a_form_without_the_sessions_token_changes_nothing(
    brokerage: Any, admin: Visitor, token: str | None
) -> None:
    [lead_id] = await bring(brokerage, "Nia Long")
    fields = {"text": "Smuggled"} | ({} if token is None else {"csrf_token": token})
    refused = await admin.send(f"/leads/{lead_id}/notes", fields, status=403)
    assert "Reload the page" in refused.text
    assert [kind for kind, _ in await facts(brokerage, lead_id)] == ["lead.captured"]


# Who sees what


ALLOWED = {
    Role.ADMIN: {"/leads", "/import", *SETTINGS},
    Role.MANAGER: {"/leads", "/import", "/settings/team"},
    Role.AGENT: {"/leads"},
    Role.ANALYST: {"/leads"},
    Role.READ_ONLY: {"/leads"},
}


@pytest.mark.parametrize("role", Role)
async def test_every_page_opens_for_those_who_may_and_for_nobody_else(brokerage: Any, visit: Visit, role: Role) -> None:
    user_id = await hire(brokerage, "Robin Role", role)
    browser = await visit(brokerage, user_id)
    for path in ("/leads", "/import", *SETTINGS):
        page = await browser.open(path, 200 if path in ALLOWED[role] else 403)
        assert page.status == 200 or "ask an admin" in page.text
    shown = (await browser.open("/leads")).links
    for link in ("/import", "/settings/team"):
        assert (link in shown) == (link in ALLOWED[role]), "what is refused is not offered"


@pytest.mark.parametrize("path", ["/leads", "/import", "/settings", *SETTINGS])
async def test_nobody_signed_in_is_sent_to_sign_in(runtime: Any, visit: Visit, path: str) -> None:
    assert (await (await visit()).open(path)).url.startswith("/sign-in?next=/")


async def test_agents_see_their_own_leads_and_managers_their_teams(brokerage: Any, visit: Visit) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        north, south = (await create_team(uow, "North")).id, (await create_team(uow, "South")).id
    agent = await hire(brokerage, "Ann Agent", Role.AGENT, team_id=north)
    manager = await hire(brokerage, "Max Manager", Role.MANAGER, team_id=north)
    stranger = await hire(brokerage, "Sue South", Role.AGENT, team_id=south)
    [hers, theirs, waiting] = await bring(brokerage, "Hers", "Theirs", "Waits")
    await give(brokerage, hers, agent)
    await give(brokerage, theirs, stranger)
    for user_id in (agent, manager):
        browser = await visit(brokerage, user_id)
        page = await browser.open("/leads")
        assert f"/leads/{hers}" in page.links
        assert not {f"/leads/{theirs}", f"/leads/{waiting}"} & set(page.links)
        for hidden in (theirs, waiting):
            assert "no such lead" in (await browser.open(f"/leads/{hidden}", 404)).text
            fields = {"csrf_token": page.form("/sign-out").fields["csrf_token"], "text": "x", "outcome": "voicemail"}
            for deed in ("notes", "take-over", "stage", "calls"):
                await browser.send(f"/leads/{hidden}/{deed}", fields, status=404)


async def test_readers_are_offered_no_deeds_and_refused_each(brokerage: Any, visit: Visit) -> None:
    [lead_id] = await bring(brokerage, "Nia Long")
    browser = await visit(brokerage, await hire(brokerage, "Rita Reader", Role.READ_ONLY))
    page = await browser.open(f"/leads/{lead_id}")
    assert not [form.action for form in page.forms if form.action.startswith("/leads/")]
    token = page.form("/sign-out").fields["csrf_token"]
    for deed in ("notes", "take-over", "reassign", "stage", "calls"):
        await browser.send(f"/leads/{lead_id}/{deed}", {"csrf_token": token, "text": "x"}, status=403)
    assert [kind for kind, _ in await facts(brokerage, lead_id)] == ["lead.captured"]


async def test_an_api_key_gets_no_pages(brokerage: Any, visit: Visit) -> None:
    browser = await visit()
    headers = BROWSER | {"authorization": f"Bearer {brokerage.api_key}"}
    answer = await browser.client.get("/leads", headers=headers)
    assert answer.status_code == 403
    assert "/api/v1" in answer.text


# The list


async def walk(browser: Visitor, path: str) -> list[str]:
    """The ids of a list's leads, page after page by its links."""
    found: list[str] = []
    page = await browser.open(path)
    while True:
        rows = [link.split("/")[2] for link in page.links if link.startswith("/leads/")]
        found += dict.fromkeys(rows)
        following = [link for link in page.links if "cursor=" in link]
        if not following:
            return found
        page = await browser.open(resolved(page, following[-1]))


@pytest.mark.parametrize("sort", ["-score", "-last_activity_at", "-created_at", "name"])
async def test_paging_by_links_shows_every_lead_once(brokerage: Any, admin: Visitor, sort: str) -> None:
    ids = await bring(brokerage, *(f"Person {n:03d}" for n in range(120)))
    found = await walk(admin, f"/leads?sort={sort}")
    assert len(found) == 120
    assert set(found) == {str(lead_id) for lead_id in ids}
    if sort == "name":
        assert found == [str(lead_id) for lead_id in ids]


async def test_filters_and_search_narrow_the_list_and_stay_in_the_form(brokerage: Any, admin: Visitor) -> None:
    [ada, _] = await bring(brokerage, "Ada Moreno", "Bo Berg")
    [portal] = await bring(brokerage, "Cleo Portal", source="Zillow & Co")
    await give(brokerage, ada, brokerage.admin_id)
    for query, expected in {
        "q=moreno": {ada},
        "q=Ada+M": {ada},
        f"owner={brokerage.admin_id}": {ada},
        "view=mine": {ada},
        "source=Zillow+%26+Co": {portal},
        "stage=offer": set(),
        "q=nobody": set(),
    }.items():
        assert set(await walk(admin, f"/leads?{query}")) == {str(lead_id) for lead_id in expected}, query
    page = await admin.open("/leads?q=moreno&stage=new")
    assert page.form("/leads").fields["q"] == "moreno"
    assert page.form("/leads").fields["stage"] == "new"


async def test_a_search_is_never_read_as_a_query_language(brokerage: Any, admin: Visitor) -> None:
    await bring(brokerage, "Ada Moreno")
    for text in ("'", "a & | !", ":*", "\\", "%", "ada:", "(", "🏠"):
        answer = await admin.client.get("/leads", params={"q": text}, headers=BROWSER)
        assert answer.status_code == 200, text


async def test_a_new_brokerage_is_told_how_to_begin(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/leads")
    assert "/import" in page.links
    assert "No leads" in page.text
    assert "No keys yet" not in (await admin.open("/settings/keys")).text, "there is the one of the set-up"
    assert "No doors yet" in (await admin.open("/settings/hooks")).text
    assert "Nothing yet" in (await admin.open("/import")).text
    assert "No teams yet" in (await admin.open("/settings/team")).text


# The lead


async def test_a_lead_is_taken_over_given_away_and_put_back(brokerage: Any, admin: Visitor) -> None:
    [lead_id] = await bring(brokerage, "Nia Long")
    agent = await hire(brokerage, "Ann Agent", Role.AGENT)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await set_seat(uow, agent, time_zone="America/New_York", away_until=uow.now() + timedelta(days=1))
    page = await admin.submit(await admin.open(f"/leads/{lead_id}"), f"/leads/{lead_id}/take-over")
    assert "The lead is yours now." in page.text
    assert f"/leads/{lead_id}/take-over" not in [form.action for form in page.forms]
    assert "The lead is yours now." not in (await admin.open(f"/leads/{lead_id}")).text, "a word is said once"
    page = await admin.submit(page, f"/leads/{lead_id}/reassign", owner_id=str(agent))
    assert "Given." in page.text
    page = await admin.submit(page, f"/leads/{lead_id}/reassign", owner_id="")
    assert "Back in the queue" in page.text
    owners = [payload.get("to") for kind, payload in await facts(brokerage, lead_id) if kind == "lead.assigned"]
    assert owners == [str(brokerage.admin_id), str(agent), None]


async def test_notes_calls_and_stages_become_facts(brokerage: Any, admin: Visitor) -> None:
    [lead_id] = await bring(brokerage, "Nia Long")
    at = f"/leads/{lead_id}"
    page = await admin.submit(await admin.open(at), f"{at}/notes", text="  Two cats.\r\nNo stairs. ")
    assert "The note is kept." in page.text
    assert "Two cats." in page.text
    page = await admin.submit(page, f"{at}/calls", outcome="held", minutes="12", text="Wants a garden")
    page = await admin.submit(page, f"{at}/calls", outcome="voicemail", minutes="", text="")
    page = await admin.submit(page, f"{at}/stage", stage="touring")
    assert "The stage is set." in page.text
    found = [(kind, payload) for kind, payload in await facts(brokerage, lead_id) if kind != "lead.captured"]
    assert found == [
        ("note.added", {"text": "Two cats.\r\nNo stairs."}),
        ("call.held", {"direction": "outbound", "seconds": 720}),
        ("note.added", {"text": "Wants a garden"}),
        ("call.attempted", {"outcome": "voicemail"}),
        ("stage.changed", {"from": "engaged", "to": "touring"}),
    ]


@pytest.mark.parametrize(
    ("deed", "fields"),
    [
        ("stage", {"stage": "married"}),
        ("stage", {"stage": ""}),
        ("calls", {"outcome": "held", "minutes": "9" * 30}),
        ("calls", {"outcome": "<b>"}),
        ("reassign", {"owner_id": "me"}),
        ("reassign", {"owner_id": "019cd9a5-0000-7000-8000-000000000000"}),
        ("notes", {"text": "x" * 5_001}),
        ("notes", {"text": "nul \x00 inside"}),
    ],
)
async def test_what_a_form_cannot_say_is_refused_in_words(
    brokerage: Any, admin: Visitor, deed: str, fields: dict[str, str]
) -> None:
    [lead_id] = await bring(brokerage, "Nia Long")
    token = (await admin.open("/leads")).form("/sign-out").fields["csrf_token"]
    refused = await admin.send(f"/leads/{lead_id}/{deed}", {"csrf_token": token, **fields}, status=422)
    assert "Sign in" not in refused.text, "whoever is signed in is shown the way back"
    assert [kind for kind, _ in await facts(brokerage, lead_id)] == ["lead.captured"]


# What nobody may smuggle in


async def test_what_people_write_stays_words_on_every_page(brokerage: Any, admin: Visitor) -> None:
    [lead_id] = await bring(brokerage, HOSTILE, source=HOSTILE[:60], custom={HOSTILE: HOSTILE}, message=HOSTILE)
    user_id = await hire(brokerage, HOSTILE, Role.AGENT)
    await give(brokerage, lead_id, user_id)
    page = await admin.submit(await admin.open(f"/leads/{lead_id}"), f"/leads/{lead_id}/notes", text=HOSTILE)
    await admin.submit(await admin.open("/settings/team"), "/settings/teams", name=HOSTILE)
    pages = [page, await admin.open("/leads"), await admin.open(f"/leads?q={HOSTILE}")]
    pages += [await admin.open(path) for path in (*SETTINGS, f"/settings/users/{user_id}")]
    pages += [await admin.open(f"/nowhere/{HOSTILE}", 404)]
    for each in pages:
        assert "<script>alert" not in each.html, each.url
        assert "<img src=x" not in each.html, each.url
    assert HOSTILE in pages[1].said or HOSTILE in pages[1].text


async def test_pages_are_kept_by_no_cache_and_framed_by_nobody(brokerage: Any, admin: Visitor) -> None:
    answer = await admin.raw("/leads")
    assert answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("cookie", ["!", "bm8", "W10", "eyJhIjoxfQ", "WzFd"])
async def test_a_broken_word_from_a_cookie_is_no_word(brokerage: Any, admin: Visitor, cookie: str) -> None:
    admin.client.cookies.set("porchlight_flash", cookie, domain="porchlight.test")
    await admin.open("/leads")


async def test_the_theme_is_remembered_and_only_a_theme_is(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/leads")
    dark = await admin.send("/theme", page.form("/theme").fields | {"theme": "dark"})
    assert 'data-theme="porchlight-dark"' in dark.html
    admin.client.cookies.set("theme", '"><script>', domain="porchlight.test")
    assert "<script>" not in (await admin.open("/leads")).html.replace("<script src", "")


# Errors


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/leads/not-an-id", 422),
        (f"/leads?q={'x' * 300}", 422),
        ("/leads?cursor=zzz", 422),
        ("/leads?source=%00", 422),
    ],
)
async def test_people_get_an_error_as_a_page_and_programs_as_a_problem(
    brokerage: Any, admin: Visitor, path: str, status: int
) -> None:
    page = await admin.open(path, status)
    assert "/leads" in page.links, "and the way back"
    answer = await admin.client.get(path, headers={"accept": "application/json"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


async def test_the_api_answers_browsers_as_it_answers_programs(brokerage: Any, admin: Visitor) -> None:
    answer = await admin.raw("/api/v1/leads/not-an-id")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_too_large_is_refused_in_words(brokerage: Any, admin: Visitor) -> None:
    answer = await admin.client.post("/theme", content=b"x" * 8_000_001, headers=BROWSER)
    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")


# The unsubscribe page


async def test_unsubscribing_takes_a_button_and_no_account(brokerage: Any, visit: Visit) -> None:
    [lead_id] = await bring(brokerage, "Nia Long")
    url = unsubscribe_url(brokerage.runtime.settings, brokerage.tenant_id, lead_id, "email", "nia@example.com")
    path = url.removeprefix(brokerage.runtime.settings.public_url)
    browser = await visit()
    page: Document = await browser.open(path)
    assert "Test Realty" in page.text
    [form] = page.forms
    done = await browser.send(form.action or path, form.fields)
    assert done.text != page.text
    assert (await browser.open(path)).text == done.text
