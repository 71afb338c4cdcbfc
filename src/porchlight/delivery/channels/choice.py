"""Which way each channel takes, from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from porchlight.delivery.channels import Channel
from porchlight.delivery.channels.console import ConsoleChannel
from porchlight.delivery.channels.smtp import SmtpChannel, parse_smtp_url
from porchlight.delivery.kinds import ChannelName
from porchlight.kit.settings import Settings


@cache
def channels_of(settings: Settings) -> Mapping[ChannelName, Channel]:
    """The ways this installation has. Without a mail server, e-mail goes to the log. Raises ValueError for a mail
    server that cannot be read."""
    console = ConsoleChannel()
    if settings.smtp_url is None:
        return {"console": console, "email": console}
    return {"console": console, "email": SmtpChannel(parse_smtp_url(settings.smtp_url.get_secret_value()))}
