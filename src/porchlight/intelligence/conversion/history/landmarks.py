"""Training rows from a team's own pursuits: what was known of a lead at some moments, and what became of it since.

Facts are replayed through the very functions that serve (`fold`, `feature_values`), in the order in which they were
recorded. As in serving, a fact that comes late is known from the latest moment before it on, so a row never sees what
was not yet there. The moments themselves are fixed by what was known by then: the capture, days after it at growing
distances, and when a stage was first reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from porchlight.intelligence.conversion.features import FEATURES, Context, feature_values
from porchlight.intelligence.conversion.fold import Fact, fold
from porchlight.intelligence.conversion.kinds import OPEN_STAGES, TERMINAL_STAGES
from porchlight.intelligence.conversion.state import DAY, EMPTY, State

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LANDMARK_DAYS: Final = (0, 1, 3, 7, 14, 30, 60, 90, 120, 180, 270, 365)
"""Days after the capture at which a row is taken while the lead is open: dense at first, when most happens."""
LANDMARKS_AT_MOST: Final = 16

OPEN: Final = 0
CONVERTED: Final = 1
LOST: Final = 2

_LEAST_KNOWN: Final = 0.05
"""A row stands for at most twenty whose outcome cannot be known yet."""


@dataclass(frozen=True, slots=True)
class Pursuit:
    """All that is on record of one lead.

    - `facts` are in the order in which they were recorded, as they were folded while serving.
    - `custom` are the fields that came with the lead and have no meaning of their own here.
    - `source` is where the lead came from in the team's words, `owner` the id of their agent.
    - `result_only` says that what happened between the capture and the end was never recorded, as of an imported past
      lead; then the capture is its only row, because silence would otherwise pass for the lead's own.
    """

    id: str
    facts: Sequence[Fact]
    custom: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    owner: str | None = None
    result_only: bool = False


class Moment(NamedTuple):
    """A lead as it was known at `at` (epoch seconds)."""

    at: float
    state: State


@dataclass(frozen=True, slots=True)
class Rows:
    """n rows in the order of their moments; a lead's rows have the same `lead` (index into the pursuits given).

    - `values`: n × features, NaN where the feature had no data; `marks` the sources known by then (`State.sources`).
    - `days` until `event`, or until the end of what is known where `event` is `OPEN`; NaN for an end without a date.
    - `followed`: days from the row to the end of what is known, whatever happened.
    """

    at: Floats
    lead: Ints
    values: Floats
    marks: tuple[tuple[int, ...], ...]
    about: tuple[Pursuit, ...]
    event: Ints
    days: Floats
    followed: Floats

    def __len__(self) -> int:
        return len(self.at)

    @property
    def weights(self) -> Floats:
        """All rows weigh the same and a lead about one in all: its rows tell the same story.

        To divide by a lead's own number of rows would be wrong: who converts soon has few, so that weight would know
        the outcome.
        """
        return np.full(len(self), len(np.unique(self.lead)) / max(len(self), 1))

    def take(self, chosen: Flags) -> Rows:
        index = np.flatnonzero(chosen)
        return Rows(
            self.at[index],
            self.lead[index],
            self.values[index],
            tuple([self.marks[i] for i in index]),
            tuple([self.about[i] for i in index]),
            self.event[index],
            self.days[index],
            self.followed[index],
        )

    def known_at(self, cut: float) -> Rows:
        """The rows of before `cut` (epoch seconds), with no more than was known then of what became of them."""
        rows = self.take(self.at < cut)
        followed = (cut - rows.at) / DAY
        open_then = ~(np.nan_to_num(rows.days) <= followed) | (rows.event == OPEN)
        return replace(
            rows,
            event=np.where(open_then, OPEN, rows.event),
            days=np.where(open_then, followed, rows.days),
            followed=followed,
        )

    def ended(self, *events: int) -> int:
        """Of how many leads the rows know that they ended so."""
        return len(np.unique(self.lead[np.isin(self.event, events)]))


def landmark_rows(pursuits: Sequence[Pursuit], as_of: float, context_at: Callable[[float], Context]) -> Rows:
    """The rows of `pursuits` with what is known at `as_of` (epoch seconds): later facts are not read.

    `context_at` gives the context that served, or would have served, at a moment.
    """
    found: list[tuple[float, int, tuple[float | None, ...], tuple[int, ...], int, float]] = []
    for index, pursuit in enumerate(pursuits):
        timeline = _timeline(pursuit.facts, as_of)
        for at, state in _moments(pursuit, timeline, as_of):
            event, days = _outcome(timeline, at, as_of)
            found.append((at, index, feature_values(state, at, context_at(at)), state.sources, event, days))
    found.sort(key=lambda row: row[:2])
    times = np.array([row[0] for row in found], dtype=np.float64)
    lead = np.array([row[1] for row in found], dtype=np.int64)
    return Rows(
        at=times,
        lead=lead,
        values=as_matrix([row[2] for row in found]),
        marks=tuple([row[3] for row in found]),
        about=tuple([pursuits[index] for index in lead]),
        event=np.array([row[4] for row in found], dtype=np.int64),
        days=np.array([row[5] for row in found], dtype=np.float64),
        followed=(as_of - times) / DAY,
    )


def as_matrix(values: Iterable[Sequence[float | None]]) -> Floats:
    """Feature values as a matrix with NaN for None."""
    return np.array(list(values), dtype=np.float64).reshape(-1, len(FEATURES))


def moments(pursuit: Pursuit, as_of: float) -> list[Moment]:
    """The moments at which rows are taken of a lead, in order, at most `LANDMARKS_AT_MOST`, while it was open."""
    return _moments(pursuit, _timeline(pursuit.facts, as_of), as_of)


def converted_within(rows: Rows, days: float) -> tuple[Floats, Floats]:
    """Whether each row converted within `days`, and what it weighs, 0.0 where that cannot be known yet.

    A row whose outcome is known stands also for those like it that were not followed for long enough: inverse
    probability of censoring weights (Robins & Rotnitzky 1992). Censoring is by the calendar alone, so the chance of
    being followed for u days is the share of rows that were. An end without a date counts as within `days`.
    """
    converted = (rows.event == CONVERTED) & ~(rows.days > days)
    told_after = np.where(rows.event == OPEN, days, np.minimum(np.nan_to_num(rows.days), days))
    weights = rows.weights
    order = np.argsort(rows.followed)
    followed_longer = np.cumsum(weights[order][::-1])[::-1] / max(float(weights.sum()), 1e-12)
    position = np.searchsorted(rows.followed[order], told_after)
    share = np.append(followed_longer, 0.0)[position]
    known = told_after <= rows.followed
    scaled = np.where(known, weights / np.maximum(share, _LEAST_KNOWN), 0.0)
    total = float(scaled.sum())
    return converted.astype(np.float64), scaled * (float(weights[known].sum()) / total if total else 0.0)


def _timeline(facts: Sequence[Fact], as_of: float) -> list[Moment]:
    """The lead after each moment up to `as_of` at which something became known; a moment's facts count together."""
    timeline: list[Moment] = []
    state, at = EMPTY, 0.0
    for fact in facts:
        at = max(at, fact.occurred_at)
        if at > as_of:
            break
        state = fold(state, fact)
        if timeline and timeline[-1].at == at:
            timeline[-1] = Moment(at, state)
        else:
            timeline.append(Moment(at, state))
    return timeline


def _moments(pursuit: Pursuit, timeline: Sequence[Moment], as_of: float) -> list[Moment]:
    if not timeline:
        return []
    start = timeline[0].at
    if not _is_open(timeline[0].state):  # an end without a date of its own: the lead as it came
        return [Moment(start, _before_the_end(pursuit.facts))] if start < as_of else []
    found: list[Moment] = []
    furthest = OPEN_STAGES.index("new")
    ends = [moment.at for moment in timeline[1:]] + [as_of]
    for (at, state), end in zip(timeline, ends, strict=True):
        if not _is_open(state):
            continue
        due = {due for day in LANDMARK_DAYS if at <= (due := start + day * DAY) < end}
        reached = OPEN_STAGES.index(state.stage)
        if reached > furthest and at < end:
            due.add(at)
        furthest = max(furthest, reached)
        found += [Moment(moment, state) for moment in sorted(due)]
    return found[: 1 if pursuit.result_only else LANDMARKS_AT_MOST]


def _before_the_end(facts: Sequence[Fact]) -> State:
    state = EMPTY
    for fact in facts:
        after = fold(state, fact)
        if not _is_open(after):
            return state
        state = after
    return state


def _outcome(timeline: Sequence[Moment], at: float, as_of: float) -> tuple[int, float]:
    """What became of a lead after `at`: the first deal, else a loss that still stands. A loss taken back was none."""
    later = [moment for moment in timeline if moment.at > at]
    stage = timeline[len(timeline) - len(later) - 1].state.stage
    if stage in TERMINAL_STAGES and not any(_is_open(moment.state) for moment in later):
        return _EVENTS[stage], float("nan")  # it came in as ended: what follows does not date the end
    if not later:
        return OPEN, (as_of - at) / DAY
    closed_at = next((moment.at for moment in later if moment.state.stage == "closed"), None)
    if closed_at is not None:
        return CONVERTED, (closed_at - at) / DAY
    lost_at = None
    for moment in reversed(later):
        if _is_open(moment.state):
            break
        lost_at = moment.at
    return (OPEN, (as_of - at) / DAY) if lost_at is None else (LOST, (lost_at - at) / DAY)


_EVENTS: Final = {"closed": CONVERTED, "lost": LOST}


def _is_open(state: State) -> bool:
    return state.stage not in TERMINAL_STAGES
