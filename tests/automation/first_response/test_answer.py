from __future__ import annotations

import email
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from porchlight.automation.first_response.answer import answer
from porchlight.jobs.worker import run_worker
from porchlight.kit.database import libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls
from porchlight.leads.inputs import Address, Consent
from porchlight.listings.tables import Listing

#: A Wednesday, noon in New York. The job queue goes by the real time, to which what is deferred from here is far off.
NOON = datetime(2027, 5, 12, 16, 0, tzinfo=UTC)
NIGHT = timedelta(hours=14)


class Mailbox:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.got.append(email.message_from_bytes(envelope.content, policy=default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, server_hostname="mail.example")
    controller.start()
    yield mailbox, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def house(house: Any) -> Any:
    """The house at noon, two springs later."""
    house.brokerage.clock.at = NOON
    return house


async def send_all(house: Any, smtp_url: str) -> None:
    """Run the jobs with a mail server."""
    runtime = house.brokerage.runtime
    settings = runtime.settings.model_copy(update={"smtp_url": SecretStr(smtp_url)})
    await run_worker(replace(runtime, settings=settings), wait=False, concurrency=1)


async def messages(house: Any) -> list[Any]:
    return list(await house.rows("SELECT channel, status, code, sender_name, subject, body_text FROM messages"))


async def test_a_live_lead_gets_one_email_with_a_way_out_and_no_further_one(
    house: Any, mailbox: tuple[Mailbox, str]
) -> None:
    received, url = mailbox
    await house.agent("Riley")
    await house.capture(email="dana@mail.example.com", full_name="dana smith", message="Is it still for sale?")
    await send_all(house, url)
    [sent] = received.got
    assert sent["To"] == "dana@mail.example.com"
    assert "Riley" in sent["From"]
    assert sent["Reply-To"] == "riley@agents.example.com"
    assert sent["Subject"] == "Your message to Test Realty"
    assert sent["List-Unsubscribe"].startswith("<http")
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = sent.get_body(("plain",))
    assert text is not None
    assert "Hi Dana" in text.get_content()

    await house.capture(email="dana@mail.example.com", message="Hello?")
    await send_all(house, url)
    assert len(received.got) == 1
    assert await house.rows("SELECT payload->>'purpose' FROM activities WHERE kind = 'message.sent'") == [
        ("inquiry_reply",)
    ]


async def test_at_night_the_answer_waits_and_leaves_in_the_morning(
    house: Any, mailbox: tuple[Mailbox, str], installation: Urls
) -> None:
    received, url = mailbox
    house.brokerage.clock.advance(NIGHT)
    await house.capture(email="dana@mail.example.com", address=Address(state="CA"))
    await send_all(house, url)
    [(status, not_before)] = await house.rows("SELECT status, not_before FROM messages")
    assert (status, not_before) == ("deferred", datetime(2027, 5, 13, 15, 0, tzinfo=UTC))  # eight in California
    assert received.got == []
    house.brokerage.clock.at = not_before
    with psycopg.connect(libpq_url(installation.owner), options="-c search_path=jobs") as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE scheduled_at = %s", [not_before])
    await send_all(house, url)
    assert len(received.got) == 1


async def test_the_team_answers_a_lead_that_nobody_has_yet(house: Any) -> None:
    await house.capture(email="dana@mail.example.com")
    await house.run_jobs()
    [(_, status, _, sender, _, text)] = await messages(house)
    assert (status, sender) == ("sent", "Test Realty")
    assert "The team at Test Realty" in text


async def test_the_answer_names_the_home_that_was_asked_about(house: Any) -> None:
    async with house.work() as uow:
        uow.session.add(
            Listing(
                tenant_id=uow.tenant_id, listing_key="K1", standard_status="Active", list_price_minor=1,
                currency="USD", unparsed_address="12 Elm St, Albany", details={},
            )
        )  # fmt: skip
    await house.capture(email="dana@mail.example.com", listing_key="K1")
    await house.run_jobs()
    [(*_, subject, text)] = await messages(house)
    assert subject == "Your request about 12 Elm St, Albany"
    assert "12 Elm St, Albany" in text


async def test_a_phone_alone_is_not_texted_without_consent_and_the_reason_is_kept(house: Any) -> None:
    await house.capture(phone="+12125550123")
    await house.run_jobs()
    [(channel, status, code, *_)] = await messages(house)
    assert (channel, status, code) == ("sms", "refused", "consent_missing")


async def test_consent_that_came_with_the_lead_permits_a_text(house: Any) -> None:
    await house.capture(phone="+12125550123", consents=(Consent("sms", NOON, "Text me"),))
    await house.run_jobs()
    [(channel, status, code, *_, text)] = await messages(house)
    assert (channel, status, code) == ("sms", "failed", "no_channel")  # permitted, and no way to send it
    assert "sent automatically" in text


async def test_who_refused_email_when_they_came_in_gets_none(house: Any) -> None:
    await house.capture(email="dana@mail.example.com", phone="+12125550123", opted_out=("email",))
    await house.run_jobs()
    [(channel, status, code, *_)] = await messages(house)
    assert (channel, status, code) == ("email", "refused", "suppressed")


async def test_a_lead_without_any_contact_point_is_noted_as_unanswerable(house: Any) -> None:
    lead_id = await house.capture(full_name="Dana Smith")
    await house.run_jobs()
    assert await messages(house) == []
    [(body,)] = await house.rows("SELECT body FROM audit_entries WHERE body LIKE '%%first_response%%'")
    assert str(lead_id) in body
    assert "no_contact_point" in body


@pytest.mark.parametrize(
    ("door", "live", "fields"),
    [
        ("import", False, {}),
        ("api", True, {"created_at": NOON - timedelta(days=2)}),
        ("api", True, {"outcome": "lost"}),
    ],
)
async def test_nobody_is_answered_who_waits_for_no_answer(
    house: Any, door: str, live: bool, fields: dict[str, Any]
) -> None:
    await house.capture(door=door, live=live, email="dana@mail.example.com", **fields)
    await house.run_jobs()
    assert await messages(house) == []


async def test_answering_twice_is_answering_once(house: Any) -> None:
    lead_id = await house.capture(email="dana@mail.example.com")
    for _ in range(2):
        async with house.work() as uow:
            await answer(uow, house.brokerage.runtime.settings, lead_id)
    await house.run_jobs()
    assert len(await messages(house)) == 1


async def test_a_lead_that_is_gone_is_not_answered(house: Any) -> None:
    async with house.work() as uow:
        assert await answer(uow, house.brokerage.runtime.settings, uuid7()) is None
