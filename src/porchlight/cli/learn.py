"""`porchlight learn` and `porchlight predict`: who wins, from any table, without a server or a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import polars as pl
import typer
from rich.markup import escape
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table as Shown

from porchlight import __version__
from porchlight.cli.model_folder import read_model, write_model
from porchlight.cli.session import console, fail
from porchlight.intelligence.conversion.tables.card import Card, Estimate
from porchlight.intelligence.conversion.tables.learning import learn_outcome
from porchlight.intelligence.conversion.tables.outcome_model import OutcomeModel, predict_outcome
from porchlight.intelligence.conversion.tables.timeline import TimelineModel, predict_timeline
from porchlight.intelligence.conversion.tables.timeline_card import learn_with_card
from porchlight.intelligence.tables.errors import TableUnfitError
from porchlight.kit.tables.frame import TextFrame, read_frame
from porchlight.kit.tables.records import FileUnreadable

Table = Annotated[Path, typer.Argument(help="CSV, gzipped CSV or Parquet.", show_default=False)]
Model = Annotated[Path, typer.Option("--model", help="Folder of the model.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")]

_SHOWN_REJECTS = 5
_NAMES = {
    "auc": "AUC",
    "log_loss": "log-loss",
    "brier": "Brier",
    "ece": "calibration error",
    "lift": "lift, best tenth",
}


def learn(
    table: Table,
    model: Model,
    outcome: Annotated[str | None, typer.Option(help="Column that says what became of a row.")] = None,
    won: Annotated[str | None, typer.Option(help="Its value for a win, where that is not plain.")] = None,
    identifier: Annotated[str | None, typer.Option("--id", help="Column that names a row.")] = None,
    time: Annotated[str | None, typer.Option(help="Column with the time a row began, or an id that rises.")] = None,
    start: Annotated[str | None, typer.Option(help="Date a row began: learns when rows win, not only whether.")] = None,
    end: Annotated[str | None, typer.Option(help="Date a row was won; empty where it was not.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Learn as if it were this day; later is not looked at."),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Column to leave out; repeatable.")] = None,
    keep: Annotated[list[str] | None, typer.Option(help="Column to keep although it looks leaky; repeatable.")] = None,
    group: Annotated[str | None, typer.Option(help="Column to audit for fairness; never learned from.")] = None,
    as_json: AsJson = False,
) -> None:
    """Learn from an export who wins, measure it on rows it has not seen, and write the model with its card."""
    dated = start is not None or end is not None
    if dated and (start is None or end is None):
        fail("Give both --start and --end, or neither.")
    if not dated and outcome is None:
        fail("Say which column holds the outcome with --outcome, or give --start and --end.")
    with _failing(), _progress(quiet=as_json) as show:
        read = _read(table, show)
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        if start is not None and end is not None:
            show("Learning when rows win", 0.3)
            learned: OutcomeModel | TimelineModel
            learned, card = learn_with_card(
                read.rows,
                start=start,
                end=end,
                outcome=outcome,
                won=won,
                as_of=as_of,
                exclude=[*(exclude or []), *([identifier] if identifier else [])],
                keep=keep or [],
                table=table.name,
                made_at=made_at,
                version=__version__,
            )
        else:
            made = learn_outcome(
                read.rows,
                outcome=outcome or "",
                won=won,
                identifier=identifier,
                time=time,
                exclude=exclude or [],
                keep=keep or [],
                group=group,
                table=table.name,
                made_at=made_at,
                version=__version__,
                progress=show,
            )
            learned, card = made.model, made.card
        card["remarks"] = [*read.remarks, *_rejected(read), *card["remarks"]]
        write_model(model, learned, card)
    if as_json:
        said = {"model": str(model), "rejected": len(read.rejects), "card": card}
        typer.echo(orjson.dumps(said, option=orjson.OPT_SERIALIZE_NUMPY).decode())
    else:
        _show(card, model)


def predict(
    table: Table,
    model: Model,
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write.", show_default=False)],
    identifier: Annotated[str | None, typer.Option("--id", help="Column to copy, that names a row.")] = None,
    horizons: Annotated[str, typer.Option(help="Days, for a model with dates.")] = "30,60,90",
    as_json: AsJson = False,
) -> None:
    """Forecast every row of a table by a learned model: one row each, in the table's order, with its reasons."""
    days = _days(horizons)
    with _failing(), _progress(quiet=as_json) as show:
        learned = read_model(model)
        read = _read(table, show)
        if identifier is not None and identifier not in read.rows.columns:
            fail(f"The table has no column “{escape(identifier)}” (--id).")
        show("Forecasting", 0.5)
        found = _predicted(learned, read.rows, days)
        name = identifier or _named(read.rows, found)
        named = read.rows.select(name) if name is not None else pl.DataFrame({"line": read.lines})
        written = _with_rejects(pl.concat([named, found], how="horizontal"), read)
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".parquet":
            written.write_parquet(out)
        else:
            written.write_csv(out)
    if as_json:
        typer.echo(orjson.dumps({"out": str(out), "rows": written.height, "rejected": len(read.rejects)}).decode())
        return
    for sentence in _rejected(read):
        console.print(escape(sentence))
    console.print(f"[bold]{found.height:,} rows[/] forecast: {escape(str(out))}")


def _predicted(learned: OutcomeModel | TimelineModel, rows: pl.DataFrame, days: list[int]) -> pl.DataFrame:
    if isinstance(learned, OutcomeModel):
        return predict_outcome(learned, rows)
    return predict_timeline(learned, rows, days)


def _days(horizons: str) -> list[int]:
    try:
        days = [int(part) for part in horizons.split(",")]
    except ValueError:
        fail(f"--horizons takes whole days such as 30,60,90, not “{escape(horizons)}”.")
    if not days or min(days) < 1:
        fail("--horizons takes days from 1 on.")
    return days


def _read(table: Path, show: Callable[[str, float], None]) -> TextFrame:
    return read_frame(table, lambda part: show("Reading", 0.2 * part))


def _named(rows: pl.DataFrame, found: pl.DataFrame) -> str | None:
    """The first column if it names each row and is not among what is written."""
    first = rows.columns[0]
    return first if first not in found.columns and rows.get_column(first).n_unique() == rows.height else None


def _with_rejects(written: pl.DataFrame, read: TextFrame) -> pl.DataFrame:
    """A row without a forecast stands where a row could not be read, so that rows stay in step with the table's."""
    if not read.rejects:
        return written
    lines = [*read.lines, *(reject.line for reject in read.rejects)]
    empty = pl.DataFrame({"line": [reject.line for reject in read.rejects]}) if "line" in written.columns else None
    blank = written.clear(len(read.rejects)) if empty is None else written.clear(len(read.rejects)).with_columns(empty)
    together = pl.concat([written, blank])
    return together[pl.Series(lines).arg_sort()]


def _rejected(read: TextFrame) -> list[str]:
    if not read.rejects:
        return []
    shown = "; ".join(f"line {reject.line}: {reject.sentence.rstrip('.')}" for reject in read.rejects[:_SHOWN_REJECTS])
    return [f"{len(read.rejects):,} rows could not be read and were left out ({shown})."]


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except TableUnfitError as error:
        fail(escape(error.sentence if error.sentence.endswith("?") else f"{error.sentence.rstrip('.')}."))
    except FileUnreadable as error:
        fail(f"{escape(str(error).rstrip('.'))}.")
    except OSError as error:
        fail(f"{escape(str(error))}.")


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    if quiet:
        yield lambda step, part: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=1.0)
        yield lambda step, part: bar.update(task, description=step, completed=part)


def _show(card: Card, folder: Path) -> None:
    learned = card["learned_from"]
    console.print(
        f"[bold]{learned['rows']:,} rows[/], {learned['wins']:,} won. {escape(card['chosen']['model'])}; "
        f"calibration: {escape(card['chosen']['calibration'])}."
    )
    table = Shown("on rows it had not seen", "model", "95 %", "logistic", "base rate", box=None, header_style="bold")
    for measure in card["measures"]:
        label = _NAMES.get(measure["name"], measure["name"].replace("_", " "))
        if measure["horizon"] is not None:
            label += f", {measure['horizon']} days"
        estimates = (measure["model"], measure["plain"], measure["base"])
        value, plain, base = ("–" if estimate is None else f"{estimate['value']:.3f}" for estimate in estimates)
        table.add_row(label, value, _interval(measure["model"]), plain, base)
    console.print(table)
    for left in card["left_out"]:
        console.print(f"  [dim]left out[/] {escape(left['column'])}: {escape(left['evidence'])}")
    for group in card["groups"]:
        console.print(
            f"  {escape(group['column'])} = {escape(group['group'])}: {group['rows']:,} rows, {group['won']:.0%} won, "
            f"mean forecast {group['predicted']:.0%}, adverse-impact ratio {group['impact']:.2f}"
        )
    for sentence in (*card["remarks"], *card["cautions"]):
        console.print(f"  {escape(sentence)}")
    console.print(f"[bold]{escape(card['verdict']['sentence'])}[/]")
    console.print(f"The card: {escape(str(folder / 'card.html'))}")


def _interval(estimate: Estimate) -> str:
    low, high = estimate["low"], estimate["high"]
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"
