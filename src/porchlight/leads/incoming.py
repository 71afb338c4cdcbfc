"""Items of the API as the inputs that capture and recording take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from porchlight.intelligence.conversion import BadPayload, validate_payload
from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7
from porchlight.leads.assembly import Notice, Reading, Stated, assemble
from porchlight.leads.capture import Incoming
from porchlight.leads.find import Reference
from porchlight.leads.inputs import Consent
from porchlight.leads.record import ActivityInput
from porchlight.leads.schemas import ActivityIn, LeadIn

MOST_ITEMS = 1_000
_LONGEST_CUSTOM = 20_000

_LEAD = TypeAdapter(LeadIn)
_ACTIVITY = TypeAdapter(ActivityIn)


def items_in(body: bytes, key: str) -> tuple[list[Any], bool]:
    """The items of a request body, `{key: [...]}` or a single object, and whether it was a batch.

    Raises `request_invalid`.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise PorchlightError("request_invalid", f"The body is not JSON: {error}") from error
    if b"\\u0000" in body:
        raise PorchlightError("request_invalid", "Leave out the NUL characters (\\u0000); no text needs them.")
    if not isinstance(document, dict):
        raise PorchlightError("request_invalid", f'Send one object, or {{"{key}": [...]}} with up to {MOST_ITEMS:,}.')
    if key not in document:
        return [document], False
    items = document[key]
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise PorchlightError("request_invalid", f"{key} takes a list of 1 to {MOST_ITEMS:,} items.", field=key)
    return items, True


def read_activity(item: Any) -> ActivityInput | PorchlightError:
    """An item of POST /activities, or what is wrong with it."""
    try:
        given = _ACTIVITY.validate_python(item)
    except ValidationError as error:
        return _unreadable(error)
    named = (given.lead_id, given.lead_external_id, given.email, given.phone)
    # An item that names its lead in no other way means the lead by its external id.
    names_lead = all(name is None for name in named)
    return ActivityInput(
        about=Reference(
            lead_id=given.lead_id,
            external_id=given.external_id if names_lead else given.lead_external_id,
            email=given.email,
            phone=given.phone,
            source=given.source,
        ),
        kind=given.kind,
        occurred_at=given.occurred_at,
        payload=given.payload,
        source=given.source,
        external_id=None if names_lead else given.external_id,
        raw=item,
    )


def read_lead(item: Any, reading: Reading) -> tuple[Incoming, list[Notice]] | PorchlightError:
    """An item of POST /leads with what of it could not be read as its field, or what is wrong with it."""
    try:
        given = _LEAD.validate_python(item)
        criteria = validate_payload("criteria.stated", given.criteria) if given.criteria else {}
    except ValidationError as error:
        return _unreadable(error)
    except BadPayload as error:
        return PorchlightError("request_invalid", f"{error.message}.", field=f"criteria.{error.field}")
    lead, notices = assemble(
        _stated(given),
        origin=given.source,
        external_id=given.external_id or uuid7().hex,
        source=given.source,
        reading=reading,
    )
    lead = lead._replace(
        criteria=criteria,
        created_at=given.created_at,
        stage=given.stage,
        tags=tuple(given.tags),
        consents=tuple(Consent(c.channel, c.at, c.wording) for c in given.consents),
        opted_out=tuple(given.opted_out),
        custom={**lead.custom, **given.custom, **(given.model_extra or {})},
    )
    if len(orjson.dumps(dict(lead.custom))) > _LONGEST_CUSTOM:
        return PorchlightError(
            "request_invalid", f"Custom fields may take {_LONGEST_CUSTOM:,} bytes of JSON in all.", field="custom"
        )
    return Incoming(lead, item), notices


def _stated(given: LeadIn) -> Iterator[Stated]:
    address = given.address.model_dump() if given.address else {}
    texts = {
        "full_name": given.name,
        "first_name": given.first_name,
        "last_name": given.last_name,
        "message": given.message,
        "notes": given.notes,
        "listing_key": given.listing_key,
        "owner_email": given.owner_email,
        **address,
    }
    yield from ((name, name, value) for name, value in texts.items() if value)
    yield from (("email", "email", value) for value in (given.email, *given.emails) if value)
    yield from (("phone", "phone", value) for value in (given.phone, *given.phones) if value)


def _unreadable(error: ValidationError) -> PorchlightError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return PorchlightError("request_invalid", f"{first['msg']}.", field=".".join(map(str, first["loc"])) or None)
