"""The row that an import has in the database: what it was asked to do, and how far it is.

It moves in the transactions of the batches themselves, so it says what is in whenever a run is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from porchlight.audit.record import record
from porchlight.kit.bulk import insert_rows
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7
from porchlight.leads.tables import Import


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of rows. A row whose lead was here already, by whatever it is known, is matched."""

    created: int = 0
    matched: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        return self.created + self.matched + self.rejected

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.created + other.created, self.matched + other.matched, self.rejected + other.rejected)


@dataclass(frozen=True, slots=True)
class Entry:
    """An import that may go on, and what became of the rows it has taken in so far."""

    import_id: UUID
    done: Tally


_UNFINISHED: LiteralString = """
SELECT id, created, matched, rejected FROM imports
WHERE tenant_id = %s AND status = 'running' AND options->>'fingerprint' = %s
ORDER BY id DESC LIMIT 1
"""

_HOLD: LiteralString = """
SELECT status, created, matched, rejected FROM imports WHERE tenant_id = %s AND id = %s FOR UPDATE
"""

_ADVANCE: LiteralString = """
UPDATE imports
SET rows_done = %(rows)s, rows_total = %(total)s, created = %(created)s, matched = %(matched)s, rejected = %(rejected)s
WHERE tenant_id = %(tenant)s AND id = %(id)s
"""

_END: LiteralString = """
UPDATE imports SET status = %(status)s, error = %(error)s, finished_at = %(at)s, rows_total = rows_done
WHERE tenant_id = %(tenant)s AND id = %(id)s AND status IN ('preview', 'queued', 'running')
"""


async def unfinished(uow: UnitOfWork, fingerprint: str) -> Entry | None:
    """The import of the same file with the same options that was cut off, if there is one."""
    cursor = await uow.connection.execute(_UNFINISHED, (uow.tenant_id, fingerprint))
    row = await cursor.fetchone()
    return None if row is None else Entry(row[0], Tally(*row[1:]))


async def open_entry(uow: UnitOfWork, filename: str, options: dict[str, Any], *, status: str = "running") -> Entry:
    entry = Entry(uuid7(), Tally())
    await insert_rows(
        uow.connection,
        Import,
        [
            {
                "tenant_id": uow.tenant_id,
                "id": entry.import_id,
                "filename": filename,
                "status": status,
                "options": options,
                "created_by": uow.actor.id if uow.actor.kind == "user" else None,
                "created_at": uow.now(),
                "rows_done": 0,
                "created": 0,
                "matched": 0,
                "rejected": 0,
            }
        ],
    )
    record(uow, "import.opened", "import", entry.import_id, filename=filename)
    return entry


async def hold(uow: UnitOfWork, entry: Entry) -> None:
    """Lock the import until the commit. Raises `conflict` when it was cancelled, or when another run moved it on."""
    cursor = await uow.connection.execute(_HOLD, (uow.tenant_id, entry.import_id))
    row = await cursor.fetchone()
    if row is None or row[0] != "running":
        raise PorchlightError("conflict", "The import was cancelled; what was in by then has stayed in.")
    if Tally(*row[1:]) != entry.done:
        raise PorchlightError("conflict", "Another process is importing the same file; leave it to that one.")


async def advance(uow: UnitOfWork, entry: Entry, done: Tally, total: int) -> Entry:
    """Move an import that is held on to `done`, of `total` rows as far as can be told."""
    counts = {"created": done.created, "matched": done.matched, "rejected": done.rejected}
    values = {"tenant": uow.tenant_id, "id": entry.import_id, "rows": done.rows, "total": total}
    await uow.connection.execute(_ADVANCE, counts | values)
    return Entry(entry.import_id, done)


async def end(uow: UnitOfWork, entry: Entry, status: str, error: str | None = None) -> None:
    """Close the import as `done`, `failed` or `cancelled`; one that is closed already stays as it is."""
    cursor = await uow.connection.execute(
        _END,
        {"status": status, "error": error, "at": uow.now(), "tenant": uow.tenant_id, "id": entry.import_id},
    )
    if cursor.rowcount:
        done = entry.done
        counts = {"created": done.created, "matched": done.matched, "rejected": done.rejected}
        record(uow, f"import.{status}", "import", entry.import_id, **counts)
