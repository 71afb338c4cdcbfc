"""The import pages: choose a file, check the columns, watch it come in, fetch what was rejected."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import func, select
from starlette.datastructures import UploadFile

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import RuntimeDep, allowed
from porchlight.accounts.permissions import Permission
from porchlight.accounts.tables import User
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.kit.tables.records import FileUnreadable
from porchlight.leads.fields import CUSTOM, IGNORE
from porchlight.leads.imports import uploads
from porchlight.leads.imports.batches import BATCH_ROWS, ImportOptions
from porchlight.leads.imports.columns import BadMapping, MappedColumn, recognise
from porchlight.leads.tables import Import
from porchlight.web.forms import fields_of
from porchlight.web.shell import go, page, shell
from porchlight.web.vocabulary import LEAD_FIELDS, humanise

router = APIRouter(include_in_schema=False, prefix="/import")

Importer = Annotated[Caller, allowed(Permission.IMPORTS_WRITE)]

SHOWN_REJECTS = 10
_READ_AT_ONCE = 1 << 18
_SHOWN_OF_REJECTS = 50_000
"""Characters of the rejects file that are read to show its first rows."""


# Choose a file


@router.get("")
async def choose(request: Request, caller: Importer, runtime: RuntimeDep) -> Response:
    return await _upload_page(request, caller, runtime)


async def _upload_page(
    request: Request, caller: Caller, runtime: Runtime, error: PorchlightError | None = None
) -> Response:
    uow = caller.uow
    recent = await uploads.recent_imports(uow)
    people = await uow.session.execute(select(User.id, User.name).where(User.tenant_id == uow.tenant_id))
    names = {person.id: person.name for person in people}
    context = {
        "shell": await shell(request, caller, "import", live=False),
        "error": None if error is None else error.detail,
        "max_bytes": runtime.settings.max_upload_bytes,
        "recent": [
            {
                "id": str(row.id),
                "filename": row.filename,
                "at": row.created_at,
                "by": names.get(row.created_by) if row.created_by else None,
                "state": row.status,
                "rows": row.rows_done if row.finished_at else row.rows_total,
                "created": row.created,
                "matched": row.matched,
                "rejected": row.rejected,
            }
            for row in recent
        ],
    }
    return page(request, "import/upload.html", context, status=200 if error is None else error.status)


@router.post("")
async def upload(request: Request, caller: Importer, runtime: RuntimeDep) -> Response:
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        missing = PorchlightError("request_invalid", "Choose a file first.", field="file")
        return await _upload_page(request, caller, runtime, missing)
    try:
        async with caller.uow.savepoint():
            import_id = await uploads.store_upload(caller.uow, _file_name(file.filename), _content(file))
    except FileUnreadable as error:
        return await _upload_page(request, caller, runtime, error)
    return go(f"/import/{import_id}")


def _file_name(given: str) -> str:
    """The name without a path, in letters that can be shown."""
    name = "".join(c for c in given.replace("\\", "/").rpartition("/")[2] if c.isprintable())
    return name[-120:] or "leads.csv"


async def _content(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(_READ_AT_ONCE):
        yield part


# Check the columns


@router.get("/{import_id}")
async def show(request: Request, caller: Importer, runtime: RuntimeDep, import_id: UUID) -> Response:
    row = await uploads.find_import(caller.uow, import_id)
    if row.status != "preview":
        return await _run_page(request, caller, row)
    try:
        found = await uploads.preview(runtime, caller.uow.tenant_id, import_id)
    except FileUnreadable as error:
        await uploads.cancel_import(caller.uow, import_id)
        return await _upload_page(request, caller, runtime, error)
    columns = [_column(column) for column in found.mapping.columns]
    return await _preview_page(request, caller, row, found, columns, found.source)


def _column(column: MappedColumn) -> dict[str, Any]:
    known = column.confidence > 0
    return {
        "index": column.index,
        "name": column.column,
        "samples": column.samples,
        "field": "" if column.field == IGNORE else column.field,
        "confidence": column.confidence if known else None,
        "because": column.why[:1].upper() + column.why[1:],
    }


async def _preview_page(
    request: Request,
    caller: Caller,
    row: Import,
    found: uploads.Preview,
    columns: list[dict[str, Any]],
    source: str,
    error: PorchlightError | None = None,
) -> Response:
    context = {
        "shell": await shell(request, caller, "import", live=False),
        "upload": {
            "id": str(row.id),
            "filename": row.filename,
            "rows": found.read if found.read < BATCH_ROWS else None,
        },
        "columns": columns,
        "looked_at": {
            "rows": found.read,
            "rejected": found.rejected,
            "unread": sum(found.problems.values()) - found.rejected,
        },
        "fields": [
            {"group": group, "choices": [{"value": name, "label": label} for name, label in choices.items()]}
            for group, choices in LEAD_FIELDS.items()
        ],
        "source": source,
        "errors": {} if error is None else {"" if error.field == "map" else error.field or "": error.detail},
    }
    return page(request, "import/preview.html", context, status=200 if error is None else error.status)


@router.post("/{import_id}/start")
async def start(request: Request, caller: Importer, runtime: RuntimeDep, import_id: UUID) -> Response:
    row = await uploads.find_import(caller.uow, import_id)
    if row.status != "preview":
        return go(f"/import/{import_id}", "It has started already.", "cool")
    form = await fields_of(request)
    source = " ".join(form.get("source", "").split())
    found = await uploads.preview(runtime, caller.uow.tenant_id, import_id)
    try:
        overrides = _overrides(found.columns, form)
        recognise(found.columns, [], overrides=overrides)
        if not source or len(source) > 120:
            raise PorchlightError("request_invalid", "Say where these leads came from, in a few words.", field="source")
    except PorchlightError as error:
        columns = [
            _column(column) | {"field": form.get(f"map.{column.index}", column.field), "confidence": None}
            for column in found.mapping.columns
        ]
        return await _preview_page(request, caller, row, found, columns, source, error)
    await uploads.start_import(caller.uow, import_id, ImportOptions(overrides=overrides, source=source))
    return go(f"/import/{import_id}")


def _overrides(columns: list[str], form: Mapping[str, str]) -> dict[str, str]:
    """What each column is to become, as the selects of the form say. Raises `BadMapping`."""
    chosen = {column: form[f"map.{n}"] for n, column in enumerate(columns) if f"map.{n}" in form}
    offered = {"", CUSTOM}.union(*LEAD_FIELDS.values())
    for column, name in chosen.items():
        if name not in offered:
            raise BadMapping(f"Choose what {column!r} becomes from the list.")
    return {column: name or IGNORE for column, name in chosen.items()}


@router.post("/{import_id}/discard")
async def discard(caller: Importer, import_id: UUID) -> Response:
    row = await uploads.find_import(caller.uow, import_id)
    had_started = row.status != "preview"
    await uploads.cancel_import(caller.uow, import_id)
    if had_started:
        return go(f"/import/{import_id}", "The import is stopped. What was in stays in.", "cool")
    return go("/import", f"{row.filename} is discarded; nothing of it was taken in.", "cool")


# Watch it come in


async def _run_page(request: Request, caller: Caller, row: Import) -> Response:
    # The feed's number is read before the rest, so that no progress falls between the page and the feed.
    frame = await shell(request, caller, "import")
    await caller.uow.session.refresh(row)
    run = {
        "id": str(row.id),
        "filename": row.filename,
        "source": row.options.get("source") or row.filename,
        "state": row.status,
        "rows": row.rows_done,
        "total": row.rows_total,
        "created": row.created,
        "matched": row.matched,
        "rejected": row.rejected,
        "seconds": _seconds(row),
        "error": row.error,
        "rejects_url": f"/import/{row.id}/rejects.csv" if row.rejected else None,
        "rejects": await _first_rejects(caller, row.id) if row.rejected else [],
    }
    return page(request, "import/run.html", {"shell": frame, "run": run})


def _seconds(row: Import) -> float | None:
    """From the start that a person gave to the end; None before it."""
    started = row.options.get("started_at")
    return (row.finished_at - datetime.fromisoformat(started)).total_seconds() if started and row.finished_at else None


async def _first_rejects(caller: Caller, import_id: UUID) -> list[dict[str, Any]]:
    uow = caller.uow
    text = await uow.session.scalar(
        select(func.left(Import.rejects, _SHOWN_OF_REJECTS)).where(
            Import.tenant_id == uow.tenant_id, Import.id == import_id
        )
    )
    rows = csv.reader(islice((text or "").splitlines(keepends=True), 1, None))
    return [
        {"line": int(line), "reason": _sentence(reason or humanise(code)), "value": _shortened(cells) or None}
        for line, code, reason, *cells in islice((row for row in rows if len(row) > 2), SHOWN_REJECTS)
        if line.isdecimal()
    ]


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _shortened(cells: list[str]) -> str:
    said = ", ".join(filter(None, cells))
    return said if len(said) <= 80 else f"{said[:79]}…"


@router.get("/{import_id}/rejects.csv")
async def rejects(caller: Importer, import_id: UUID) -> Response:
    """The rejected rows with line and reason, to be corrected and imported again."""
    uow = caller.uow
    row = await uploads.find_import(uow, import_id)
    text = await uow.session.scalar(
        select(Import.rejects).where(Import.tenant_id == uow.tenant_id, Import.id == import_id)
    )
    if text is None:
        raise PorchlightError("not_found", "No row of this import was rejected.")
    stem = "".join(c for c in row.filename.partition(".")[0] if c.isascii() and (c.isalnum() or c in "-_ "))
    headers = {
        "content-disposition": f'attachment; filename="{stem or "leads"}.rejects.csv"',
        "cache-control": "no-store",
    }
    # The mark at the beginning has spreadsheets read it as UTF-8.
    return Response("\ufeff" + text, media_type="text/csv; charset=utf-8", headers=headers)
