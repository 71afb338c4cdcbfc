"""Writing the log, in the transaction of the deed."""

from __future__ import annotations

from typing import Any, LiteralString
from uuid import UUID

import orjson

from porchlight.kit.database import UnitOfWork

#: The chain is linked by the database in one statement, so that no other transaction can come between.
_APPEND: LiteralString = """
WITH head AS (
    INSERT INTO audit_heads AS h (tenant_id, seq, hash)
    VALUES (%(tenant)s, 1, sha256(sha256(uuid_send(%(tenant)s)) || int8send(1) || convert_to(%(body)s, 'UTF8')))
    ON CONFLICT (tenant_id) DO UPDATE
    SET seq = h.seq + 1, hash = sha256(h.hash || int8send(h.seq + 1) || convert_to(%(body)s, 'UTF8'))
    RETURNING seq, hash
)
INSERT INTO audit_entries (tenant_id, seq, body, hash) SELECT %(tenant)s, seq, %(body)s, hash FROM head
"""


def record(uow: UnitOfWork, deed: str, subject: str, subject_id: UUID | str | None = None, **details: Any) -> None:
    """Note that the actor did `deed` (`resource.verb`) to `subject`; written when the unit of work commits.

    `details` are what a reader needs to understand the deed; never a secret, and no more of a person than ids.
    """
    uow.at_commit(
        _append,
        {
            "at": uow.now(),
            "actor": {"kind": uow.actor.kind, "id": uow.actor.id, "label": uow.actor.label},
            "deed": deed,
            "subject": {"kind": subject, "id": subject_id},
            "details": details,
        },
    )


async def _append(uow: UnitOfWork, entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        body = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z).decode()
        await uow.connection.execute(_APPEND, {"tenant": uow.tenant_id, "body": body})
