"""Learning from a table who wins: from a frame of text to a model and its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.fitting import calibration
from porchlight.intelligence.conversion.tables.card import Card
from porchlight.intelligence.conversion.tables.choice import Choice, choose
from porchlight.intelligence.conversion.tables.encoding import MISSING, encode, learn_codes
from porchlight.intelligence.conversion.tables.order import order_rows
from porchlight.intelligence.conversion.tables.outcome import Outcome, read_outcome, require_column
from porchlight.intelligence.conversion.tables.outcome_card import Trial, build_card
from porchlight.intelligence.conversion.tables.outcome_model import OutcomeModel, contributions, log_odds
from porchlight.intelligence.conversion.tables.plain import plain_probabilities
from porchlight.intelligence.conversion.tables.recipe import fit
from porchlight.intelligence.conversion.tables.screening import screen
from porchlight.intelligence.evaluation import binary
from porchlight.intelligence.tables.kinds import Column, answered, describe, typed

Floats = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]

LEARNED_ROWS: Final = 80_000
"""From a longer table so many rows are taken, evenly over time: more no longer change what it says."""
UNSEEN_PART: Final = 0.25
"""The newest rows, kept back until the model is made, on which the card's figures are measured."""
_MOST_COLUMNS: Final = 400
_ROW: Final = "\0row"


@dataclass(frozen=True, slots=True)
class Learned:
    model: OutcomeModel
    card: Card


def learn_outcome(
    rows: pl.DataFrame,
    *,
    outcome: str,
    won: str | None = None,
    identifier: str | None = None,
    time: str | None = None,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
    group: str | None = None,
    table: str = "table",
    made_at: str = "",
    version: str = "",
    progress: Progress = lambda step, part: None,
) -> Learned:
    """A model of the outcome of a frame of text, and its card.

    The model is made twice: first from the older rows, to be measured on the newest ones, which had no part in anything
    (not in the choice of model, calibration or columns' codes); then, by the same steps, from all rows.

    Raises `TableUnfitError` where a named column is missing or the table does not hold enough.
    """
    for column, role in ((identifier, "the id (--id)"), (time, "the time (--time)"), (group, "the audit (--group)")):
        if column is not None:
            require_column(rows, column, role)
    for column in (*exclude, *keep):
        require_column(rows, column, "--exclude or --keep")
    result = read_outcome(rows, outcome, won)
    progress("Finding what the columns hold", 0.0)
    columns = describe(rows, [name for name in rows.columns if name != outcome])
    frame = typed(rows, columns)
    order = order_rows(frame, columns, result.won, time)
    progress("Looking for leaks", 0.1)
    screened = screen(
        frame, columns, result, order, exclude=exclude, keep=keep, identifier=identifier, group=group
    )  # fmt: skip
    usable = screened.columns[:_MOST_COLUMNS]
    taken = order.rows
    if len(taken) > LEARNED_ROWS:
        taken = taken[np.linspace(0, len(taken) - 1, LEARNED_ROWS).astype(np.int64)]
    row = pl.int_range(pl.len()).alias(_ROW)  # a frame without columns would forget how many rows it has
    inside = frame.select(row, *(column.name for column in usable))[taken]
    label = result.won[taken]
    cut = len(label) - max(1, int(UNSEEN_PART * len(label)))
    progress("Choosing a model on older rows", 0.2)
    first, first_choice = _make(inside[:cut], usable, label[:cut], result, order.timed, _within(progress, 0.2, 0.5))
    trial = _try(first, first_choice, inside, usable, label, cut)
    progress("Choosing the model on all rows", 0.5)
    model, choice = _make(inside, usable, label, result, order.timed, _within(progress, 0.5, 0.85))
    progress("Writing the card", 0.9)
    encoded = encode(inside, model.codes)
    card = build_card(
        model=model,
        choice=choice,
        trial=trial,
        result=result,
        order=order,
        screened=screened,
        frame=inside,
        parts=contributions(model.fitted, encoded, len(model.codes))[0] if model.codes else np.zeros((len(label), 0)),
        groups=None if group is None else (group, _answers(rows, group, taken[cut:])),
        rows=len(order.rows),
        learned_rows=len(label),
        table=table,
        made_at=made_at,
        version=version,
    )
    progress("Done", 1.0)
    return Learned(model, card)


def _make(
    frame: pl.DataFrame,
    columns: Sequence[Column],
    won: Floats,
    result: Outcome,
    timed: bool,
    progress: Callable[[float], None],
) -> tuple[OutcomeModel, Choice]:
    """Choose, fit and calibrate on rows in time order."""
    choice = choose(frame, columns, won, timed=timed, progress=progress)
    base = binary.log_odds(float(won.mean()))
    if choice.recipe.family == "base rate":  # it says the same of every row, so it needs no column
        columns = ()
    codes = learn_codes(frame, columns)
    encoded = encode(frame, codes)
    fitted = fit(encoded, codes, won, choice.recipe, timed=timed)
    recent = 1.0 + choice.fold
    map_ = (
        calibration.fit(choice.odds, choice.won, recent / recent.mean(), choice.fold)
        if choice.recipe.family != "base rate"
        else calibration.Calibration()
    )
    typical = contributions(fitted, encode(frame[:1], codes), len(codes))[1] if codes else fitted.constant
    used = {code.feature.column for code in codes}
    kept = tuple(column for column in columns if column.name in used)
    model = OutcomeModel(result.column, result.won_value, kept, tuple(codes), fitted, map_, base, typical)
    return model, choice


def _try(
    model: OutcomeModel, choice: Choice, frame: pl.DataFrame, columns: Sequence[Column], won: Floats, cut: int
) -> Trial:
    """The model and its references on rows it has not seen."""
    unseen = won[cut:]
    odds = log_odds(model, encode(frame[cut:], model.codes))
    return Trial(
        won=unseen,
        model=1.0 / (1.0 + np.exp(-odds)),
        plain=plain_probabilities(frame[:cut], frame[cut:], columns, won[:cut]),
        base=np.full(len(unseen), float(won[:cut].mean())),
        signal=choice.signal,
    )


def _answers(rows: pl.DataFrame, column: str, taken: npt.NDArray[np.int64]) -> list[str]:
    return rows[taken].select(answered(pl.col(column)).fill_null(MISSING)).to_series().to_list()


def _within(progress: Progress, start: float, end: float) -> Callable[[float], None]:
    return lambda part: progress("Comparing models on later rows", start + part * (end - start))
