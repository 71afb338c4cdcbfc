"""The feed: what happened, numbered without gaps per tenant, so that a client that comes back misses nothing.

The tenant's head row is the last lock a transaction takes, and it is held until the commit: the order of the numbers is
therefore the order of the commits, and a reader who has seen number n can never meet a smaller one later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import orjson
import psycopg

#: NOTIFY carries less than 8,000 bytes; beyond this the listeners read the frames from the table.
NOTICE_BYTES = 7_000
CHANNEL = "porchlight_feed"
#: How long frames are kept for clients that come back.
KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Frame:
    """One notice to live clients. `audience` holds the users and teams who may see it; None means the whole tenant."""

    kind: str
    at: datetime
    lead_id: UUID | None = None
    body: dict[str, Any] | None = None
    audience: tuple[UUID, ...] | None = None

    def encode(self) -> str:
        """The frame as JSON, without its number, which only the database knows."""
        members = {"kind": self.kind, "lead_id": self.lead_id, "at": self.at, **(self.body or {})}
        return orjson.dumps(members, option=orjson.OPT_UTC_Z).decode()


@dataclass(frozen=True, slots=True)
class NumberedFrame:
    seq: int
    audience: frozenset[UUID] | None
    text: str


_APPEND: LiteralString = """
WITH given AS (
    SELECT n, lead_id, kind, audience, body
    FROM unnest(%(leads)s::uuid[], %(kinds)s::text[], %(audiences)s::text[], %(bodies)s::text[])
         WITH ORDINALITY AS g (lead_id, kind, audience, body, n)
), head AS (
    INSERT INTO feed_heads (tenant_id, seq) VALUES (%(tenant)s, %(count)s)
    ON CONFLICT (tenant_id) DO UPDATE SET seq = feed_heads.seq + excluded.seq
    RETURNING seq - %(count)s AS base
), added AS (
    INSERT INTO feed (tenant_id, seq, at, lead_id, kind, audience, body)
    SELECT %(tenant)s, base + n, %(at)s, lead_id, kind, audience,
           '{"seq":' || (base + n) || ',' || substr(body, 2)
    FROM given, head
    RETURNING seq, audience, body
), notice AS (
    SELECT min(seq) AS first, max(seq) AS last,
           string_agg(coalesce(audience, '*') || ' ' || body, E'\\n' ORDER BY seq) AS frames
    FROM added
)
SELECT pg_notify(%(channel)s, concat_ws(E'\\n', concat_ws(' ', %(tenant)s::text, first, last),
       CASE WHEN octet_length(frames) <= %(limit)s THEN frames END))
FROM notice
"""


async def append_frames(connection: psycopg.AsyncConnection[Any], tenant_id: UUID, frames: Sequence[Frame]) -> None:
    """Number, store and announce `frames`. Call it last before the commit; it is all one statement."""
    await connection.execute(
        _APPEND,
        {
            "tenant": tenant_id,
            "count": len(frames),
            "at": frames[-1].at,
            "leads": [frame.lead_id for frame in frames],
            "kinds": [frame.kind for frame in frames],
            "audiences": [None if f.audience is None else ",".join(map(str, f.audience)) for f in frames],
            "bodies": [frame.encode() for frame in frames],
            "channel": CHANNEL,
            "limit": NOTICE_BYTES,
        },
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """What a NOTIFY says: these numbers are there now; `frames` is None where they did not fit."""

    tenant_id: UUID
    first: int
    last: int
    frames: tuple[NumberedFrame, ...] | None


def parse_notice(payload: str) -> Notice:
    head, _, rest = payload.partition("\n")
    tenant, first, last = head.split(" ")
    if not rest:
        return Notice(UUID(tenant), int(first), int(last), None)
    frames = []
    for seq, line in enumerate(rest.split("\n"), start=int(first)):
        audience, _, text = line.partition(" ")
        frames.append(NumberedFrame(seq, _audience(None if audience == "*" else audience), text))
    return Notice(UUID(tenant), int(first), int(last), tuple(frames))


async def read_frames(
    connection: psycopg.AsyncConnection[Any],
    tenant_id: UUID,
    *,
    after: int,
    up_to: int | None = None,
    limit: int = 1000,
) -> list[NumberedFrame]:
    """The tenant's frames with numbers above `after`, in order, at most `limit`."""
    cursor = await connection.execute(
        "SELECT seq, audience, body FROM feed WHERE tenant_id = %s AND seq > %s AND seq <= %s ORDER BY seq LIMIT %s",
        (tenant_id, after, up_to if up_to is not None else 2**62, limit),
    )
    return [NumberedFrame(seq, _audience(audience), body) for seq, audience, body in await cursor.fetchall()]


async def prune_feed(connection: psycopg.AsyncConnection[Any], tenant_id: UUID, now: datetime) -> None:
    """Drop the frames that nobody may ask for any more."""
    await connection.execute("DELETE FROM feed WHERE tenant_id = %s AND at < %s", (tenant_id, now - KEPT_FOR))


async def feed_bounds(connection: psycopg.AsyncConnection[Any], tenant_id: UUID) -> tuple[int, int]:
    """The oldest number still kept (head + 1 when nothing is) and the newest number given."""
    cursor = await connection.execute(
        "SELECT coalesce((SELECT seq FROM feed_heads WHERE tenant_id = %(t)s), 0),"
        " (SELECT min(seq) FROM feed WHERE tenant_id = %(t)s)",
        {"t": tenant_id},
    )
    row = await cursor.fetchone()
    head, oldest = row if row is not None else (0, None)
    return (head + 1 if oldest is None else oldest), head


def _audience(text: str | None) -> frozenset[UUID] | None:
    return None if text is None else frozenset(UUID(part) for part in text.split(",") if part)
