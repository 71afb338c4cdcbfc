"""A channel that writes each message to the log: for the demo, and while no mail server is set."""

from __future__ import annotations

import structlog

from porchlight.delivery.channels import Outgoing, Receipt

_log = structlog.get_logger("porchlight.delivery.console")


class ConsoleChannel:
    async def send(self, outgoing: Outgoing) -> Receipt:
        _log.info(
            "message",
            message_id=str(outgoing.message_id),
            channel=outgoing.permit.channel,
            to=outgoing.permit.to,
            subject=outgoing.subject,
            text=outgoing.text,
            unsubscribe_url=outgoing.unsubscribe_url,
        )
        return Receipt(f"console:{outgoing.message_id}")
