"""From facts to forecast: the pure step between the rows that are read and the rows that are written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from porchlight.intelligence.conversion import (
    EMPTY,
    Fact,
    Forecast,
    NextAction,
    Stage,
    State,
    decode,
    encode,
    fold,
    next_best_action,
)
from porchlight.intelligence.conversion.history.model import PRIOR, Model
from porchlight.intelligence.conversion.history.terms import About
from porchlight.leads.serving import NOTHING, forecast_by

#: A fact at most this old is judged as of its own moment; an older last one leaves the lead judged as of now.
FRESH_SECONDS = 60.0

#: Facts about our own order; nothing happened between the lead and us, so they are no last activity.
BOOKKEEPING = frozenset({"lead.assigned", "profile.updated"})


class NewFact(NamedTuple):
    """A fact about to be recorded. `occurred_at` is never in the future."""

    id: UUID
    lead_id: UUID
    kind: str
    occurred_at: datetime
    payload: dict[str, Any]
    source: str


class Known(NamedTuple):
    """What was known of a lead before: its state as stored (None for a new lead) and its present score; and the model
    that forecasts it, with what that wants to know beside the state."""

    lead_id: UUID
    owner_id: UUID | None
    stage: Stage
    state: bytes | None
    score: float
    activity_count: int
    last_activity_at: datetime | None
    model: Model = PRIOR
    about: About = NOTHING


class Assessment(NamedTuple):
    """What the facts make of a lead: the new state, the forecast, as of when it was made, and the fact that caused it.

    `last_fact` is the one that came last, whenever it happened.
    """

    known: Known
    state: bytes
    stage: Stage
    forecast: Forecast
    judged_at: datetime
    cause: NewFact
    next_action: NextAction
    last_fact: NewFact
    last_activity_at: datetime

    @property
    def moved(self) -> bool:
        return self.forecast.score != self.known.score


def assess(known: Known, facts: Sequence[NewFact], now: datetime) -> Assessment:
    """Fold `facts` into what was known, and forecast once: a lead's scores are what was said of them at the time, so
    nothing is said today of a moment in the past."""
    state: State = EMPTY if known.state is None else decode(known.state)
    latest = last_activity_at = known.last_activity_at or facts[0].occurred_at
    cause = None
    for fact in facts:
        before, state = state, fold(state, Fact(fact.kind, fact.occurred_at.timestamp(), fact.payload, fact.source))
        if fact.kind not in BOOKKEEPING:
            last_activity_at = max(last_activity_at, fact.occurred_at)
        elif state is before and cause is not None:
            # It says nothing of the person, so it is no moment of theirs.
            continue
        # What is said in one breath is caused by its first word.
        if cause is None or fact.occurred_at > latest:
            cause = fact
        latest = max(latest, fact.occurred_at)
    moment = judged_at(latest, now)
    made = forecast_by(known.model, state, moment, known.about)
    return Assessment(
        known=known,
        state=encode(state),
        stage=state.stage,
        forecast=made,
        judged_at=moment,
        cause=cause or facts[0],
        next_action=next_best_action(state, made, now.timestamp()),
        last_fact=facts[-1],
        last_activity_at=last_activity_at,
    )


def judged_at(latest: datetime, now: datetime) -> datetime:
    """As of when a lead is judged whose latest fact is of the moment `latest`."""
    return latest if (now - latest).total_seconds() <= FRESH_SECONDS else now


def reassess(state: bytes, now: datetime, model: Model, about: About) -> tuple[Forecast, NextAction]:
    """The forecast as of `now`, and the next action, of a lead to whom nothing has happened but time."""
    known = decode(state)
    current = forecast_by(model, known, now, about)
    return current, next_best_action(known, current, now.timestamp())
