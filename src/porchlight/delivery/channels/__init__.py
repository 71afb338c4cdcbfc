"""How a permitted message reaches the world: one port, and one file per way.

An implementation must know the difference between "it did not go" and "I cannot tell": only the first is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from porchlight.delivery.permit import Permit


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way. The recipient and the channel are those of the permit, so that they cannot differ."""

    message_id: UUID
    permit: Permit
    subject: str
    text: str
    html: str | None
    sender_name: str
    sender_address: str
    reply_to: str | None
    unsubscribe_url: str | None
    automated: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """That the next system took over the message, and its name for it: the same for the same message."""

    provider_message_id: str


class DeliveryError(Exception):
    """`reason` is a sentence for the person who reads the outbox."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(DeliveryError):  # noqa: N818 - the word of the outbox
    """The message certainly did not go; trying again later may help."""


class PermanentFailure(DeliveryError):  # noqa: N818 - the word of the outbox
    """The message certainly did not go, and never will."""


class Uncertain(DeliveryError):  # noqa: N818 - the word of the outbox
    """Nobody can tell whether the message went. It must not be sent again."""


class Channel(Protocol):
    async def send(self, outgoing: Outgoing) -> Receipt:
        """Hand the message over. Raises TemporaryFailure, PermanentFailure or Uncertain, and nothing else."""
        ...
