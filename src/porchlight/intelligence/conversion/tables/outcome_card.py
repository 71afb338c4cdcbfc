"""The card of a model of who wins: what it learned from, how it did on rows it had not seen, and what to make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from porchlight.intelligence.conversion.tables.card import (
    FORMAT,
    Bin,
    Candidate,
    Card,
    Chosen,
    Estimate,
    Group,
    LearnedFrom,
    LiftPoint,
    Measure,
    MeasureName,
    Verdict,
)
from porchlight.intelligence.conversion.tables.choice import Choice
from porchlight.intelligence.conversion.tables.encoding import MISSING
from porchlight.intelligence.conversion.tables.moved import moved
from porchlight.intelligence.conversion.tables.order import Order
from porchlight.intelligence.conversion.tables.outcome import Outcome
from porchlight.intelligence.conversion.tables.outcome_model import OutcomeModel
from porchlight.intelligence.conversion.tables.screening import Screened
from porchlight.intelligence.evaluation import binary

Floats = npt.NDArray[np.float64]

_MEASURES: Final[tuple[tuple[MeasureName, Callable[[Floats, Floats], float]], ...]] = (
    ("log_loss", binary.log_loss),
    ("brier", binary.brier),
    ("ece", binary.ece),
    ("lift", binary.lift),
)
_SELECTED: Final = 0.2
"""The part of the scores that counts as favoured in the audit: about as many leads as a team works first."""
_MEASURED_ROWS: Final = 20_000
_FEW_ROWS: Final = 500
_SOME_ROWS: Final = 50
_MISCALIBRATED: Final = 0.05
_SHIFTED: Final = 1.5
_FOUR_FIFTHS: Final = 0.8


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows a model had not seen: what became of them, and the probabilities by the model and its two references.

    `signal` is the inner validation's word on whether there is anything to learn.
    """

    won: Floats
    model: Floats
    plain: Floats
    base: Floats
    signal: bool


def build_card(
    *,
    model: OutcomeModel,
    choice: Choice,
    trial: Trial,
    result: Outcome,
    order: Order,
    screened: Screened,
    frame: pl.DataFrame,
    parts: Floats,
    groups: tuple[str, list[str]] | None,
    rows: int,
    learned_rows: int,
    table: str,
    made_at: str,
    version: str,
) -> Card:
    """The card. `frame` (typed) and `parts` (n, codes) are of the rows learned from, `groups` of the trial."""
    measured = _thinned(trial)
    decided = result.won[~np.isnan(result.won)]
    auc = binary.auc_interval(measured.won, measured.model)
    audited = [] if groups is None else _groups(groups[0], groups[1], trial)
    cautions = _cautions(measured, decided, order, audited)
    remarks = [*result.remarks, *screened.remarks]
    if rows > learned_rows:
        remarks.append(f"Of {rows:,} decided rows {learned_rows:,} were taken, evenly over time; more change nothing.")
    chosen = choice.recipe
    return Card(
        format=FORMAT,
        kind="outcome",
        version=version,
        made_at=made_at,
        learned_from=LearnedFrom(
            table=table,
            outcome=f"{result.column} = {result.won_value}",
            rows=len(decided),
            wins=int(decided.sum()),
            unseen_rows=len(trial.won),
            unseen_wins=int(trial.won.sum()),
            first=order.first,
            last=order.last,
            split=f"The newest {len(trial.won):,} rows, by {order.said}, were kept back while the model was made.",
        ),
        chosen=Chosen(
            model=_recipe_in_words(choice),
            calibration=_CALIBRATIONS[model.calibration.method],
            candidates=[
                Candidate(name=name, loss=loss) for name, loss in sorted(choice.losses.items(), key=lambda c: c[1])
            ],
        ),
        verdict=_verdict(trial, auc, chosen.family),
        measures=_measures(measured, auc),
        reliability=[
            Bin(rows=b.rows, predicted=b.forecast, observed=Estimate(value=b.came_true, low=b.low, high=b.high))
            for b in binary.reliability(measured.won, measured.model)
        ],
        lift=_lift(measured),
        curve=[],
        moved=moved(model.codes, frame, parts),
        left_out=list(screened.left_out),
        groups=audited,
        cautions=cautions,
        remarks=remarks,
    )


def _thinned(trial: Trial) -> Trial:
    """At most so many rows, evenly: intervals by resampling are slow, and wide enough for no more rows to matter."""
    if len(trial.won) <= _MEASURED_ROWS:
        return trial
    taken = np.linspace(0, len(trial.won) - 1, _MEASURED_ROWS).astype(np.int64)
    return Trial(trial.won[taken], trial.model[taken], trial.plain[taken], trial.base[taken], trial.signal)


def _estimate(found: binary.Interval) -> Estimate:
    value, low, high = (end if isfinite(end) else None for end in found)
    return Estimate(value=0.0 if value is None else value, low=low, high=high)


def _measures(trial: Trial, auc: binary.Interval) -> list[Measure]:
    found = []
    if 0.0 < trial.won.mean() < 1.0:
        plain = binary.auc_interval(trial.won, trial.plain)
        base = Estimate(value=0.5, low=None, high=None)
        found.append(Measure(name="auc", horizon=None, model=_estimate(auc), base=base, plain=_estimate(plain)))
    for name, measure in _MEASURES:
        model, base_, plain = (
            binary.bootstrap(trial.won, p, measure) for p in (trial.model, trial.base, trial.plain)
        )  # fmt: skip
        if isfinite(model.value):
            found.append(
                Measure(name=name, horizon=None, model=_estimate(model), base=_estimate(base_), plain=_estimate(plain))
            )
    return found


def _lift(trial: Trial) -> list[LiftPoint]:
    wins = float(trial.won.sum())
    if not wins:
        return []
    parts = [step / 20 for step in range(1, 21)]
    return [
        LiftPoint(part=part, found=min(1.0, binary.lift(trial.won, trial.model, part) * part)) for part in parts
    ]  # fmt: skip


def _verdict(trial: Trial, auc: binary.Interval, family: str) -> Verdict:
    against = binary.compare(trial.won, trial.model, trial.base)
    seen = isfinite(auc.low) and auc.low > 0.5
    if family == "base rate" or not (trial.signal or seen):
        enough = len(trial.won) >= _FEW_ROWS
        sentence = (
            "Nothing in this table predicts winning: on rows it had not seen, no model did better than giving every "
            "row the same chance. Do not rank leads by it."
            if enough
            else "Too few rows to tell whether anything here predicts winning; the scores stay close to the base rate."
        )
        return Verdict(trust="no", sentence=sentence)
    figures = f"AUC {auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}] on {len(trial.won):,} rows it had not seen"
    if not seen or min(trial.won.sum(), len(trial.won) - trial.won.sum()) < _SOME_ROWS:
        return Verdict(trust="with_care", sentence=f"It seems to tell leads apart, on few rows: {figures}.")
    if against.low <= 0.0 or binary.ece(trial.won, trial.model) > _MISCALIBRATED:
        sentence = f"Its order of leads can be trusted ({figures}); its probabilities less so."
        return Verdict(trust="with_care", sentence=sentence)
    return Verdict(trust="yes", sentence=f"It tells leads apart, and its probabilities come true: {figures}.")


def _cautions(trial: Trial, decided: Floats, order: Order, groups: Sequence[Group]) -> list[str]:
    found = []
    if len(decided) < _FEW_ROWS:
        found.append(f"It learned from {len(decided)} rows: expect its figures to change as rows are added.")
    if not order.timed:
        found.append(
            "Nothing in the table tells the time, so it was measured on rows of the same period, not later ones."
        )
    before, after = float(trial.base.mean()), float(trial.won.mean())
    if max(before, after) > _SHIFTED * min(before, after):
        found.append(
            f"The share of wins went from {before:.1%} to {after:.1%}: trust the order of the scores more than the "
            "probabilities, and learn anew often."
        )
    if binary.ece(trial.won, trial.model) > _MISCALIBRATED:
        found.append(
            f"Its probabilities were off by {100 * binary.ece(trial.won, trial.model):.0f} points on average."
        )  # fmt: skip
    behind = [
        f"“{group['group']}” {group['impact']:.0%}"
        for group in groups
        if group["impact"] < _FOUR_FIFTHS and group["rows"] >= _SOME_ROWS and group["group"] != MISSING
    ]
    if behind:
        found.append(
            f"Groups of “{groups[0]['column']}” that are in the upper fifth of the scores less than four fifths as "
            f"often as the most favoured group: {', '.join(behind)}. Find out why before using the scores."
        )
    found.append("It knows this table's leads only: not another market, source or team, nor what happens afterwards.")
    return found


def _groups(column: str, names: Sequence[str], trial: Trial) -> list[Group]:
    threshold = float(np.quantile(trial.model, 1.0 - _SELECTED))
    return [
        Group(
            column=column,
            group=found.group,
            rows=found.rows,
            won=found.won,
            predicted=found.mean_probability,
            selected=found.favoured,
            impact=found.ratio,
        )
        for found in binary.adverse_impact(trial.won, trial.model, names, threshold)
    ]


def _recipe_in_words(choice: Choice) -> str:
    recipe = choice.recipe
    if recipe.family == "base rate":
        return "The same chance for every row, because no column proved to say more"
    words = [recipe.family[0].upper() + recipe.family[1:]]
    if recipe.rounds:
        words.append(f"{recipe.rounds} trees")
    if recipe.half_life:
        words.append("newer rows count more")
    return ", ".join(words)


_CALIBRATIONS: Final = {
    "none": "none needed",
    "level": "level moved to that of the newest rows",
    "platt": "Platt scaling",
    "beta": "beta calibration",
}
