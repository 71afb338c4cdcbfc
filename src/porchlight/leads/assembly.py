"""Answers to a lead's fields, put together to a `LeadInput`.

Files, hooks and the API differ in how they find out which field a text belongs to; from there on they all come through
here. Nothing is lost on the way: text that cannot be read as its field stays under its own name among the custom
fields, and a bad contact point under `invalid_email` or `invalid_phone`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from porchlight.leads import values
from porchlight.leads.contact_points import BadContactPoint, ContactKind, ContactPoint, email_point, phone_point
from porchlight.leads.fields import CUSTOM, IGNORE
from porchlight.leads.inputs import NOTHING, Address, Channel, Consent, LeadInput, Outcome
from porchlight.leads.names import split_name

Stated = tuple[str, str, str]
"""A field's name, what the source calls it, and the text it holds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How text from one source is to be understood.

    `region` is the ISO 3166 code of the country whose phone numbers need no country code; `zone` that of times without
    an offset; `day_first` whether 3/4 is the third of April.
    """

    region: str = "US"
    zone: tzinfo = UTC
    day_first: bool = False


DEFAULT_READING = Reading()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that could not be read as its field. The lead goes in all the same, with the text kept as custom."""

    column: str
    code: str
    sentence: str


class BadOutcome(ValueError):  # noqa: N818 - it names what was found
    """A past result that says neither won nor lost; learning from a guess would be worse than not having the row."""

    def __init__(self, column: str, text: str):
        super().__init__(f"{text[:60]!r} is no past result: write won or lost (1 or 0, yes or no), or leave it empty")
        self.column = column


@dataclass(slots=True)
class Draft:
    """A lead while its fields are being read."""

    reading: Reading
    texts: dict[str, str] = field(default_factory=dict)
    points: dict[tuple[ContactKind, str], ContactPoint] = field(default_factory=dict)
    criteria: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    opted_out: list[Channel] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    created_at: datetime | None = None
    outcome: Outcome | None = None
    outcome_at: datetime | None = None


Setter = Callable[[Draft, str, str], None]
"""Puts a text, which is not blank, into the draft under its field; gets the draft, the column's name and the text."""


def keep(draft: Draft, column: str, text: str) -> None:
    """Keep a text under its own name; a second one with that name stands beside the first."""
    before = draft.custom.get(column)
    draft.custom[column] = text if before is None else f"{before}; {text}"


def _keep_unread(draft: Draft, column: str, text: str, code: str, sentence: str, *, key: str | None = None) -> None:
    keep(draft, key or column, text)
    draft.notices.append(Notice(column, code, sentence))


LONGEST_TEXT = 255
_LONGEST_PROSE = 100_000
"""What the payloads of activities may hold; longer texts stay among the custom fields."""


def _text(name: str) -> Setter:
    def put(draft: Draft, column: str, text: str) -> None:
        if name in draft.texts or len(text) > LONGEST_TEXT:
            keep(draft, column, text)
        else:
            draft.texts[name] = text

    return put


def _prose(name: str) -> Setter:
    def put(draft: Draft, column: str, text: str) -> None:
        before = draft.texts.get(name)
        prose = f"{before}\n{text}" if before else text
        if len(prose) > _LONGEST_PROSE:
            keep(draft, column, text)
        else:
            draft.texts[name] = prose

    return put


_SEPARATORS = str.maketrans(";|,\n\t", "     ")


def _email(draft: Draft, column: str, text: str) -> None:
    try:
        point = email_point(text)
    except BadContactPoint as error:
        several = text.translate(_SEPARATORS).split()
        if text.count("@") > 1 and len(several) > 1 and "<" not in text:
            for one in several:
                _email(draft, column, one)
        else:
            _keep_unread(draft, column, text, f"email.{error.reason}", error.detail, key="invalid_email")
        return
    draft.points.setdefault((point.kind, point.value), point)


def _phone(draft: Draft, column: str, text: str) -> None:
    try:
        point = phone_point(text, draft.reading.region)
    except BadContactPoint as error:
        several = [one for one in text.replace("/", ";").replace("|", ";").replace(",", ";").split(";") if one.strip()]
        if len(several) > 1 and all(sum(map(str.isdigit, one)) >= 7 for one in several):
            for one in several:
                _phone(draft, column, one.strip())
        else:
            _keep_unread(draft, column, text, f"phone.{error.reason}", error.detail, key="invalid_phone")
        return
    draft.points.setdefault((point.kind, point.value), point)


def _owner_email(draft: Draft, column: str, text: str) -> None:
    try:
        value = email_point(text).value
    except BadContactPoint as error:
        _keep_unread(draft, column, text, f"email.{error.reason}", error.detail)
    else:
        draft.texts.setdefault("owner_email", value)


def _moment(draft: Draft, column: str, text: str) -> datetime | None:
    found = values.moment(text, draft.reading.zone, day_first=draft.reading.day_first)
    if found is None:
        _keep_unread(draft, column, text, "date.invalid", f"{text[:60]!r} is no date: write it as 2026-03-01T15:00:00Z")
    return found


def _created_at(draft: Draft, column: str, text: str) -> None:
    if draft.created_at is None:
        draft.created_at = _moment(draft, column, text)
    else:
        keep(draft, column, text)


def _outcome_at(draft: Draft, column: str, text: str) -> None:
    draft.outcome_at = _moment(draft, column, text)


def _outcome(draft: Draft, column: str, text: str) -> None:
    result = values.past_result(text)
    if result is None:
        raise BadOutcome(column, text)
    if result != "open":
        draft.outcome = result


def _criterion(key: str, read: Callable[[str], Any]) -> Setter:
    def put(draft: Draft, column: str, text: str) -> None:
        value = read(text)
        if value is None or key in draft.criteria:
            keep(draft, column, text)
        else:
            draft.criteria[key] = value

    return put


def _budget(draft: Draft, column: str, text: str) -> None:
    span = values.price_range(text)
    if span is None:
        keep(draft, column, text)
        return
    for key, price in zip(("price_min", "price_max"), span, strict=True):
        if price is not None:
            draft.criteria.setdefault(key, price)


_MOST_AREAS = 50
_LONGEST_LABEL = 120


def _areas(draft: Draft, column: str, text: str) -> None:
    areas = [*draft.criteria.get("areas", ()), *values.items(text)]
    if len(areas) > _MOST_AREAS or any(len(area) > _LONGEST_LABEL for area in areas):
        keep(draft, column, text)
    else:
        draft.criteria["areas"] = list(dict.fromkeys(areas))


def _label(text: str) -> str | None:
    return text if len(text) <= _LONGEST_LABEL else None


def _stage(draft: Draft, column: str, text: str) -> None:
    if values.stage(text) is None:
        keep(draft, column, text)
    else:
        draft.texts.setdefault("stage", text)


def _tags(draft: Draft, column: str, text: str) -> None:
    draft.tags.extend(tag for item in values.items(text) if (tag := item.lstrip("#").strip()))


def _refusal(*channels: Channel) -> Setter:
    """Anything but a clear no is a refusal: a bounce, a date or "unsubscribed" in such a column all mean stop."""

    def put(draft: Draft, column: str, text: str) -> None:
        answer = values.yes_or_no(text)
        if answer is None:
            keep(draft, column, text)
        if answer is not False:
            draft.opted_out.extend(channels)

    return put


def _consent(channel: Channel) -> Setter:
    """A yes or a date is consent, a no is a refusal, and anything else neither."""

    def put(draft: Draft, column: str, text: str) -> None:
        answer = values.yes_or_no(text)
        at = None if answer is not None else values.moment(text, draft.reading.zone, day_first=draft.reading.day_first)
        if answer or at:
            draft.consents.append(Consent(channel, at, f"{column}: {text}"))
        elif answer is False:
            draft.opted_out.append(channel)
        else:
            sentence = f"{text[:60]!r} is neither yes nor no, so it is not taken for consent"
            _keep_unread(draft, column, text, "consent.unclear", sentence)

    return put


SETTERS: Mapping[str, Setter] = {
    **{
        name: _text(name)
        for name in (
            "external_id", "first_name", "last_name", "full_name", "street", "city", "state", "postal_code", "country",
            "source", "listing_key",
        )
    },
    **{name: _prose(name) for name in ("message", "notes")},
    "email": _email,
    "phone": _phone,
    "owner_email": _owner_email,
    "created_at": _created_at,
    "outcome": _outcome,
    "outcome_at": _outcome_at,
    "stage": _stage,
    "tags": _tags,
    "budget": _budget,
    "areas": _areas,
    "price_min": _criterion("price_min", values.amount),
    "price_max": _criterion("price_max", values.amount),
    "timeframe": _criterion("timeframe_days", values.timeframe_days),
    "intent": _criterion("intent", values.intent),
    "bedrooms_min": _criterion("bedrooms_min", values.room_count),
    "bathrooms_min": _criterion("bathrooms_min", values.room_count),
    "property_type": _criterion("property_type", _label),
    "financing": _criterion("financing", values.financing),
    "consent_email": _consent("email"),
    "consent_sms": _consent("sms"),
    "do_not_email": _refusal("email"),
    # A text message is a call under the US Telephone Consumer Protection Act, so a refusal of calls covers both.
    "do_not_call": _refusal("call", "sms"),
    "do_not_text": _refusal("sms"),
    "do_not_contact": _refusal("email", "sms", "call"),
}  # fmt: skip

_CAN_BE_ANY_WORD = frozenset({"first_name", "last_name", "full_name", "external_id", "message", "notes"})
_WORDS_ARE_ANSWERS = frozenset({"financing", "outcome"})


def blanks_of(field_name: str) -> frozenset[str]:
    """The words, lower case, that are no answer in this field."""
    if field_name in _CAN_BE_ANY_WORD:
        return values.MISSING
    if field_name in _WORDS_ARE_ANSWERS or field_name.startswith(CUSTOM):
        return values.BLANKS | values.UNANSWERED
    return values.MISSING | values.UNANSWERED


BLANKS_OF: Mapping[str, frozenset[str]] = {name: blanks_of(name) for name in (*SETTERS, CUSTOM)}


def assemble(
    stated: Iterable[Stated], *, origin: str, external_id: str, source: str, reading: Reading
) -> tuple[LeadInput, list[Notice]]:
    """A lead from fields and texts; `external_id` and `source` are used where no field gives them.

    Raises `BadOutcome`.
    """
    draft = Draft(reading)
    for name, column, text in stated:
        text = text.strip()
        if name == IGNORE:
            continue
        if name.startswith(CUSTOM):
            if text.lower() not in BLANKS_OF[CUSTOM]:
                keep(draft, name.partition(":")[2] or column, text)
        elif text.lower() not in BLANKS_OF[name]:
            SETTERS[name](draft, column, text)
    return finished(draft, origin, external_id, source), draft.notices


_ADDRESS_PARTS = ("street", "city", "state", "postal_code", "country")


def finished(draft: Draft, origin: str, external_id: str, source: str) -> LeadInput:
    """The lead that a draft has become."""
    texts = draft.texts
    given, family, full = texts.get("first_name"), texts.get("last_name"), texts.get("full_name")
    if full is None:
        full = f"{given} {family}" if given and family else given or family
    elif given is None and family is None:
        given, family = split_name(full)
    if draft.outcome is None and draft.outcome_at is not None:
        keep(draft, "outcome_at", draft.outcome_at.isoformat())  # a time of nothing known
        draft.outcome_at = None
    stage = texts.get("stage")
    return LeadInput(
        origin=origin,
        external_id=texts.get("external_id", external_id),
        source=texts.get("source", source),
        full_name=full,
        given_name=given,
        family_name=family,
        contact_points=tuple(draft.points.values()),
        address=(
            Address(*[texts.get(part) for part in _ADDRESS_PARTS])
            if any(part in texts for part in _ADDRESS_PARTS)
            else None
        ),
        created_at=draft.created_at,
        message=texts.get("message"),
        notes=texts.get("notes"),
        listing_key=texts.get("listing_key"),
        criteria=draft.criteria or NOTHING,
        stage=values.stage(stage) if stage else None,
        owner_email=texts.get("owner_email"),
        tags=tuple(dict.fromkeys(draft.tags)),
        consents=tuple(draft.consents),
        opted_out=tuple(dict.fromkeys(draft.opted_out)),
        outcome=draft.outcome,
        outcome_at=draft.outcome_at,
        custom=draft.custom or NOTHING,
    )
