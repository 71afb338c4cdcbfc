"""A browser for the tests that need one, and visitors for those that need only the pages."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from tests.web.preview import preview
from tests.web.visitors import Visitor, session_cookie

WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


def chromium_path() -> str:
    """Where Chromium is; skips the test where it is missing."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("Chromium is missing: install it with `apt-get install chromium`, or your system’s package")
    return path


# No wider than a module: while Playwright's blocking interface is open, no test of the session's loop can run.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    with preview() as address:
        yield address


@pytest.fixture
def wide(chromium: Browser, site: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=WIDE, base_url=site)
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(chromium: Browser, site: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE, base_url=site, is_mobile=True, has_touch=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def scriptless(chromium: Browser, site: str) -> Iterator[Page]:
    context = chromium.new_context(viewport=WIDE, base_url=site, java_script_enabled=False)
    yield context.new_page()
    context.close()


Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def visit(app: FastAPI) -> AsyncIterator[Visit]:
    """`await visit(brokerage, user_id)`: a browser of its own, signed in; without arguments, nobody's."""
    async with AsyncExitStack() as stack:

        async def open_browser(brokerage: object | None = None, user_id: UUID | None = None) -> Visitor:
            client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://porchlight.test")
            await stack.enter_async_context(client)
            if brokerage is not None and user_id is not None:
                name, _, value = (await session_cookie(brokerage, user_id)).partition("=")
                client.cookies.set(name, value, domain="porchlight.test")
            return Visitor(client)

        yield open_browser
