"""The card of a model learned from a table: plain data, as `card.json` holds it and `web.cards` draws it.

Every figure in it was measured on rows the model had not seen.
"""

from __future__ import annotations

from typing import Final, Literal, TypedDict

FORMAT: Final = 1

MeasureName = Literal["auc", "log_loss", "brier", "ece", "lift", "c_index", "brier_at"]
LeftOutReason = Literal[
    "leak", "protected", "stands_in", "constant", "duplicate", "identifier", "free_text", "empty", "asked"
]
Trust = Literal["yes", "with_care", "no"]


class Estimate(TypedDict):
    """A figure with the ends of its 95 % interval, which are None where none can be given."""

    value: float
    low: float | None
    high: float | None


class Measure(TypedDict):
    """One measure of the model beside the same of its two references, on the same rows.

    `base` gives everybody the same: the base rate, or with dates the Kaplan–Meier curve. `plain` is a plain logistic
    regression, or with dates a plain proportional-hazards regression. `horizon` is in days, of `brier_at` alone.
    """

    name: MeasureName
    horizon: int | None
    model: Estimate
    base: Estimate | None
    plain: Estimate | None


class Bin(TypedDict):
    """Rows of similar forecasts: their mean probability and how many of them won, as a share with its interval."""

    rows: int
    predicted: float
    observed: Estimate


class LiftPoint(TypedDict):
    """Working the best `part` of the rows (0 to 1) finds the share `found` (0 to 1) of all wins."""

    part: float
    found: float


class CurvePoint(TypedDict):
    """By `day` after the start: the mean probability forecast for the unseen rows, and what happened to them
    (1 − Kaplan–Meier, None where nobody was watched that long)."""

    day: float
    predicted: float
    observed: Estimate | None


class Level(TypedDict):
    """A value, or a range of values, of a column, and what it adds to the log-odds of a row on average."""

    label: str
    rows: int
    log_odds: float


class Moved(TypedDict):
    """A column and how far it moves forecasts: the mean absolute log-odds it adds; its levels, greatest first."""

    column: str
    strength: float
    levels: list[Level]


class LeftOut(TypedDict):
    """A column the model was not given, and the evidence, in a sentence."""

    column: str
    reason: LeftOutReason
    evidence: str


class Group(TypedDict):
    """Outcome and score within one group of a column named for audit. `impact` is the adverse-impact ratio: the share
    of the group in the upper part of the scores, over that of the most favoured group."""

    column: str
    group: str
    rows: int
    won: float
    predicted: float
    selected: float
    impact: float


class LearnedFrom(TypedDict):
    """`rows` and `wins` taught the model; `unseen_rows` and `unseen_wins` measured it before it was fitted on all.

    `first` and `last` are the dates (ISO 8601) of the oldest and newest row, where there is a date; `split` says in a
    sentence how the unseen rows were chosen.
    """

    table: str
    outcome: str
    rows: int
    wins: int
    unseen_rows: int
    unseen_wins: int
    first: str | None
    last: str | None
    split: str


class Candidate(TypedDict):
    """A kind of model that was tried and its mean loss in the inner validation; lower is better."""

    name: str
    loss: float


class Chosen(TypedDict):
    """The model in words, how it was calibrated, and what it was chosen from."""

    model: str
    calibration: str
    candidates: list[Candidate]


class Verdict(TypedDict):
    """Whether to trust the scores, in one plain sentence."""

    trust: Trust
    sentence: str


class Card(TypedDict):
    """What is to be known about a model. `curve` is empty without dates; `groups` without a column to audit.

    `cautions` are sentences that say when not to trust the model; `remarks` say what was noticed about the table.
    """

    format: int
    kind: Literal["outcome", "timeline"]
    version: str
    made_at: str
    learned_from: LearnedFrom
    chosen: Chosen
    verdict: Verdict
    measures: list[Measure]
    reliability: list[Bin]
    lift: list[LiftPoint]
    curve: list[CurvePoint]
    moved: list[Moved]
    left_out: list[LeftOut]
    groups: list[Group]
    cautions: list[str]
    remarks: list[str]
