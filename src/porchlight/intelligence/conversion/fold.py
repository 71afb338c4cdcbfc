"""The fold: one fact into a state, at a cost that does not depend on the length of the history.

Decayed counts, recencies, the stage, prices and the week's views come out the same in whatever order facts arrive (to
rounding). What depends on the order by its nature (response times and promptness, matches with the wishes of the time,
the wishes themselves, the bounded lists of homes and areas) takes a late fact as well as it can: it fills what is still
unknown and never overrules a later one. Training replays this same function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from math import exp, log, log1p
from typing import Any, Final, NamedTuple
from zlib import crc32

from porchlight.intelligence.conversion.kinds import (
    KINDS,
    STAGE_SETTING_KINDS,
    STAGES,
    Direction,
    Intent,
    Stage,
    implied_stage,
)
from porchlight.intelligence.conversion.state import (
    ANSWER_HALF_LIFE,
    DAY,
    HALF_LIVES,
    MAX_AREAS,
    MAX_CHANNELS,
    MAX_HOMES,
    MAX_SOURCES,
    PRICE_CENTRE,
    Agenda,
    Counts,
    Permission,
    Progress,
    State,
    Talk,
    Week,
    added,
)
from porchlight.intelligence.conversion.tastes import key_of, meets, priced, weighed

PROMPT_MINUTES: Final = 120.0
"""A reply after this long counts e⁻¹ of an instant one towards promptness: the lead was near the phone, or was not."""


class Fact(NamedTuple):
    """An activity as the fold sees it; `occurred_at` in epoch seconds, after 1970."""

    kind: str
    occurred_at: float
    payload: Mapping[str, Any]
    source: str | None = None


Step = Callable[[State, Fact], State]


class Effect(NamedTuple):
    """What a kind does to a state: counts that go up by one, then steps in order."""

    counts: tuple[int, ...] = ()
    steps: tuple[Step, ...] = ()


def fold(state: State, fact: Fact) -> State:
    """The state after the fact. A kind that is not in the registry leaves the state as it was."""
    effect = _EFFECTS.get(fact.kind)
    if effect is None:
        return state
    if effect.counts:
        state = _counted(state, fact.occurred_at, effect.counts, 1.0)
    for step in effect.steps:
        state = step(state, fact)
    return state


_make: Final = tuple.__new__


def _with(state: State, place: int, value: object) -> State:
    """As `_replace`, in a third of the time: this runs for every fact there is."""
    return _make(State, (*state[:place], value, *state[place + 1 :]))


_FIRST_ACTIVE_AT, _TALK, _WISHES, _SOURCES = map(State._fields.index, ("first_active_at", "talk", "wishes", "sources"))


def _counted(state: State, at: float, indexes: tuple[int, ...], weight: float) -> State:
    counts, latest = list(state.counts), list(state.latest)
    for index in indexes:
        counts[index] = added(counts[index], latest[index], HALF_LIVES[index], weight, at)
        if at > latest[index]:
            latest[index] = at
    return _make(State, (_make(Counts, counts), _make(Counts, latest), *state[2:]))


def _note_presence(state: State, fact: Fact) -> State:
    """A sign of life: since when they are active, and through how many doors they came."""
    if not 0.0 < state.first_active_at <= fact.occurred_at:
        state = _with(state, _FIRST_ACTIVE_AT, fact.occurred_at)
    if not fact.source or len(state.sources) >= MAX_SOURCES:
        return state
    mark = crc32(fact.source.strip().casefold().encode())
    return state if mark in state.sources else _with(state, _SOURCES, tuple(sorted((*state.sources, mark))))


def _note_stage(state: State, fact: Fact) -> State:
    stage = implied_stage(fact.kind, fact.payload)
    if stage is None:
        return state
    set_to, set_at, reached = state.progress
    index, at = _STAGE_INDEX[stage], fact.occurred_at
    if fact.kind in STAGE_SETTING_KINDS:
        newer = (at, index) >= (set_at, set_to)
        return state._replace(progress=Progress(index, at, reached)) if newer else state
    if at <= reached[index]:
        return state
    return state._replace(progress=Progress(set_to, set_at, (*reached[:index], at, *reached[index + 1 :])))


def _note_request(state: State, fact: Fact) -> State:
    """The lead wants something of us: from now on they wait, unless a person has spoken to them since."""
    talk, at = state.talk, fact.occurred_at
    heard_at = max(talk.heard_at, at)
    answered_at = max(state.latest.personal, state.latest.meetings)
    waits = at > answered_at and (not talk.waiting_since or at < talk.waiting_since)
    return _with(state, _TALK, talk._replace(heard_at=heard_at, waiting_since=at if waits else talk.waiting_since))


def _note_reply(state: State, fact: Fact) -> State:
    """A message from the lead; it is a reply when it is the first since we last reached out."""
    talk, at = state.talk, fact.occurred_at
    if talk.heard_at < talk.reached_at <= at:
        minutes = (at - talk.reached_at) / 60.0
        state = _counted(state, at, _PROMPTNESS, exp(-minutes / PROMPT_MINUTES))
        state = state._replace(talk=talk._replace(reply_minutes=minutes))
    return _note_request(state, fact)


def _note_touch(state: State, fact: Fact) -> State:
    """We tried to reach the lead. Only a person's touch answers a request: an automatic one is no answer."""
    state = _counted(state, fact.occurred_at, _TOUCHES, 1.0)
    if not fact.payload.get("automated"):
        return _note_person(state, fact)
    at = fact.occurred_at
    return state._replace(talk=state.talk._replace(reached_at=at)) if at > state.talk.reached_at else state


def _note_person(state: State, fact: Fact) -> State:
    """A person of ours turned to the lead: whatever was asked before is answered."""
    talk, at = state.talk, fact.occurred_at
    if at > talk.reached_at:
        talk = talk._replace(reached_at=at)
    if talk.waiting_since and talk.waiting_since <= at:
        took = log1p((at - talk.waiting_since) / 60.0)
        talk = talk._replace(
            waiting_since=_still_waiting(talk, at),
            answers=added(talk.answers, talk.answered_at, ANSWER_HALF_LIFE, 1.0, at),
            answer_log_minutes=added(talk.answer_log_minutes, talk.answered_at, ANSWER_HALF_LIFE, took, at),
            answered_at=max(talk.answered_at, at),
        )
    return _counted(state, at, _PERSONAL, 1.0)._replace(talk=talk)


def _note_conversation(state: State, fact: Fact) -> State:
    """Both spoke, so nobody waits any longer for what was asked before."""
    state = _note_person(state, fact)
    at = fact.occurred_at
    return state._replace(talk=state.talk._replace(heard_at=at)) if at > state.talk.heard_at else state


def _note_meeting(state: State, fact: Fact) -> State:
    """They sat together: what was asked before is answered, though nobody has followed up yet."""
    talk, at = state.talk, fact.occurred_at
    if not talk.waiting_since or talk.waiting_since > at:
        return state
    return state._replace(talk=talk._replace(waiting_since=_still_waiting(talk, at)))


def _still_waiting(talk: Talk, answered_at: float) -> float:
    """Since when they wait after an answer: a request that came later still does."""
    return talk.heard_at if talk.heard_at > answered_at else 0.0


def _note_home(weight: float) -> Step:
    """A touch of a listing: what it costs, where it is, whether it is what they asked for."""

    def step(state: State, fact: Fact) -> State:
        payload, at = fact.payload, fact.occurred_at
        key, area = payload.get("listing_key"), payload.get("area") or payload.get("city")
        if key:
            state = state._replace(homes=weighed(state.homes, key, weight, at, MAX_HOMES))
        if area:
            state = state._replace(areas=weighed(state.areas, area, weight, at, MAX_AREAS))
        price = payload.get("list_price")
        if price:
            state = state._replace(prices=priced(state.prices, log(price) - PRICE_CENTRE, weight, at))
        return _counted(state, at, _MATCHES, weight) if meets(state.wishes, payload) else state

    return step


def _drop_home(state: State, fact: Fact) -> State:
    key = key_of(fact.payload.get("listing_key") or "")
    return state._replace(homes=tuple(home for home in state.homes if home.key != key))


def _note_view(state: State, fact: Fact) -> State:
    today, views = state.week
    day = int(fact.occurred_at // DAY)
    if day > today:
        quiet = (0,) * min(day - today - 1, len(views))
        return state._replace(week=Week(day, (1, *quiet, *views)[: len(views)]))
    age = today - day
    if age >= len(views):
        return state
    return state._replace(week=Week(today, (*views[:age], views[age] + 1, *views[age + 1 :])))


def _note_criteria(state: State, fact: Fact) -> State:
    wishes, payload, at = state.wishes, fact.payload, fact.occurred_at
    areas = payload.get("areas")
    said: dict[str, Any] = {
        "intent": payload.get("intent"),
        "price_min": payload.get("price_min"),
        "price_max": payload.get("price_max"),
        "areas": tuple(key_of(area).casefold() for area in areas[:MAX_AREAS]) if areas else None,
        "bedrooms_min": payload.get("bedrooms_min"),
        "bathrooms_min": payload.get("bathrooms_min"),
        "property_type": key_of(payload["property_type"]).casefold() if payload.get("property_type") else None,
    }
    late = at < wishes.at
    news = {
        name: value
        for name, value in said.items()
        if value is not None and not (late and getattr(wishes, name) not in (None, ()))
    }
    if news:
        state = _with(state, _WISHES, wishes._replace(**news, at=max(at, wishes.at)))
    plans, days, financing = state.plans, payload.get("timeframe_days"), payload.get("financing")
    if days is not None and at >= plans.timeframe_at:
        plans = plans._replace(timeframe_days=float(days), timeframe_at=at)
    if financing is not None and at >= plans.financing_at:
        plans = plans._replace(financing=financing, financing_at=at)
    return state if plans is state.plans else state._replace(plans=plans)


def _note_intent(intent: Intent) -> Step:
    """What a deed says of their intent, unless they said it themselves."""

    def step(state: State, fact: Fact) -> State:
        if state.wishes.intent is not None:
            return state
        return state._replace(wishes=state.wishes._replace(intent=intent))

    return step


def _note_approval(state: State, fact: Fact) -> State:
    plans, at = state.plans, fact.occurred_at
    if at < plans.financing_at:
        return state
    amount = fact.payload.get("amount")
    return state._replace(
        plans=plans._replace(
            financing="preapproved",
            approved_amount=plans.approved_amount if amount is None else float(amount),
            financing_at=at,
        )
    )


def _note_agenda(state: State, fact: Fact) -> State:
    """The latest fact about a meeting says when the next one is; held, missed or called off, there is none."""
    told_at = fact.occurred_at
    if told_at < state.agenda.told_at:
        return state
    at = fact.payload.get("at") if fact.kind.endswith(".booked") else None
    return state._replace(agenda=Agenda(datetime.fromisoformat(at).timestamp() if at else 0.0, told_at))


def _note_handover(state: State, fact: Fact) -> State:
    given, taken = fact.payload.get("to"), fact.payload.get("from")
    return _counted(state, fact.occurred_at, _HANDOVERS, 1.0) if given and taken and given != taken else state


def _note_consent(state: State, fact: Fact) -> State:
    channel, at = key_of(fact.payload.get("channel") or ""), fact.occurred_at
    word = Permission(channel, at, fact.kind == "consent.given")
    for index, known in enumerate(state.permissions):
        if known.channel == channel:
            if (at, not word.allowed) < (known.at, not known.allowed):
                return state
            return state._replace(permissions=(*state.permissions[:index], word, *state.permissions[index + 1 :]))
    return state if len(state.permissions) >= MAX_CHANNELS else state._replace(permissions=(*state.permissions, word))


def _indexes(*names: str) -> tuple[int, ...]:
    return tuple(Counts._fields.index(name) for name in names)


_MATCHES: Final = _indexes("matches")
_PROMPTNESS: Final = _indexes("promptness")
_TOUCHES: Final = _indexes("touches")
_PERSONAL: Final = _indexes("personal")
_HANDOVERS: Final = _indexes("handovers")
_STAGE_INDEX: Final[dict[Stage, int]] = {stage: index for index, stage in enumerate(STAGES)}

_OWN_EFFECTS: Final[dict[str, Effect]] = {
    "lead.captured": Effect(steps=(_note_request,)),
    "lead.inquired": Effect(_indexes("inquiries"), (_note_request,)),
    "lead.assigned": Effect(steps=(_note_handover,)),
    "criteria.stated": Effect(steps=(_note_criteria,)),
    "search.performed": Effect(_indexes("searches")),
    "listing.viewed": Effect(_indexes("views"), (_note_view, _note_home(1.0))),
    "listing.saved": Effect(_indexes("saves"), (_note_home(2.0),)),
    "listing.shared": Effect(_indexes("saves"), (_note_home(2.0),)),
    "listing.dismissed": Effect(steps=(_drop_home,)),
    "listing.inquired": Effect(_indexes("inquiries"), (_note_home(2.0), _note_request)),
    "message.sent": Effect(steps=(_note_touch,)),
    "message.clicked": Effect(_indexes("clicks")),
    "message.bounced": Effect(_indexes("bounces")),
    "message.received": Effect(_indexes("replies"), (_note_reply,)),
    "call.attempted": Effect(_indexes("calls"), (_note_touch,)),
    "call.held": Effect(_indexes("calls", "conversations"), (_note_conversation,)),
    "appointment.booked": Effect(_indexes("bookings"), (_note_agenda,)),
    "appointment.held": Effect(_indexes("meetings"), (_note_meeting, _note_agenda)),
    "appointment.missed": Effect(_indexes("missed"), (_note_agenda,)),
    "appointment.cancelled": Effect(_indexes("missed"), (_note_agenda,)),
    "tour.booked": Effect(_indexes("bookings"), (_note_agenda,)),
    "tour.held": Effect(_indexes("meetings", "tours"), (_note_meeting, _note_agenda)),
    "tour.cancelled": Effect(_indexes("missed"), (_note_agenda,)),
    "financing.preapproved": Effect(steps=(_note_approval,)),
    "valuation.requested": Effect(_indexes("inquiries"), (_note_intent("sell"), _note_request)),
    "competitor.mentioned": Effect(_indexes("competitors")),
    "offer.made": Effect(_indexes("offers")),
    "consent.given": Effect(steps=(_note_consent,)),
    "consent.withdrawn": Effect(steps=(_note_consent,)),
}

_NO_SIGN_OF_LIFE: Final = frozenset(
    {
        "message.opened",  # mail programs open messages by themselves, so an opening proves nothing
        "listing.dismissed",
        "appointment.missed",
        "appointment.cancelled",
        "tour.cancelled",
        "competitor.mentioned",
        "consent.given",
        "consent.withdrawn",
    }
)
"""Deeds of the lead that do not bring a deal nearer, so that they neither count as activity nor end a silence."""


def _effect(kind: str) -> Effect:
    entry, own = KINDS[kind], _OWN_EFFECTS.get(kind, Effect())
    alive = entry.direction is Direction.LEAD and kind not in _NO_SIGN_OF_LIFE
    moves = entry.stage is not None or kind in STAGE_SETTING_KINDS
    return Effect(
        (*_indexes("activity"), *own.counts) if alive else own.counts,
        (*((_note_presence,) if alive else ()), *own.steps, *((_note_stage,) if moves else ())),
    )


_EFFECTS: Final[dict[str, Effect]] = {kind: _effect(kind) for kind in KINDS}
