from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from porchlight.accounts.tables import Tenant
from porchlight.audit.tables import AuditEntry
from porchlight.delivery.channels.memory import MemoryChannel
from porchlight.delivery.evidence import Recipient
from porchlight.delivery.outbox import MessageRequest, enqueue, send_one
from porchlight.delivery.routes import unsubscribe_routes
from porchlight.delivery.tables import ConsentEntry, Message, Suppression
from porchlight.delivery.tokens import OptOutClaim, make_token
from porchlight.delivery.unsubscribe import claim_in, unsubscribe_url
from porchlight.kit.ids import uuid7
from porchlight.kit.runtime import Runtime
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point
from porchlight.leads.inputs import LeadInput
from porchlight.leads.tables import Activity

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def browser(runtime: Runtime) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(unsubscribe_routes(runtime))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://porchlight.example") as client:
        yield client


async def send(runtime: Runtime, tenant_id: UUID, lead_id: UUID, to: str, key: str) -> tuple[Message, MemoryChannel]:
    request = MessageRequest(
        lead_id=lead_id,
        channel="email",
        purpose="inquiry_reply",
        to=to,
        sender_name="Riley Chen",
        subject="Your message",
        text="Hi",
        idempotency_key=key,
        automated=True,
        discloses_automation=True,
        recipient=Recipient(inquired_at=runtime.clock.now()),
    )
    async with runtime.database.unit_of_work(tenant_id) as uow:
        message_id = await enqueue(uow, runtime.settings, request)
    channel = MemoryChannel()
    await send_one(runtime.database, runtime.settings, {"email": channel}, tenant_id, message_id)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        return await uow.session.get_one(Message, (tenant_id, message_id)), channel


@pytest.fixture
async def lead_id() -> UUID:
    return uuid7()


@pytest.fixture
async def path(runtime: Runtime, tenant_id: UUID, lead_id: UUID) -> str:
    """The path of the link in the List-Unsubscribe header of a message that was sent."""
    _, channel = await send(runtime, tenant_id, lead_id, "Dana.Smith@gmail.com", "first")
    (sent,) = channel.sent
    assert sent.unsubscribe_url is not None
    assert sent.unsubscribe_url.startswith(runtime.settings.public_url)
    return sent.unsubscribe_url.removeprefix(runtime.settings.public_url)


async def suppressions(runtime: Runtime, tenant_id: UUID) -> int:
    async with runtime.database.unit_of_work(tenant_id) as uow:
        return await uow.session.scalar(select(func.count()).select_from(Suppression)) or 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_fetching_the_link_changes_nothing(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, path: str, method: str
) -> None:
    answer = await browser.request(method, path)
    assert answer.status_code == 200
    assert await suppressions(runtime, tenant_id) == 0


async def test_the_page_asks_with_one_button_and_names_the_brokerage(browser: httpx2.AsyncClient, path: str) -> None:
    page = await browser.get(path)
    assert "Test Realty" in page.text
    assert len(re.findall("<button", page.text)) == 1
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    style = re.search("<style>(.*)</style>", page.text, re.DOTALL)
    assert style is not None
    assert "button" in style[1]


async def test_one_click_takes_the_person_off_without_cookie_or_redirect(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, lead_id: UUID, path: str
) -> None:
    answer = await browser.post(path, data=ONE_CLICK)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    async with runtime.database.unit_of_work(tenant_id) as uow:
        (withdrawn,) = (await uow.session.scalars(select(ConsentEntry))).all()
        deeds = (await uow.session.scalars(select(AuditEntry.body))).all()
    assert (withdrawn.action, withdrawn.contact_value, withdrawn.lead_id) == (
        "withdrawn",
        "danasmith@gmail.com",
        lead_id,
    )
    assert withdrawn.source == "unsubscribe_link"
    assert await suppressions(runtime, tenant_id) == 1
    assert sum('"deed":"consent.withdrawn"' in deed for deed in deeds) == 1
    assert "hear from Test Realty" in (await browser.get(path)).text


async def test_it_is_a_fact_about_the_lead(browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID) -> None:
    given = LeadInput("web", "dana", "website", contact_points=(email_point("dana@example.com"),))
    async with runtime.database.unit_of_work(tenant_id) as uow:
        [dana] = await capture_leads(uow, [Incoming(given, {})], door="api", live=True)
    _, channel = await send(runtime, tenant_id, dana.lead_id, "dana@example.com", "first")
    url = channel.sent[0].unsubscribe_url or ""
    for _ in range(2):
        await browser.post(url.removeprefix(runtime.settings.public_url), data=ONE_CLICK)
    async with runtime.database.unit_of_work(tenant_id) as uow:
        kinds = (await uow.session.scalars(select(Activity.kind).order_by(Activity.id))).all()
    assert kinds == ["lead.captured", "message.sent", "consent.withdrawn"]


async def test_mailbox_providers_may_post_the_form_as_multipart_too(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, path: str
) -> None:
    assert (await browser.post(path, files={"List-Unsubscribe": (None, "One-Click")})).status_code == 200
    assert await suppressions(runtime, tenant_id) == 1


async def test_many_clicks_are_one(browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, path: str) -> None:
    answers = await asyncio.gather(*(browser.post(path, data=ONE_CLICK) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    async with runtime.database.unit_of_work(tenant_id) as uow:
        assert await uow.session.scalar(select(func.count()).select_from(ConsentEntry)) == 1


async def test_no_message_leaves_afterwards_to_any_spelling_of_the_address(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, lead_id: UUID, path: str
) -> None:
    await browser.post(path, data=ONE_CLICK)
    for lead in (lead_id, uuid7()):
        message, channel = await send(runtime, tenant_id, lead, "danasmith+new@googlemail.com", str(lead))
        assert (message.status, message.code, channel.sent) == ("refused", "suppressed", [])


async def test_an_opt_out_holds_for_one_tenant_only(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, path: str
) -> None:
    await browser.post(path, data=ONE_CLICK)
    other = uuid7()
    async with runtime.database.unit_of_work(other) as uow:
        uow.session.add(Tenant(tenant_id=other, name="Elsewhere"))
    assert await suppressions(runtime, other) == 0
    message, _ = await send(runtime, other, uuid7(), "danasmith@gmail.com", "first")
    assert message.status == "sent"


async def test_an_opt_out_works_after_everything_else_is_erased(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID
) -> None:
    url = unsubscribe_url(runtime.settings, tenant_id, uuid7(), "email", "gone@example.com")
    assert (await browser.post(url.removeprefix(runtime.settings.public_url))).status_code == 200
    message, _ = await send(runtime, tenant_id, uuid7(), "gone@example.com", "again")
    assert message.code == "suppressed"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_bad_link_says_what_to_do_and_changes_nothing(
    browser: httpx2.AsyncClient, runtime: Runtime, tenant_id: UUID, path: str, method: str
) -> None:
    claim = claim_in(runtime.settings, path.removeprefix("/u/"))
    assert claim is not None
    forged = make_token(b"another key", claim)
    nobody = unsubscribe_url(runtime.settings, uuid7(), uuid7(), "email", "a@example.com").rpartition("/")[2]
    for token in (path[3:-1], path[3:] + "A", forged, nobody, "x", "%00", "é" * 87):
        answer = await browser.request(method, f"/u/{token}")
        assert answer.status_code == 404
        assert "does not lead anywhere" in answer.text
    assert await suppressions(runtime, tenant_id) == 0


async def test_the_link_tells_a_stranger_nothing(path: str) -> None:
    assert "dana" not in path.lower()
    assert re.fullmatch(r"/u/[A-Za-z0-9_-]{87}", path)


def test_a_claim_is_one_of_this_installation(runtime: Runtime) -> None:
    claim = OptOutClaim(uuid7(), uuid7(), "phone", b"\x01" * 16)
    assert claim_in(runtime.settings, make_token(b"k" * 32, claim)) is None
