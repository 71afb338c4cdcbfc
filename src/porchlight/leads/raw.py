"""The raw items: stored as they came before anything is made of them, once per origin and external id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.ids import uuid7
from porchlight.leads.tables import Inbound

Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class RawItem:
    """An item as it was sent: `n` is its place in the request, `key` its origin and external id."""

    n: int
    kind: str
    key: Key
    payload: Any
    lead_id: UUID | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """Rows on their way into the table: which item each key stands for, and the answer to wait for."""

    keys: Mapping[tuple[str, str], int]
    cursor: psycopg.AsyncCursor[Any] | None


_FAIL: LiteralString = """
UPDATE inbound i SET status = 'failed', error = r.error
FROM unnest(%s::uuid[], %s::text[]) AS r (id, error) WHERE i.tenant_id = %s AND i.id = r.id
"""
_ORIGINALS: LiteralString = """
SELECT origin, external_id, id FROM inbound
WHERE tenant_id = %s AND kind = 'activity' AND external_id = ANY(%s)
"""


async def store_raw(uow: UnitOfWork, items: Sequence[RawItem], door: str) -> Stored:
    """Send the items to their table; `new_ids` tells which of them were not there yet.

    What failed before may be sent again and takes the failed row over; what was done stays done. Of several items with
    one key in a request, the first that is sound counts.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    keys: dict[tuple[str, str], int] = {}
    now = uow.now()
    for item in sorted(items, key=lambda item: item.error is not None):
        row_id = uuid7()
        origin, external_id = item.key
        key = (origin, external_id or str(row_id))
        if key in rows:
            continue
        keys[key] = item.n
        rows[key] = {
            "tenant_id": uow.tenant_id,
            "id": row_id,
            "kind": item.kind,
            "door": door,
            "origin": origin,
            "external_id": key[1],
            "payload": item.payload,
            "received_at": now,
            "lead_id": item.lead_id,
            "status": "done" if item.error is None else "failed",
            "error": item.error,
        }
    # In one order everywhere, so that two requests with the same items wait for each other and never in a circle.
    cursor = await insert_rows(
        uow.connection,
        Inbound,
        [rows[key] for key in sorted(rows)],
        on_conflict="ON CONFLICT (tenant_id, external_id, kind, origin) DO UPDATE "
        "SET payload = excluded.payload, status = excluded.status, error = excluded.error, lead_id = excluded.lead_id "
        "WHERE inbound.status = 'failed'",
        returning=("origin", "external_id", "id"),
    )
    return Stored(keys, cursor)


async def new_ids(stored: Stored) -> dict[int, UUID]:
    """The id of each item that was not there yet, by its place in the request."""
    if stored.cursor is None:
        return {}
    return {stored.keys[origin, external_id]: row_id for origin, external_id, row_id in await stored.cursor.fetchall()}


async def mark_failed(uow: UnitOfWork, errors: Mapping[UUID, str]) -> None:
    if errors:
        await uow.connection.execute(_FAIL, (list(errors), list(errors.values()), uow.tenant_id))


async def find_originals(uow: UnitOfWork, keys: Mapping[int, Key]) -> dict[int, UUID]:
    """The activity that each repeated item already is."""
    asked = [external_id for _, external_id in keys.values() if external_id is not None]
    if not asked:
        return {}
    cursor = await uow.connection.execute(_ORIGINALS, (uow.tenant_id, asked))
    ids = {(origin, external_id): row_id for origin, external_id, row_id in await cursor.fetchall()}
    return {n: ids[key] for n, key in keys.items() if key in ids}
