"""Leads as any system's JSON: by a field map where one is given, else by the names of the keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from porchlight.integrations.payloads import (
    UnreadablePayload,
    bounded,
    content_id,
    json_of,
    leaves,
    named_value,
    stated,
)
from porchlight.kit.errors import PorchlightError
from porchlight.leads.assembly import DEFAULT_READING, Reading, Stated, assemble
from porchlight.leads.fields import IGNORE, is_field, unknown_field_advice
from porchlight.leads.inputs import LeadInput

MOST_LEADS = 1_000
_LIST_KEYS = ("leads", "contacts", "people", "prospects", "items", "records", "results", "data", "events")
_ENVELOPES = frozenset(
    {"data", "attributes", "payload", "body", "record", "fields", "properties", "submission", "answers", "values",
     "custom_fields", "form_response", "custom"}
)  # fmt: skip
"""Keys that wrap a lead and say nothing about it."""


@dataclass(frozen=True, slots=True)
class GenericConfig:
    """`field_map` gives fields their dotted path in the payload: `{"email": "contact.email", "custom:pets": "pets"}`.

    `leads_at` is the dotted path of the list of leads, where it is not found by itself.
    """

    source: str
    field_map: Mapping[str, str] = field(default_factory=dict)
    leads_at: str | None = None
    reading: Reading = DEFAULT_READING


def check_field_map(field_map: Mapping[str, object]) -> dict[str, str]:
    """A field map as a person wrote it; raises `PorchlightError` (`import_mapping_invalid`)."""
    for name, path in field_map.items():
        if not is_field(name):
            raise PorchlightError("import_mapping_invalid", unknown_field_advice(name), field="field_map")
        if not isinstance(path, str) or not path.strip():
            raise PorchlightError(
                "import_mapping_invalid", f"{name} needs a dotted path, as in contact.email", field="field_map"
            )
    return {name: str(path).strip() for name, path in field_map.items()}


def parse(body: bytes, config: GenericConfig) -> list[LeadInput]:
    """The lead or leads in a body; raises `PorchlightError`."""
    payload = json_of(body)
    found = _leads_in(payload, config.leads_at)
    if len(found) > MOST_LEADS:
        raise UnreadablePayload(f"Send at most {MOST_LEADS:,} leads in one request")
    for place, item in enumerate(found):
        if not isinstance(item, dict):
            raise UnreadablePayload(f"Lead {place} of the list is no object", field=f"[{place}]")
    return [_lead(item, config) for item in found]


def _leads_in(payload: Any, leads_at: str | None) -> list[Any]:
    if leads_at is not None:
        found = list(values_at(payload, leads_at))
        if not found:
            raise UnreadablePayload(f"There is nothing at {leads_at}, where the leads should be", field=leads_at)
        return found
    if isinstance(payload, list):
        return payload
    if not isinstance(payload, dict):
        raise UnreadablePayload("The body is JSON, but neither an object nor a list of objects")
    for key in _LIST_KEYS:
        inside = payload.get(key)
        if isinstance(inside, list) and all(isinstance(one, dict) and named_value(one) is None for one in inside):
            return inside
    return [payload]


def _lead(item: dict[str, Any], config: GenericConfig) -> LeadInput:
    answers = bounded(_stated(item, config))
    if not answers:
        raise UnreadablePayload("A lead without a single answer came in: check what the form sends")
    lead, _ = assemble(
        answers,
        origin=f"hook:{config.source}",
        external_id=content_id(item),
        source=config.source,
        reading=config.reading,
    )
    return lead


def _stated(item: dict[str, Any], config: GenericConfig) -> Iterator[Stated]:
    mapped = {_without_places(path) for path in config.field_map.values()}
    for name, path in config.field_map.items():
        if name != IGNORE:
            for value in values_at(item, path):
                yield from stated(path, value, name)
    for path, value in leaves(item):
        if not any(path == known or path.startswith(f"{known}.") for known in mapped):
            yield from stated(_without_envelopes(path), value)


def values_at(value: Any, path: str) -> Iterator[Any]:
    """What stands at a dotted path: a number steps to a place in a list, any other key into each of its items."""
    step, _, rest = path.partition(".")
    if isinstance(value, list):
        if step.isdecimal():
            below = value[int(step) : int(step) + 1]
            for one in below:
                yield from values_at(one, rest) if rest else [one]
        else:
            for one in value:
                yield from values_at(one, path)
    elif isinstance(value, dict) and path in value:
        yield from value[path] if isinstance(value[path], list) else [value[path]]
    elif isinstance(value, dict) and step in value:
        yield from values_at(value[step], rest) if rest else [value[step]]


def _without_places(path: str) -> str:
    return ".".join(step for step in path.split(".") if not step.isdecimal())


def _without_envelopes(path: str) -> str:
    steps = path.split(".")
    while len(steps) > 1 and steps[0].lower() in _ENVELOPES:
        del steps[0]
    return ".".join(steps)
