"""Google Ads lead forms: the webhook's body is the lead (Google, "Lead form webhook implementation")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from porchlight.integrations.payloads import (
    UnreadablePayload,
    bounded,
    marked_as_test,
    object_of,
    stated,
    text_of,
)
from porchlight.kit.errors import PorchlightError
from porchlight.leads.assembly import DEFAULT_READING, Reading, Stated, assemble
from porchlight.leads.fields import CUSTOM, field_named
from porchlight.leads.inputs import LeadInput

ORIGIN = "google_lead_form"

FIELD_OF_COLUMN: Mapping[str, str] = {
    "FULL_NAME": "full_name",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE": "phone",
    "STREET_ADDRESS": "street",
    "CITY": "city",
    "REGION": "state",
    "POSTAL_CODE": "postal_code",
    "COUNTRY": "country",
    "COMPANY_NAME": CUSTOM,
    "JOB_TITLE": CUSTOM,
}
"""The questions Google has ready, by their `column_id`; a form's own questions are known by what they ask."""

_ATTRIBUTION = ("form_id", "campaign_id", "adgroup_id", "creative_id", "asset_group_id", "gcl_id")


@dataclass(frozen=True, slots=True)
class GoogleConfig:
    """`field_map` gives a form's own questions, by `column_id` or name, their field."""

    source: str = "Google Lead Form"
    field_map: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = DEFAULT_READING


def check_key(body: bytes, matches: Callable[[str], bool]) -> None:
    """Check `google_key`, the only proof of the sender; `matches` must take the same time for every wrong key.

    Raises `PorchlightError` (`signature_invalid` where the key is wrong).
    """
    if not matches(text_of(object_of(body).get("google_key"))):
        raise PorchlightError(
            "signature_invalid", "google_key is not the key of this hook: copy the key into the lead form's settings"
        )


def refusal(error: PorchlightError) -> dict[str, str]:
    """The body Google shows the advertiser beside a 4xx answer."""
    return {"message": error.detail}


def parse(body: bytes, config: GoogleConfig) -> list[LeadInput]:
    """The lead in a call, of which there is one. Google's test leads get `custom["test"] = True`.

    Raises `PorchlightError`.
    """
    payload = object_of(body)
    lead_id, answers = text_of(payload.get("lead_id")), payload.get("user_column_data")
    if not lead_id or not isinstance(answers, list):
        raise UnreadablePayload("This is no Google lead: lead_id or user_column_data is missing", field="lead_id")
    lead, _ = assemble(
        bounded(_stated(payload, answers, config)),
        origin=ORIGIN,
        external_id=lead_id,
        source=config.source,
        reading=config.reading,
    )
    return [marked_as_test(lead) if payload.get("is_test") is True else lead]


def _stated(payload: Mapping[str, Any], answers: list[Any], config: GoogleConfig) -> Iterator[Stated]:
    for answer in answers:
        if not isinstance(answer, dict):
            raise UnreadablePayload("An answer in user_column_data is no object", field="user_column_data")
        column_id, name = text_of(answer.get("column_id")), text_of(answer.get("column_name"))
        mapped = config.field_map.get(column_id) or config.field_map.get(name)
        known = mapped or FIELD_OF_COLUMN.get(column_id) or field_named(name or column_id) or CUSTOM
        yield from stated(name or column_id, answer.get("string_value"), CUSTOM if known == "external_id" else known)
    for name in _ATTRIBUTION:
        if payload.get(name):
            yield from stated(name, payload[name], CUSTOM)
