"""`porchlight import`: leads from a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import orjson
import psycopg
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from porchlight.cli.session import console, fail, find_tenant, run
from porchlight.kit.database import Actor
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.leads.fields import CUSTOM, IGNORE
from porchlight.leads.imports.batches import ImportOptions
from porchlight.leads.imports.columns import ColumnMapping, parse_overrides
from porchlight.leads.imports.run import ImportResult, Progress, run_import

_ACTOR = Actor("system", None, "porchlight import")


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, gzipped CSV or Parquet.", show_default=False)],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=FIELD, to overrule what is recognised; repeatable.")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option("--external-id", help="Column that identifies a lead in the system it comes from.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The leads' source where no column gives one; the file's name by default.")
    ] = None,
    outcome: Annotated[str | None, typer.Option(help="Column with past results (won or lost), to learn from.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Name or id of the tenant, where there are several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Take in the leads of a file. An import that was cut off goes on where it stopped when it is run again."""
    try:
        options = ImportOptions(parse_overrides(mapping or []), external_id, source, outcome)
    except PorchlightError as error:
        fail(f"{error.title}. {error.detail}")
    tenant_id = find_tenant(tenant)

    async def work(runtime: Runtime) -> ImportResult:
        if as_json:
            return await run_import(runtime, tenant_id, _ACTOR, file, options)
        with _bar() as bar:
            task = bar.add_task(escape(file.name), total=None)

            def show(progress: Progress) -> None:
                bar.update(task, completed=progress.done.rows, total=progress.total)

            return await run_import(
                runtime, tenant_id, _ACTOR, file, options, on_mapping=_show_mapping, on_progress=show
            )

    try:
        result = run(work)
    except psycopg.OperationalError as error:
        said = str(error).strip().partition("\n")[0]
        fail(f"The database stopped answering ({said}). Import the file again: it goes on where it stopped.")
    if as_json:
        typer.echo(orjson.dumps(_answer(result)).decode())
    else:
        _show_result(result)


def _bar() -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _show_mapping(mapping: ColumnMapping) -> None:
    table = Table("column", "field", "why", "for example", box=None, header_style="bold")
    for column in mapping.columns:
        if column.field not in (CUSTOM, IGNORE):
            cells = (column.column, column.field, column.why, ", ".join(column.samples))
            table.add_row(*(escape(cell) for cell in cells))
    console.print(table)
    for field, becomes in ((CUSTOM, "Kept as custom fields"), (IGNORE, "Left out")):
        names = [column.column for column in mapping.columns if column.field == field]
        if names:
            console.print(f"{becomes}: {escape(', '.join(names))}.")


def _show_result(result: ImportResult) -> None:
    speed = f"{result.rows / result.seconds:,.0f} a second" if result.seconds else ""
    console.print(
        f"[bold]{result.rows:,} rows[/] in {result.seconds:.1f} s ({speed}): {result.created:,} new leads, "
        f"{result.matched:,} already known, {result.rejected:,} rejected."
    )
    for sentence in _remarks(result.notices):
        console.print(f"  {sentence}")
    if result.rejects_file is not None:
        console.print(f"The rejected rows, with line and reason: {escape(str(result.rejects_file))}")


def _remarks(notices: Counter[str]) -> list[str]:
    return [f"{count:,} × {code}: the text is kept as a custom field" for code, count in notices.most_common()]


def _answer(result: ImportResult) -> dict[str, object]:
    return {
        "rows": result.rows,
        "created": result.created,
        "matched": result.matched,
        "rejected": result.rejected,
        "rejects_file": None if result.rejects_file is None else str(result.rejects_file),
        "seconds": round(result.seconds, 3),
    }
