"""What the doors for JSON have in common: reading a body, and putting answers by name into a lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import orjson

from porchlight.kit.errors import PorchlightError
from porchlight.leads.assembly import Stated
from porchlight.leads.fields import CUSTOM, field_named
from porchlight.leads.inputs import LeadInput

LARGEST_BODY = 1 << 20
"""In bytes. A lead is a few kilobytes; whoever sends a megabyte of them in one call can send two."""
_DEEPEST = 12
_MOST_ANSWERS = 20_000


class UnreadablePayload(PorchlightError):  # noqa: N818 - it names what was found
    """A body that is not what its sender's documentation says; nothing of it became a lead."""

    def __init__(self, detail: str, *, field: str | None = None):
        super().__init__("payload_invalid", detail, field=field)


def refuse_large(body: bytes) -> None:
    if len(body) > LARGEST_BODY:
        raise PorchlightError("body_too_large", f"Send at most {LARGEST_BODY:,} bytes in one request; split it up")


def json_of(body: bytes) -> Any:
    """The JSON in a body; raises `PorchlightError`."""
    refuse_large(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadablePayload(f"The body is not JSON ({error}): send application/json in UTF-8") from error


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; raises `PorchlightError`."""
    payload = json_of(body)
    if not isinstance(payload, dict):
        raise UnreadablePayload("The body is JSON, but not an object: send the payload as its sender documents it")
    return payload


def text_of(value: object) -> str:
    """A JSON scalar as text that a database can hold."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).replace("\0", "").strip()


def stated(name: str, value: object, field: str | None = None) -> Iterator[Stated]:
    """The answer or answers under a name: of the given field, of the field the name stands for, or custom."""
    name = name.replace("\0", "")
    found = field or field_named(name) or CUSTOM
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, (dict, list)):
            yield CUSTOM, name, orjson.dumps(one).decode()
        elif text := text_of(one):
            yield found, name, text


def leaves(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every scalar below a JSON value with its dotted path; places in lists are left out of it.

    A list of objects that pair a name with a value, as form builders send, counts as one object. Raises
    `UnreadablePayload` where the nesting is too deep.
    """
    if depth > _DEEPEST:
        raise UnreadablePayload(f"The JSON is nested more than {_DEEPEST} deep: send a flatter payload", field=path)
    if isinstance(value, dict):
        pair = named_value(value)
        for key, below in pair or value.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        for below in value:
            yield from leaves(below, path, depth + 1)
    else:
        yield path, value


_NAME_KEYS = ("name", "label", "key", "field", "question", "title")
_VALUE_KEYS = ("value", "values", "answer")


def named_value(item: Mapping[str, Any]) -> list[tuple[str, Any]] | None:
    """The one answer in an object that pairs a name with a value, or None for any other object."""
    name = next((item[key] for key in _NAME_KEYS if isinstance(item.get(key), str)), None)
    value = next((item[key] for key in _VALUE_KEYS if key in item), None)
    return None if name is None or value is None else [(name, value)]


def bounded(answers: Iterator[Stated]) -> list[Stated]:
    """The answers of one lead; raises `UnreadablePayload` for more than anybody ever answered."""
    result = []
    for answer in answers:
        result.append(answer)
        if len(result) > _MOST_ANSWERS:
            raise UnreadablePayload(f"One lead has more than {_MOST_ANSWERS:,} answers: is this a list of leads?")
    return result


def marked_as_test(lead: LeadInput) -> LeadInput:
    """A lead that a vendor's testing tool sent: it is kept, and `custom["test"]` says what it is."""
    return lead._replace(custom={**lead.custom, "test": True})


def content_id(payload: object) -> str:
    """An external id for a payload that brings none, so that sending it again changes nothing."""
    canonical = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return "payload-" + blake2b(canonical, digest_size=16).hexdigest()
