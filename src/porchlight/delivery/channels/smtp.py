"""E-mail by SMTP.

What a failure means depends on when it comes (RFC 5321, sections 4.2.1 and 4.5.3.2). Until the message text is
offered, nothing has gone. A refusal of the text is a refusal. But a connection that breaks while the text is on its way
says nothing: the server may have taken it, and the answer may be what was lost.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from porchlight.delivery.channels import Outgoing, PermanentFailure, Receipt, TemporaryFailure, Uncertain
from porchlight.delivery.templates import one_line

# Shorter lines would cut the List-Unsubscribe address in two; 998 is what RFC 5321 allows.
_POLICY = SMTP_POLICY.clone(max_line_length=990)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where and how to hand in mail. `start_tls`: True demands it, None takes it where offered, False goes without."""

    host: str
    port: int
    tls: bool = False
    start_tls: bool | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0


def parse_smtp_url(url: str) -> SmtpServer:
    """The server that `PORCHLIGHT_SMTP_URL` names: smtp://user:password@host:port, or smtps:// for TLS from the start.

    A password is never sent in the clear, except to this machine. Raises ValueError for anything else.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("the mail server must look like smtp://user:password@host:port or smtps://host:port")
    tls = parts.scheme == "smtps"
    has_password = parts.username is not None
    start_tls = None if not has_password else True
    if tls or _is_loopback(parts.hostname):
        start_tls = False
    return SmtpServer(
        host=parts.hostname,
        port=parts.port or (465 if tls else 587 if has_password else 25),
        tls=tls,
        start_tls=start_tls,
        username=unquote(parts.username) if parts.username is not None else None,
        password=unquote(parts.password or "") if has_password else None,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def compose(outgoing: Outgoing) -> EmailMessage:
    """The message as it goes over the wire. Its Message-ID is a function of our id, so that a mailbox that ever gets it
    twice can tell. Raises ValueError where a header would not be one line."""
    domain = outgoing.sender_address.rpartition("@")[2]
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(outgoing.sender_name, addr_spec=outgoing.sender_address)
    message["To"] = outgoing.permit.to
    message["Subject"] = outgoing.subject
    message["Date"] = outgoing.permit.at
    message["Message-ID"] = f"<{outgoing.message_id}@{domain}>"
    if outgoing.reply_to:
        message["Reply-To"] = outgoing.reply_to
    if outgoing.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{outgoing.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if outgoing.automated:
        # RFC 3834: so that out-of-office replies and other robots do not answer.
        answers = outgoing.permit.purpose == "inquiry_reply"
        message["Auto-Submitted"] = "auto-replied" if answers else "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message.set_content(outgoing.text)
    if outgoing.html is not None:
        message.add_alternative(outgoing.html, subtype="html")
    return message


@dataclass(frozen=True, slots=True)
class SmtpChannel:
    server: SmtpServer

    async def send(self, outgoing: Outgoing) -> Receipt:
        try:
            message = compose(outgoing)
            wire = message.as_bytes()
        except (ValueError, UnicodeError) as error:
            raise PermanentFailure(f"The message cannot be written as an e-mail: {error}") from error
        client = aiosmtplib.SMTP(
            hostname=self.server.host,
            port=self.server.port,
            use_tls=self.server.tls,
            start_tls=self.server.start_tls,
            username=self.server.username,
            password=self.server.password,
            timeout=self.server.timeout_seconds,
        )
        try:
            await _offer(client, outgoing)
            await _hand_over(client, wire)
        finally:
            await _leave(client)
        return Receipt(str(message["Message-ID"]))


async def _offer(client: aiosmtplib.SMTP, outgoing: Outgoing) -> None:
    """Connect, sign in and name sender and recipient: whatever fails here, nothing has gone."""
    international = not (outgoing.permit.to.isascii() and outgoing.sender_address.isascii())
    try:
        await client.connect()
        if international:
            await client.ehlo()
            if not client.supports_extension("smtputf8"):
                raise PermanentFailure("The mail server does not take addresses with such letters")
        options = ["SMTPUTF8"] if international else []
        encoding = "utf-8" if international else "ascii"
        await client.mail(outgoing.sender_address, options=options, encoding=encoding)
        await client.rcpt(outgoing.permit.to, encoding=encoding)
    except aiosmtplib.SMTPAuthenticationError as error:
        # It is the operator's to mend, and the message is good: it must outlive a changed password.
        raise TemporaryFailure(f"The mail server does not accept our sign-in: {one_line(error.message)}") from error
    except aiosmtplib.SMTPResponseException as error:
        raise _answered(error) from error
    except (aiosmtplib.SMTPException, OSError, ssl.SSLError) as error:
        raise TemporaryFailure(f"The mail server cannot be reached: {error}") from error


async def _hand_over(client: aiosmtplib.SMTP, wire: bytes) -> None:
    try:
        await client.data(wire)
    except aiosmtplib.SMTPServerDisconnected as error:
        raise Uncertain(f"The mail server hung up while it took the message: {error}") from error
    except aiosmtplib.SMTPResponseException as error:
        if 400 <= error.code < 600:
            raise _answered(error) from error
        raise Uncertain(f"The mail server's answer makes no sense: {one_line(error.message)}") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Uncertain(f"The mail server did not say whether it took the message: {error}") from error


async def _leave(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _answered(error: aiosmtplib.SMTPResponseException) -> TemporaryFailure | PermanentFailure:
    failure = PermanentFailure if error.code >= 500 else TemporaryFailure
    return failure(f"The mail server answered {error.code}: {one_line(error.message)}")
