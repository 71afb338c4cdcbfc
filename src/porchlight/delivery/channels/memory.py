"""A channel that keeps what it is given, for tests and rehearsals."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from porchlight.delivery.channels import DeliveryError, Outgoing, Receipt


@dataclass(slots=True)
class MemoryChannel:
    """`sent` holds what went, in order; each of `failures` is raised once, first come first served, instead."""

    sent: list[Outgoing] = field(default_factory=list)
    failures: deque[DeliveryError] = field(default_factory=deque)

    async def send(self, outgoing: Outgoing) -> Receipt:
        if self.failures:
            raise self.failures.popleft()
        self.sent.append(outgoing)
        return Receipt(f"memory:{outgoing.message_id}")
