"""Checking the log: every entry must follow from the one before it, and the last must be the head's."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from porchlight.kit.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    body: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the log at `seq`: `altered`, `missing`, `reordered`, or `head` (cut off, or added to)."""

    seq: int
    kind: str
    sentence: str


def genesis(tenant_id: UUID) -> bytes:
    """What the first entry follows from."""
    return hashlib.sha256(tenant_id.bytes).digest()


def link(previous: bytes, seq: int, body: str) -> bytes:
    return hashlib.sha256(previous + seq.to_bytes(8, "big", signed=True) + body.encode()).digest()


class Chain:
    """Walks a tenant's entries in order of their numbers. Memory grows with the faults, not with the log."""

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id = tenant_id
        self.seq = 0
        self.hash = genesis(tenant_id)
        self._gaps: list[Fault] = []
        self._broken: list[tuple[bytes, Entry]] = []

    def take(self, entry: Entry) -> None:
        if entry.seq != self.seq + 1:
            self._gaps.append(Fault(self.seq + 1, "missing", f"{_span(self.seq + 1, entry.seq - 1)} missing."))
        elif link(self.hash, entry.seq, entry.body) != entry.hash:
            self._broken.append((self.hash, entry))
        self.seq, self.hash = entry.seq, entry.hash

    def faults(self, head: tuple[int, bytes] | None) -> list[Fault]:
        """What is wrong with the log, in order, once every entry was taken; `head` is the tenant's sealed head."""
        seq, digest = head or (0, genesis(self.tenant_id))
        ending = []
        if self.seq < seq:
            ending = [Fault(self.seq + 1, "missing", f"{_span(self.seq + 1, seq)} missing at the end.")]
        elif (self.seq, self.hash) != (seq, digest) and not self._broken:
            ending = [Fault(self.seq, "head", f"Entry {self.seq} is not the one that the head was sealed with.")]
        return sorted([*self._gaps, *_explain(self._broken), *ending], key=lambda fault: fault.seq)


def _span(first: int, last: int) -> str:
    return f"Entry {first} is" if first == last else f"Entries {first} to {last} are"


def _explain(broken: list[tuple[bytes, Entry]]) -> list[Fault]:
    """Tell entries that stand in another's place from entries that were changed.

    An entry belongs at a place when its own hash follows from the place's true predecessor; so each broken place is
    offered every broken entry.
    """
    faults = []
    truth: bytes | None = None
    for index, (stored, entry) in enumerate(broken):
        adjacent = index > 0 and broken[index - 1][1].seq == entry.seq - 1
        previous = truth if adjacent and truth is not None else stored
        rightful = next((e for _, e in broken if link(previous, entry.seq, e.body) == e.hash), None)
        truth = None if rightful is None else rightful.hash
        if rightful is None:
            sentence = f"Entry {entry.seq} does not follow from entry {entry.seq - 1}: one of them was altered."
            faults.append(Fault(entry.seq, "altered", sentence))
        elif rightful is not entry:
            sentence = f"Entry {entry.seq} was moved: what belongs here stands at {rightful.seq}."
            faults.append(Fault(entry.seq, "reordered", sentence))
    return faults


async def verify(uow: UnitOfWork) -> tuple[int, list[Fault]]:
    """The number of entries in the tenant's log, and its faults."""
    chain = Chain(uow.tenant_id)
    count = 0
    async for entry in _entries(uow):
        chain.take(entry)
        count += 1
    cursor = await uow.connection.execute("SELECT seq, hash FROM audit_heads WHERE tenant_id = %s", (uow.tenant_id,))
    row = await cursor.fetchone()
    return count, chain.faults(None if row is None else (row[0], bytes(row[1])))


async def _entries(uow: UnitOfWork) -> AsyncIterator[Entry]:
    async with uow.connection.cursor(name="audit") as cursor:
        await cursor.execute(
            "SELECT seq, body, hash FROM audit_entries WHERE tenant_id = %s ORDER BY seq", (uow.tenant_id,)
        )
        async for seq, body, digest in cursor:
            yield Entry(seq, body, bytes(digest))
