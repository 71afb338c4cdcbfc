"""A file's rows as leads: the plan of a mapping, and the one function that carries it out row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from hashlib import blake2b
from typing import NamedTuple

from porchlight.kit.tables.records import Record, Reject
from porchlight.leads.assembly import (
    BLANKS_OF,
    LONGEST_TEXT,
    SETTERS,
    BadOutcome,
    Draft,
    Notice,
    Reading,
    Setter,
    finished,
    keep,
)
from porchlight.leads.fields import CUSTOM, IGNORE
from porchlight.leads.imports.columns import ColumnMapping
from porchlight.leads.inputs import LeadInput


class LeadRow(NamedTuple):
    """A row that goes in, and what of it could not be read as its field (and is kept as custom)."""

    line: int
    lead: LeadInput
    notices: list[Notice]


@dataclass(frozen=True, slots=True)
class RowPlan:
    """Where each cell of a row goes. Made once for a file, so that a row costs no look-ups by name."""

    source: str
    reading: Reading
    known: tuple[tuple[int, Setter, frozenset[str], str], ...]
    custom: tuple[tuple[int, str], ...]
    columns: tuple[str, ...]
    id_column: str | None
    id_required: bool


def plan_rows(
    mapping: ColumnMapping, *, source: str, region: str = "US", zone: tzinfo = UTC, id_required: bool = False
) -> RowPlan:
    """The plan for a file. `source` is the lead's source where no column gives one, and names the origin of the ids.

    With `id_required` a row without an external id is rejected; otherwise it is identified by its content.
    """
    return RowPlan(
        source=source,
        reading=Reading(region, zone, mapping.day_first),
        known=tuple(
            (column.index, SETTERS[column.field], BLANKS_OF[column.field], column.column)
            for column in mapping.columns
            if column.field in SETTERS
        ),
        custom=tuple(
            (column.index, column.field.partition(":")[2] or column.column)
            for column in mapping.columns
            if column.field.startswith(CUSTOM)
        ),
        columns=tuple(column.column for column in mapping.columns if column.field != IGNORE),
        id_column=mapping.column_of("external_id"),
        id_required=id_required,
    )


def read_rows(plan: RowPlan, rows: Iterable[Record | Reject]) -> Iterator[LeadRow | Reject]:
    """Every row as a lead or a reject, in the file's order."""
    for row in rows:
        yield row if isinstance(row, Reject) else read_row(plan, row)


def read_row(plan: RowPlan, row: Record) -> LeadRow | Reject:
    line, cells = row
    draft = Draft(plan.reading)
    try:
        for index, put, blanks, column in plan.known:
            text = cells[index].strip()
            if text and text.lower() not in blanks:
                put(draft, column, text)
    except BadOutcome as error:
        return Reject(line, error.column, "outcome.invalid", str(error), cells)
    blanks = BLANKS_OF[CUSTOM]
    for index, key in plan.custom:
        text = cells[index].strip()
        if text and text.lower() not in blanks:
            keep(draft, key, text)
    identity = draft.texts.get("external_id")
    if identity is None:
        if plan.id_required:
            return _unidentified(plan, row)
        lead = finished(draft, ORIGIN_OF_UNNUMBERED, content_id(row, anywhere=bool(draft.points)), plan.source)
    else:
        lead = finished(draft, f"import:{plan.source}", identity, plan.source)
    return LeadRow(line, lead, draft.notices)


ORIGIN_OF_UNNUMBERED = "import"
"""The origin of leads identified by their content, the same for all files: it makes a renamed file the same file."""


def content_id(row: Record, *, anywhere: bool) -> str:
    """An external id from a row's content, so that importing a file again changes nothing.

    Without `anywhere` the line counts too: rows that say nothing of who it is may be alike and yet be different people.
    """
    text = "\x1f".join(row.cells) if anywhere else f"{row.line}\x1e" + "\x1f".join(row.cells)
    return "row-" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _unidentified(plan: RowPlan, row: Record) -> Reject:
    column = plan.id_column
    sentence = (
        f"the row has no identifier in {column!r}, or one of more than {LONGEST_TEXT} characters:"
        " correct it, or import without --external-id"
    )
    return Reject(row.line, column, "external_id.missing", sentence, row.cells)
