"""What every channel must do, and what SMTP does when a real server misbehaves."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from porchlight.delivery.channels import Channel, Outgoing, PermanentFailure, TemporaryFailure, Uncertain
from porchlight.delivery.channels.console import ConsoleChannel
from porchlight.delivery.channels.memory import MemoryChannel
from porchlight.delivery.channels.smtp import SmtpChannel, SmtpServer, compose, parse_smtp_url
from porchlight.delivery.permit import Evidence, Permit, Proposal, Sender, decide
from porchlight.delivery.places import whereabouts

NOON = datetime(2027, 5, 12, 16, 0, tzinfo=UTC)
LINK = "https://porchlight.example/u/" + "A" * 87


def permit(to: str = "dana@example.com") -> Permit:
    evidence = Evidence(
        Sender("Harbor & Pine", "1 Main Street"), whereabouts(tenant_zone="America/New_York"), inquired_at=NOON
    )
    decision = decide(Proposal("email", "inquiry_reply", to, True, True), evidence, NOON)
    assert isinstance(decision, Permit)
    return decision


def outgoing(**changes: Any) -> Outgoing:
    message = Outgoing(
        message_id=UUID(int=7),
        permit=permit(),
        subject="Your message about 412 Oak Lane",
        text="Hi Dana,\n\n.a line that starts with a dot\nGrüße\n",
        html="<p>Hi Dana</p>",
        sender_name="Riley Chen, Harbor & Pine",
        sender_address="hello@porchlight.example",
        reply_to="riley@porchlight.example",
        unsubscribe_url=LINK,
        automated=True,
    )
    return replace(message, **changes)


@dataclass
class MailServer:
    """A handler for aiosmtpd that keeps what it takes and answers as it is told."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    to_recipient: str = "250 OK"
    to_data: str = "250 OK"
    delay: float = 0.0

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        await asyncio.sleep(self.delay)
        return self.to_data

    def channel(self, timeout_seconds: float = 5.0) -> SmtpChannel:
        return SmtpChannel(SmtpServer("127.0.0.1", self.port, start_tls=False, timeout_seconds=timeout_seconds))

    def mails(self) -> list[EmailMessage]:
        contents = [envelope.content for envelope in self.envelopes if isinstance(envelope.content, bytes)]
        return [email.message_from_bytes(content, policy=email.policy.default) for content in contents]


@pytest.fixture
def server() -> Iterator[MailServer]:
    handler = MailServer()
    controller = Controller(handler, hostname="127.0.0.1", port=0, enable_SMTPUTF8=True, server_hostname="mail.example")
    # The library asks its own port whether it is up, so it must be a known one.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = handler.port = probe.getsockname()[1]
    controller.start()
    yield handler
    controller.stop()


# The contract

Delivered = Callable[[], list[tuple[str, str]]]


@pytest.fixture(params=["memory", "console", "smtp"])
def way(request: pytest.FixtureRequest) -> Iterator[tuple[Channel, Delivered]]:
    """A channel, and how to see the (recipient, subject) of what came out at its other end."""
    if request.param == "memory":
        memory = MemoryChannel()
        yield memory, lambda: [(sent.permit.to, sent.subject) for sent in memory.sent]
    elif request.param == "console":
        with structlog.testing.capture_logs() as lines:
            yield ConsoleChannel(), lambda: [(line["to"], line["subject"]) for line in lines]
    else:
        mail: MailServer = request.getfixturevalue("server")
        yield mail.channel(), lambda: [(str(sent["To"]), str(sent["Subject"])) for sent in mail.mails()]


async def test_what_is_sent_comes_out_once(way: tuple[Channel, Delivered]) -> None:
    channel, delivered = way
    await channel.send(outgoing())
    assert delivered() == [("dana@example.com", "Your message about 412 Oak Lane")]


async def test_the_receipt_is_a_function_of_the_message(way: tuple[Channel, Delivered]) -> None:
    channel, _ = way
    first, again = await channel.send(outgoing()), await channel.send(outgoing())
    other = await channel.send(outgoing(message_id=UUID(int=8)))
    assert first == again
    assert first.provider_message_id
    assert other != first


async def test_letters_of_any_script_arrive(way: tuple[Channel, Delivered]) -> None:
    channel, delivered = way
    await channel.send(outgoing(subject="Ваш дом: 奥克巷 412 🏡"))
    assert delivered() == [("dana@example.com", "Ваш дом: 奥克巷 412 🏡")]


# The e-mail itself


async def test_the_headers_are_those_of_the_standards(server: MailServer) -> None:
    await server.channel().send(outgoing())
    (mail,) = server.mails()
    assert mail["From"] == '"Riley Chen, Harbor & Pine" <hello@porchlight.example>'
    assert mail["Reply-To"] == "riley@porchlight.example"
    assert mail["Message-ID"] == f"<{UUID(int=7)}@porchlight.example>"
    assert mail["List-Unsubscribe"] == f"<{LINK}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert server.envelopes[0].mail_from == "hello@porchlight.example"
    assert server.envelopes[0].rcpt_tos == ["dana@example.com"]
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == "Hi Dana,\n\n.a line that starts with a dot\nGrüße\n"
    assert html.get_content().strip() == "<p>Hi Dana</p>"


def test_the_unsubscribe_address_is_on_one_line_of_the_wire() -> None:
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in compose(outgoing()).as_bytes()


def test_a_message_by_a_person_does_not_claim_to_be_automatic() -> None:
    mail = compose(outgoing(automated=False, unsubscribe_url=None, reply_to=None, html=None))
    assert not {"Auto-Submitted", "List-Unsubscribe", "Reply-To"} & set(mail.keys())


async def test_an_address_with_other_letters_is_sent_as_such(server: MailServer) -> None:
    await server.channel().send(outgoing(permit=permit("дана@example.com")))
    assert server.envelopes[0].rcpt_tos == ["дана@example.com"]


async def test_a_header_of_two_lines_is_never_sent(server: MailServer) -> None:
    with pytest.raises(PermanentFailure):
        await server.channel().send(outgoing(subject="Hello\r\nBcc: everyone@example.com"))
    with pytest.raises(PermanentFailure):
        await server.channel().send(outgoing(reply_to="a@example.com\nBcc: everyone@example.com"))
    assert server.envelopes == []


# What a failure means


@pytest.mark.parametrize(
    ("stage", "answer", "failure"),
    [
        ("to_recipient", "450 mailbox busy", TemporaryFailure),
        ("to_recipient", "550 no such mailbox", PermanentFailure),
        ("to_data", "451 try later", TemporaryFailure),
        ("to_data", "554 looks like spam \udcff", PermanentFailure),
    ],
)
async def test_an_answer_of_the_server_is_certain(
    server: MailServer, stage: str, answer: str, failure: type[TemporaryFailure | PermanentFailure]
) -> None:
    setattr(server, stage, answer.encode("utf-8", "replace").decode())
    with pytest.raises(failure, match=answer[:3]):
        await server.channel().send(outgoing())


async def test_a_server_that_is_not_there_took_nothing(server: MailServer) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = replace(server, port=probe.getsockname()[1])
        with pytest.raises(TemporaryFailure, match="cannot be reached"):
            await closed.channel().send(outgoing())


async def test_silence_after_the_text_is_uncertain(server: MailServer) -> None:
    server.delay = 1.0
    with pytest.raises(Uncertain):
        await server.channel(timeout_seconds=0.2).send(outgoing())
    assert len(server.envelopes) == 1


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[SmtpChannel]:
    """A channel to a server that does just what `script` does with each connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await script(reader, writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield SmtpChannel(SmtpServer("127.0.0.1", port, start_tls=False, timeout_seconds=5.0))


async def up_to_the_text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example\r\n")
    for answer in (b"250 mail.example\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n"):
        await reader.readline()
        writer.write(answer)
    await reader.readuntil(b"\r\n.\r\n")


async def test_a_connection_lost_after_the_text_is_uncertain() -> None:
    async with scripted(up_to_the_text) as channel:
        with pytest.raises(Uncertain):
            await channel.send(outgoing())


async def test_an_answer_without_sense_after_the_text_is_uncertain() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await up_to_the_text(reader, writer)
        writer.write(b"perhaps\r\n")
        await writer.drain()

    async with scripted(babble) as channel:
        with pytest.raises(Uncertain, match="no sense"):
            await channel.send(outgoing())


async def test_a_connection_lost_before_the_text_took_nothing() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        await reader.readline()

    async with scripted(hang_up) as channel:
        with pytest.raises(TemporaryFailure):
            await channel.send(outgoing())


async def test_a_wrong_password_is_mended_and_tried_again(server: MailServer) -> None:
    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=login.password == b"right", handled=False)

    guarded = Controller(server, hostname="127.0.0.1", port=0, authenticator=authenticate, auth_require_tls=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        guarded.port = probe.getsockname()[1]
    guarded.start()
    try:
        wrong = SmtpChannel(parse_smtp_url(f"smtp://hello:wrong@127.0.0.1:{guarded.port}"))
        with pytest.raises(TemporaryFailure, match="sign-in"):
            await wrong.send(outgoing())
        right = SmtpChannel(parse_smtp_url(f"smtp://hello:right@127.0.0.1:{guarded.port}"))
        await right.send(outgoing())
    finally:
        guarded.stop()
    assert len(server.envelopes) == 1


# The address of the server


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25, start_tls=None)),
        ("smtp://me:p%40ss@mail.example", SmtpServer("mail.example", 587, False, True, "me", "p@ss")),
        ("smtps://me:x@mail.example", SmtpServer("mail.example", 465, True, False, "me", "x")),
        ("smtp://me:x@localhost:2525", SmtpServer("localhost", 2525, False, False, "me", "x")),
        ("smtp://[::1]:2525", SmtpServer("::1", 2525, False, False)),
    ],
)
def test_a_server_is_named_by_url_and_a_password_asks_for_tls(url: str, expected: SmtpServer) -> None:
    assert parse_smtp_url(url) == expected
    assert "p@ss" not in repr(expected)


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://mail.example:no"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"mail server|[Pp]ort"):
        parse_smtp_url(url)
