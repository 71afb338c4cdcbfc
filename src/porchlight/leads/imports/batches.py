"""A file as batches of leads ready to be captured: everything about an import that needs no database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from porchlight.kit.tables.reading import bare_name, batches, open_table
from porchlight.kit.tables.records import Record, Reject
from porchlight.leads.assembly import Reading
from porchlight.leads.capture import Incoming
from porchlight.leads.imports.columns import ColumnMapping, recognise
from porchlight.leads.imports.rows import RowPlan, plan_rows, read_row

BATCH_ROWS = 2_000
"""Rows in one transaction. Measured: from 1,000 to 4,000 the speed is the same; more only holds locks for longer."""

SAMPLED_ROWS = 1_000
"""Rows that are looked at to tell the columns' fields."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a person wants a file read: `overrides` gives columns their field, `external_id` and `outcome` name columns.

    `source` is the leads' source where no column gives one; by default the file's name.
    """

    overrides: Mapping[str, str] = field(default_factory=dict)
    external_id: str | None = None
    source: str | None = None
    outcome: str | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class Item(NamedTuple):
    """A row that is to go in: as it stood in the file, as a lead, and the codes of what in it could not be read."""

    record: Record
    incoming: Incoming
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """The next rows of a file. `fraction` is how much of the file is read with them, from 0 to 1."""

    items: list[Item]
    rejects: list[Reject]
    fraction: float

    def __len__(self) -> int:
        return len(self.items) + len(self.rejects)


@dataclass(frozen=True, slots=True)
class Source:
    """An open file whose columns are recognised. `batches` can be walked once, by one thread at a time.

    `skipped_to` is the line of the last row that was left out because an earlier run has taken it in; 0 without one.
    """

    columns: list[str]
    mapping: ColumnMapping
    sample: list[Record | Reject]
    plan: RowPlan
    skipped_to: int
    batches: Iterator[Batch]


@contextmanager
def open_source(
    path: Path, options: ImportOptions, reading: Reading, *, name: str | None = None, skip: int = 0
) -> Iterator[Source]:
    """Open a file and recognise its columns; `skip` rows are left out. Raises `FileUnreadable` and `BadMapping`.

    `name` is the file's own name where it is kept under another.
    """
    with open_table(path) as table:
        sample = list(islice(table.rows, SAMPLED_ROWS))
        mapping = recognise(
            table.columns,
            [row.cells for row in sample if isinstance(row, Record)],
            overrides=options.overrides,
            external_id=options.external_id,
            outcome=options.outcome,
            region=reading.region,
        )
        plan = plan_rows(
            mapping,
            source=options.source or bare_name(Path(name) if name else path),
            region=reading.region,
            zone=reading.zone,
            id_required=options.external_id is not None,
        )
        rows = chain(sample, table.rows)
        skipped_to = 0
        for row in islice(rows, skip):
            skipped_to = row.line
        walk = (_batch(table.columns, plan, part, table.progress()) for part in batches(rows, BATCH_ROWS))
        yield Source(table.columns, mapping, sample, plan, skipped_to, walk)


def _batch(columns: list[str], plan: RowPlan, rows: list[Record | Reject], fraction: float) -> Batch:
    items: list[Item] = []
    rejects: list[Reject] = []
    for row in rows:
        read = row if isinstance(row, Reject) else read_row(plan, row)
        if isinstance(read, Reject):
            rejects.append(read)
        else:
            assert isinstance(row, Record)
            raw = {column: cell for column, cell in zip(columns, row.cells, strict=True) if cell}
            items.append(Item(row, Incoming(read.lead, raw), tuple(notice.code for notice in read.notices)))
    return Batch(items, rejects, fraction)
