"""`porchlight dedupe`: who is whom in a table or across two, without a server or a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import orjson
import polars as pl
import typer
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table as Shown
from rich.text import Text

from porchlight.cli.session import console, fail
from porchlight.intelligence.identity.explain import Step, waterfall
from porchlight.intelligence.identity.fields import find_id
from porchlight.intelligence.identity.keys import name_of
from porchlight.intelligence.identity.resolve import (
    DEFAULT_THRESHOLD,
    Resolution,
    clusters,
    evidence_of,
    log2_odds,
    log_odds_of,
    resolve,
)
from porchlight.kit.tables.frame import TextFrame, read_frame
from porchlight.kit.tables.records import FileUnreadable

_BAR = 10
_BITS_PER_BAR = 24.0
"""A whole bar: odds of 16 million to one."""


class _Read(NamedTuple):
    """One table, with the name of each row."""

    path: Path
    frame: TextFrame
    id_column: str | None
    ids: list[str]


def dedupe(
    table: Annotated[Path, typer.Argument(help="CSV, gzipped CSV or Parquet.", show_default=False)],
    other: Annotated[Path | None, typer.Argument(help="Link with this table instead of looking inside one.")] = None,
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write the pairs to.", show_default=False)] = ...,  # type: ignore[assignment]
    identifier: Annotated[
        str | None, typer.Option("--id", help="Column that names a row; found by its name, or the line number.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Column to leave out; repeatable.")] = None,
    threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Least probability of a pair that is written.")
    ] = DEFAULT_THRESHOLD,
    cluster_file: Annotated[
        Path | None, typer.Option("--clusters", help="CSV or Parquet to write the person of every row to.")
    ] = None,
    explain: Annotated[
        tuple[str, str] | None, typer.Option(help="Two ids: show what speaks for and against their being one person.")
    ] = None,
    region: Annotated[str, typer.Option(help="Country of phone numbers without one, as in US.")] = "US",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")] = False,
) -> None:
    """Find the records that are one person's, learning from the table itself what tells people apart."""
    with _failing(), _progress(quiet=as_json) as show:
        reads = [_read(path, identifier, show) for path in (table, other) if path is not None]
        leave = frozenset([*(ignore or []), *(read.id_column for read in reads if read.id_column)])
        missing = [name for name in ignore or [] if all(name not in read.frame.rows.columns for read in reads)]
        if missing:
            fail(f"No table has a column “{escape(missing[0])}” (--ignore).")
        found = resolve(reads[0].frame.rows, reads[1].frame.rows if other else None, leave, region, show)
        ids = [name for read in reads for name in read.ids]
        pairs = _pairs(found, ids, threshold)
        _write(pairs, out)
        people = clusters(found, len(ids), threshold)
        if cluster_file is not None:
            _write(_clusters(reads, ids, people), cluster_file)
        rejected = [_write_rejects(read, out) for read in reads]
        steps = None if explain is None else _explained(found, reads, explain)
    remarks = [remark for read in reads for remark in read.frame.remarks]
    remarks += [sentence for sentence in rejected if sentence]
    if as_json:
        answer = _answer(found, pairs.height, len(set(people.tolist())), remarks)
        answer["explained"] = None if steps is None else [asdict(step) for step in steps]
        typer.echo(orjson.dumps(answer).decode())
        return
    _show(found, pairs.height, len(ids), len(set(people.tolist())), threshold, remarks)
    if explain is not None and steps is not None:
        _show_steps(explain, steps)
    console.print(f"The pairs: {escape(str(out))}")


def _read(path: Path, identifier: str | None, show: Callable[[str, float], None]) -> _Read:
    frame = read_frame(path, lambda part: show(f"Reading {path.name}", part))
    rows = frame.rows
    if identifier is not None and identifier not in rows.columns:
        fail(f"{escape(path.name)} has no column “{escape(identifier)}” (--id).")
    column = identifier or find_id(rows)
    if column is None:
        return _Read(path, frame, None, [str(line) for line in frame.lines])
    ids = rows[column].to_list()
    seen: dict[str, int] = {}
    for name, line in zip(ids, frame.lines, strict=True):
        if name in seen:
            said = (
                f"the id “{escape(name)}” stands in lines {seen[name]} and {line}" if name else f"line {line} has no id"
            )
            fail(
                f"{escape(path.name)}: {said}. Name a column with --id that is different in every row, or leave it out."
            )
        seen[name] = line
    return _Read(path, frame, column, ids)


def _pairs(found: Resolution, ids: list[str], threshold: float) -> pl.DataFrame:
    """The pairs from `threshold` on, likeliest first, with the bits that each field brings."""
    kept = np.flatnonzero(found.pairs.log_odds >= log2_odds(threshold))
    kept = kept[np.argsort(-found.pairs.log_odds[kept], kind="stable")]
    left, right = found.pairs.left[kept], found.pairs.right[kept]
    evidence = evidence_of(found, left, right)
    names = np.array(ids, object)
    columns = {
        "id_left": pl.Series(names[left].tolist(), dtype=pl.String),
        "id_right": pl.Series(names[right].tolist(), dtype=pl.String),
        "probability": pl.Series(found.probabilities()[kept]).round(6),
    }
    for field, weight in zip(found.model.fields, evidence.weights, strict=True):
        columns[field.name if field.name not in columns else f"{field.name} weight"] = pl.Series(weight).round(2)
    columns["shared with others"] = pl.Series(evidence.shared).round(2)
    columns["records beside"] = pl.Series(found.pairs.log_odds[kept] - evidence.log_odds).round(2)
    return pl.DataFrame(columns)


def _clusters(reads: list[_Read], ids: list[str], people: np.ndarray) -> pl.DataFrame:
    """The person of every row, named by the first of its rows."""
    named = pl.DataFrame(
        {"id": ids, "cluster": [ids[row] for row in people.tolist()]}, schema_overrides={"id": pl.String}
    )
    if len(reads) == 1:
        return named
    tables = [read.path.name for read in reads for _ in read.ids]
    of = [tables[row] for row in people.tolist()]
    clusters_ = pl.Series("cluster", [f"{table}:{name}" for table, name in zip(of, named["cluster"], strict=True)])
    return named.with_columns(clusters_).insert_column(0, pl.Series("table", tables))


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_csv(path)


def _write_rejects(read: _Read, out: Path) -> str | None:
    """Keeps the rows that could not be read in a file beside `out`, and says so."""
    rejects = read.frame.rejects
    if not rejects:
        return None
    path = out.with_name(f"{out.stem}.{read.path.stem}.rejects.csv")
    rows = {
        "line": [reject.line for reject in rejects],
        "reason": [reject.sentence for reject in rejects],
        "row": [" | ".join(reject.cells) for reject in rejects],
    }
    _write(pl.DataFrame(rows), path)
    return f"{len(rejects):,} rows of {read.path.name} could not be read and were left out; they are in {path}"


def _explained(found: Resolution, reads: list[_Read], wanted: tuple[str, str]) -> list[Step]:
    offset = len(reads[0].ids) if len(reads) == 2 else 0
    rows = []
    for name, read, before in ((wanted[0], reads[0], 0), (wanted[1], reads[-1], offset)):
        if name not in read.ids:
            fail(f"{escape(read.path.name)} has no row with the id “{escape(name)}” (--explain).")
        rows.append(read.ids.index(name) + before)
    left, right = np.array([rows[0]]), np.array([rows[1]])
    evidence = evidence_of(found, left, right)
    return waterfall(found.scorer, rows[0], rows[1], evidence, log_odds_of(found, rows[0], rows[1]))


def _answer(found: Resolution, pairs: int, people: int, remarks: list[str]) -> dict[str, object]:
    return {
        "columns": [{"name": column.name, "kind": column.kind, "why": column.why} for column in found.columns],
        "pairs": pairs,
        "people": people,
        "compared": found.compared,
        "one_to_one": found.one_to_one,
        "blocking": [
            {"key": name_of(key.key), "pairs": key.pairs, "finds": round(key.finds, 4)} for key in found.model.keys
        ],
        "card": asdict(found.model.card),
        "remarks": remarks,
    }


def _show(found: Resolution, pairs: int, rows: int, people: int, threshold: float, remarks: list[str]) -> None:
    columns = Shown("column", "holds", "why", box=None, header_style="bold")
    for column in found.columns:
        columns.add_row(*(escape(cell) for cell in (column.name, column.kind or "left out", column.why)))
    console.print(columns)
    keys = Shown("compared where these agree", "pairs", "finds alone", box=None, header_style="bold")
    for key in found.model.keys:
        keys.add_row(escape(name_of(key.key)), f"{key.pairs:,}", f"{key.finds:.1%}")
    console.print(keys)
    console.print(
        f"{found.compared:,} pairs compared, which hold an estimated {found.model.card.recall:.1%} of all matches"
        + ("; one to one, as both tables have no duplicates." if found.one_to_one else ".")
    )
    console.print(f"[bold]{pairs:,} pairs[/] of {threshold:.0%} or more; {rows:,} rows are {people:,} people.")
    for remark in remarks:
        console.print(f"  {escape(remark)}.")


def _show_steps(wanted: tuple[str, str], steps: list[Step]) -> None:
    """The waterfall as bars: to the right what speaks for one person, to the left what speaks against."""
    shown = Shown("", escape(wanted[0]), escape(wanted[1]), "agreement", "bits", box=None, header_style="bold")
    shown.add_column("against │ for", no_wrap=True, min_width=2 * _BAR + 1, justify="center")
    for step in steps:
        cells = [Text(cell) for cell in (step.name, step.left or "", step.right or "", step.agreement)]
        shown.add_row(*cells, f"{step.bits:+.1f}", _bar(step.bits))
    total = sum(step.bits for step in steps)
    chance = 1.0 / (1.0 + 2.0 ** -max(min(total, 200.0), -200.0))
    shown.add_row("[bold]together[/]", "", "", f"[bold]{chance:.4f}[/]", f"[bold]{total:+.1f}[/]", _bar(total))
    console.print(shown)


def _bar(bits: float) -> Text:
    length = min(round(abs(bits) / _BITS_PER_BAR * _BAR), _BAR)
    against, speaks_for = ("█" * length, "") if bits < 0 else ("", "█" * length)
    return Text.assemble((against.rjust(_BAR), "red"), "│", (speaks_for, "green"))


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (ValueError, FileUnreadable, OSError) as error:
        fail(f"{escape(str(error).rstrip('.'))}.")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    if quiet:
        yield lambda step, part: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=1.0)
        yield lambda step, part: bar.update(task, description=escape(step), completed=part)
