"""The real application in a real browser: server, database, feed and scripts together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import httpx2
import pytest
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright, expect
from tests.web.conftest import PHONE, WIDE, chromium_path
from tests.web.test_pages import PASSWORD, bring
from tests.web.visitors import session_cookie

from porchlight.accounts.caller import SESSION_COOKIE
from porchlight.delivery.unsubscribe import unsubscribe_url
from porchlight.leads.imports.batches import ImportOptions
from porchlight.leads.imports.uploads import start_import, store_upload

pytestmark = pytest.mark.browser

NAMES = ("Ada Moreno", "Bo Berg", "Cleo Case", "Dan Dole", "Eve Elm")


@dataclass
class Line:
    """The wire between browser and server, which can be cut."""

    server: str
    cut: bool = False
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    address: str = ""

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.close()
            return
        host, _, port = self.server.partition(":")
        there, back = await asyncio.open_connection(host, int(port))
        self.open |= {writer, back}
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    async def drop(self) -> None:
        self.cut = True
        for writer in self.open:
            writer.transport.abort()
        self.open.clear()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def line(server: str) -> AsyncIterator[Line]:
    line = Line(server)
    listening = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    line.address = f"http://{host}:{port}"
    yield line
    await line.drop()
    listening.close()
    await asyncio.sleep(0.05)  # the pumps end by themselves


Open = Callable[..., Awaitable[Page]]


@pytest.fixture
async def look(browser: Browser, brokerage: Any, line: Line) -> AsyncIterator[Open]:
    """`await look("/leads")`: a page of a fresh browser, in which the admin is signed in."""
    contexts: list[BrowserContext] = []

    async def open_page(path: str, *, signed_in: bool = True, size: ViewportSize = WIDE, **given: Any) -> Page:
        context = await browser.new_context(viewport=size, base_url=line.address, **given)
        contexts.append(context)
        if signed_in:
            _, _, token = (await session_cookie(brokerage, brokerage.admin_id)).partition("=")
            await context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": line.address}])
        page = await context.new_page()
        await page.goto(path)
        return page

    yield open_page
    for context in contexts:
        await context.close()


@pytest.fixture
async def api(brokerage: Any, server: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {brokerage.api_key}"}
    async with httpx2.AsyncClient(base_url=f"http://{server}/api/v1", headers=headers) as client:
        yield client


async def record(api: httpx2.AsyncClient, lead_id: UUID, kind: str, **payload: Any) -> None:
    answer = await api.post("/activities", json={"activities": [_activity(lead_id, kind, payload)]})
    assert answer.json()["items"][0]["status"] == "recorded", answer.text


def _activity(lead_id: UUID, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"lead_id": str(lead_id), "kind": kind, "payload": payload}


async def is_live(page: Page) -> None:
    await expect(page.locator(".sidebar [data-live-words]")).to_have_text("Live")


async def score_of(page: Page, lead_id: UUID) -> str:
    return await page.locator(f"#lead-{lead_id} [data-ring-number]").text_content() or ""


async def test_somebody_signs_in_with_the_keyboard_alone(brokerage: Any, look: Open) -> None:
    page = await look("/leads", signed_in=False)
    await page.focus("[name=email]")
    await page.keyboard.type(brokerage.admin_email)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/leads")
    await expect(page.locator("h1")).to_have_text("Leads")


async def test_the_list_follows_what_happens(brokerage: Any, look: Open, api: httpx2.AsyncClient) -> None:
    ids = await bring(brokerage, *NAMES)
    page = await look("/leads")
    await is_live(page)
    await page.evaluate("window.stayed = true")
    before = await score_of(page, ids[3])
    await record(api, ids[3], "appointment.booked", at="2026-03-12T15:00:00Z")
    await expect(page.locator(f"#lead-{ids[3]} [data-ring-number]")).not_to_have_text(before)
    await expect(page.locator("#lead-rows > tr").first).to_have_attribute("data-lead-id", str(ids[3]))
    made = await api.post("/leads", json={"name": "Nia Long", "email": "nia@example.com", "source": "Website"})
    assert made.status_code < 300, made.text
    await expect(page.locator("#lead-rows")).to_contain_text("Nia Long")
    assert await page.evaluate("window.stayed"), "the page was never loaded anew"


async def test_the_open_lead_follows_too(brokerage: Any, look: Open, api: httpx2.AsyncClient) -> None:
    [lead_id] = await bring(brokerage, "Ada Moreno")
    page = await look(f"/leads/{lead_id}")
    await is_live(page)
    before = await page.locator("#part-ring [data-ring-number]").text_content() or ""
    await record(api, lead_id, "offer.made")
    await expect(page.locator("#part-ring [data-ring-number]")).not_to_have_text(before)
    await expect(page.locator("main")).to_contain_text("Offer made")


async def test_what_happened_while_the_line_was_cut_is_caught_up(
    brokerage: Any, look: Open, line: Line, api: httpx2.AsyncClient
) -> None:
    ids = await bring(brokerage, *NAMES)
    page = await look("/leads")
    await is_live(page)
    await line.drop()
    await expect(page.locator(".sidebar [data-live-words]")).to_have_text("Reconnecting")
    before = await score_of(page, ids[2])
    await record(api, ids[2], "offer.made")
    assert await score_of(page, ids[2]) == before
    line.cut = False
    await is_live(page)
    await expect(page.locator(f"#lead-{ids[2]} [data-ring-number]")).not_to_have_text(before)


async def test_the_keyboard_walks_the_list_and_opens_a_lead(brokerage: Any, look: Open) -> None:
    await bring(brokerage, *NAMES)
    page = await look("/leads")
    rows = page.locator("#lead-rows > tr")
    for key in ("j", "j", "j", "k"):
        await page.keyboard.press(key)
    await expect(rows.nth(1).locator(".lead-link")).to_be_focused()
    name = await rows.nth(1).locator(".lead-link").inner_text()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/leads/*")
    await expect(page.locator("h1")).to_contain_text(name.split("\n")[0])


async def test_why_is_told_under_the_pointer_and_under_a_finger(brokerage: Any, look: Open) -> None:
    [lead_id] = await bring(brokerage, "Ada Moreno")
    wide = await look("/leads")
    panel = f"#lead-{lead_id} .why-panel"
    await expect(wide.locator(panel)).not_to_be_visible()
    await wide.hover(f"#lead-{lead_id} summary")
    await expect(wide.locator(panel)).to_be_visible()
    phone = await look("/leads", size=PHONE, is_mobile=True, has_touch=True)
    await expect(phone.locator(panel)).not_to_be_visible()
    await phone.tap(f"#lead-{lead_id} summary")
    await expect(phone.locator(panel)).to_be_visible()
    await expect(phone.locator(panel)).to_contain_text("Why")


async def test_a_theme_and_a_note_reach_the_server_from_scripts(brokerage: Any, look: Open) -> None:
    [lead_id] = await bring(brokerage, "Ada Moreno")
    page = await look(f"/leads/{lead_id}")
    await page.click(".sidebar .popmenu summary")
    await page.click(".sidebar button[value=dark]")
    await page.keyboard.press("Escape")
    await page.reload()
    assert await page.locator("html").get_attribute("data-theme") == "porchlight-dark"
    await page.keyboard.press("n")
    await expect(page.locator("#f-note")).to_be_focused()
    await page.keyboard.type("Two cats")
    await page.locator("#f-note").evaluate("field => field.form.requestSubmit()")
    await expect(page.locator("[role=status] .notice")).to_contain_text("The note is kept.")
    await expect(page.locator("main")).to_contain_text("Two cats")


async def _import(brokerage: Any, *, run: bool) -> UUID:
    async def content() -> AsyncIterator[bytes]:
        yield b"Full Name,E-mail\nFinn Fay,finn@example.com\nGia Gil,gia@example.com,too,many\n"

    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        import_id = await store_upload(uow, "leads.csv", content())
        if run:
            await start_import(uow, import_id, ImportOptions(source="Old CRM"))
    await brokerage.run_jobs()
    return import_id


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COMPLAIN = "addEventListener('securitypolicyviolation', (e) => console.error(`${e.violatedDirective} ${e.blockedURI}`))"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
async def test_no_page_breaks_its_policy_its_frame_or_its_script(
    brokerage: Any, look: Open, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    [lead_id, *_] = await bring(brokerage, *NAMES)
    unsubscribe = unsubscribe_url(brokerage.runtime.settings, brokerage.tenant_id, lead_id, "email", "a@example.com")
    paths = [
        "/leads", "/leads?q=nobody", f"/leads/{lead_id}", "/import", f"/import/{await _import(brokerage, run=False)}",
        f"/import/{await _import(brokerage, run=True)}", "/settings/team", f"/settings/users/{brokerage.admin_id}",
        "/settings/brokerage", "/settings/hooks", "/settings/keys", "/sign-in", "/docs",
        unsubscribe.removeprefix(brokerage.runtime.settings.public_url),
    ]  # fmt: skip
    page = await look("/sign-in", size=size, color_scheme=scheme)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    await page.add_init_script(COMPLAIN)
    for path in paths:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"], f"{path} scrolls sideways"
    assert wrong == []


async def test_without_a_script_the_work_can_be_done(brokerage: Any, look: Open) -> None:
    [lead_id, *_] = await bring(brokerage, *NAMES)
    page = await look(f"/leads/{lead_id}", signed_in=False, java_script_enabled=False)
    await page.fill("[name=email]", brokerage.admin_email)
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    assert page.url.endswith(f"/leads/{lead_id}"), "signing in leads back"
    await page.click("summary:has-text('Add a note')")
    await page.fill("#f-note", "Prefers letters")
    await page.click("button:has-text('Save the note')")
    await expect(page.locator("main")).to_contain_text("Prefers letters")
    await page.goto("/leads?q=ada")
    await expect(page.locator("#lead-rows > tr")).to_have_count(1)
    await page.goto("/import")
    file: Any = {"name": "more.csv", "mimeType": "text/csv", "buffer": b"Full Name,E-mail\nHal Hop,hal@example.com\n"}
    await page.set_input_files("#f-file", files=[file])
    await page.click("button:has-text('Show me the columns')")
    await page.click("button:has-text('Import 1 row')")
    await brokerage.run_jobs()
    await expect(page.locator("h1")).to_have_text("Imported", timeout=8_000)
