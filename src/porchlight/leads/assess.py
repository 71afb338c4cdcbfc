"""From facts to forecast: the pure step between the rows that are read and the rows that are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from porchlight.intelligence.conversion import (
    EMPTY,
    Context,
    Fact,
    Forecast,
    NextAction,
    Stage,
    State,
    decode,
    encode,
    fold,
    forecast,
    next_best_action,
    season_of,
)

#: A fact at most this old is judged as of its own moment; an older last one leaves the lead judged as of now.
FRESH_SECONDS = 60.0

#: Facts about our own order; nothing happened between the lead and us, so they are no last activity.
BOOKKEEPING = frozenset({"lead.assigned", "profile.updated"})


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact about to be recorded. `occurred_at` is never in the future."""

    id: UUID
    lead_id: UUID
    kind: str
    occurred_at: datetime
    payload: dict[str, Any]
    source: str


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of a lead before: its state as stored (None for a new lead) and its present score."""

    lead_id: UUID
    owner_id: UUID | None
    stage: Stage
    state: bytes | None
    score: float
    activity_count: int
    last_activity_at: datetime | None


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A score on the lead's line, and the fact that put it there: the first of those of one moment."""

    at: datetime
    forecast: Forecast
    fact: NewFact


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the facts make of a lead: the new state, the forecast as of now, and the points its score went through.

    `last_fact` is the one that came last, whenever it happened.
    """

    known: Known
    state: bytes
    stage: Stage
    forecast: Forecast
    next_action: NextAction
    points: tuple[ScorePoint, ...]
    last_fact: NewFact
    last_activity_at: datetime

    @property
    def moved(self) -> bool:
        return self.forecast.score != self.known.score


def assess(known: Known, facts: Sequence[NewFact], now: datetime) -> Assessment:
    """Fold `facts` into what was known, forecasting after each of their moments, and lastly as of `now`."""
    state: State = EMPTY if known.state is None else decode(known.state)
    latest = last_activity_at = known.last_activity_at or facts[0].occurred_at
    moments: dict[datetime, tuple[NewFact, State]] = {}
    for fact in facts:
        before, state = state, fold(state, Fact(fact.kind, fact.occurred_at.timestamp(), fact.payload, fact.source))
        if fact.kind not in BOOKKEEPING:
            last_activity_at = max(last_activity_at, fact.occurred_at)
        elif state is before and moments:
            # It says nothing of the person, so it is no moment of theirs.
            continue
        latest = max(latest, fact.occurred_at)
        # What is said in one breath moves the score once.
        first = moments[latest][0] if latest in moments else fact
        moments[latest] = (first, state)
    points = tuple(
        ScorePoint(at, forecast(after, at.timestamp(), context_at(at)), fact) for at, (fact, after) in moments.items()
    )
    at = now.timestamp()
    current = points[-1].forecast if judged_at(latest, now) == latest else forecast(state, at, context_at(now))
    return Assessment(
        known=known,
        state=encode(state),
        stage=state.stage,
        forecast=current,
        next_action=next_best_action(state, current, at),
        points=points,
        last_fact=facts[-1],
        last_activity_at=last_activity_at,
    )


def judged_at(latest: datetime, now: datetime) -> datetime:
    """As of when a lead is judged whose latest fact is of the moment `latest`."""
    return latest if (now - latest).total_seconds() <= FRESH_SECONDS else now


def reassess(state: bytes, now: datetime) -> tuple[Forecast, NextAction]:
    """The forecast as of `now`, and the next action, of a lead to whom nothing has happened but time."""
    known = decode(state)
    current = forecast(known, now.timestamp(), context_at(now))
    return current, next_best_action(known, current, now.timestamp())


def context_at(moment: datetime) -> Context:
    """What a forecast at `moment` needs beside the lead's own facts."""
    return _context(moment.month)


@lru_cache(maxsize=12)
def _context(month: int) -> Context:
    return Context(season=season_of(month))
