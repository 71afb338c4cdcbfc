"""Meta Lead Ads: what its webhook says, and the lead that is then fetched.

The webhook carries identifiers only (Meta, "Webhooks for Leads"); the answers come from the Graph API, see `client`.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from porchlight.integrations.payloads import UnreadablePayload, bounded, marked_as_test, object_of, stated, text_of
from porchlight.kit.crypto import same
from porchlight.kit.errors import PorchlightError
from porchlight.leads import values
from porchlight.leads.assembly import DEFAULT_READING, Reading, Stated, assemble
from porchlight.leads.fields import CUSTOM, field_named
from porchlight.leads.inputs import LeadInput

ORIGIN = "meta"


@dataclass(frozen=True, slots=True)
class MetaConfig:
    """`field_map` gives a form's own questions their field: `{"how_soon_are_you_moving?": "timeframe"}`."""

    source: str = "Meta Lead Ads"
    field_map: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = DEFAULT_READING


@dataclass(frozen=True, slots=True)
class LeadNotice:
    """One lead the webhook tells of, to be fetched by its `leadgen_id`."""

    leadgen_id: str
    page_id: str | None
    form_id: str | None
    ad_id: str | None
    created_at: datetime | None


def verify_signature(body: bytes, header: str | None, app_secret: str) -> None:
    """Check `X-Hub-Signature-256`, the HMAC-SHA256 of the raw body under the app's secret.

    Raises `PorchlightError` (`signature_invalid`).
    """
    expected = "sha256=" + hmac.new(app_secret.encode(), body, sha256).hexdigest()
    if header is None or not same(header.strip().lower().encode(), expected.encode()):
        raise PorchlightError(
            "signature_invalid",
            "X-Hub-Signature-256 does not match the body: the hook must hold the secret of the Meta app that calls it",
        )


def answer_challenge(query: Mapping[str, str], verify_token: str) -> str:
    """What to answer Meta's verification request (a GET) with; raises `PorchlightError` (`signature_invalid`)."""
    given = query.get("hub.verify_token", "")
    if query.get("hub.mode") != "subscribe" or not same(given.encode(), verify_token.encode()):
        raise PorchlightError("signature_invalid", "hub.verify_token is not the one this hook was set up with")
    challenge = query.get("hub.challenge", "")
    if not challenge.isalnum() or len(challenge) > 200:
        raise UnreadablePayload("hub.challenge is missing", field="hub.challenge")
    return challenge


def parse_notification(body: bytes) -> list[LeadNotice]:
    """The leads a webhook call tells of; other changes of the page are passed over. Raises `PorchlightError`."""
    payload = object_of(body)
    if payload.get("object") != "page" or not isinstance(payload.get("entry"), list):
        raise UnreadablePayload("This is no notification of a Meta page: subscribe the hook to the leadgen field")
    return list(_notices(payload["entry"]))


def _notices(entries: list[Any]) -> Iterator[LeadNotice]:
    for entry in entries:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        for change in changes if isinstance(changes, list) else []:
            value = change.get("value") if isinstance(change, dict) else None
            if not isinstance(value, dict) or change.get("field") != "leadgen":
                continue
            leadgen_id = text_of(value.get("leadgen_id"))
            if not leadgen_id.isdecimal():
                raise UnreadablePayload("A leadgen change has no numeric leadgen_id", field="leadgen_id")
            yield LeadNotice(
                leadgen_id,
                text_of(value.get("page_id")) or None,
                text_of(value.get("form_id")) or None,
                text_of(value.get("ad_id")) or None,
                values.moment(text_of(value.get("created_time"))),
            )


_ATTRIBUTION = (
    "form_id", "ad_id", "ad_name", "adset_id", "adset_name", "campaign_id", "campaign_name", "platform", "is_organic",
    "partner_name", "retailer_item_id",
)  # fmt: skip
LEAD_FIELDS = ("id", "created_time", "field_data", "custom_disclaimer_responses", "home_listing", *_ATTRIBUTION)
"""What to ask the Graph API for."""

_TEST_ANSWER = "<test lead:"


def parse_lead(lead: Mapping[str, Any], config: MetaConfig) -> LeadInput:
    """The lead in the Graph API's answer. Leads of Meta's testing tool get `custom["test"] = True`.

    Raises `PorchlightError`.
    """
    leadgen_id = text_of(lead.get("id"))
    answers = lead.get("field_data")
    if not leadgen_id or not isinstance(answers, list):
        raise UnreadablePayload("This is no Meta lead: it has no id or no field_data", field="field_data")
    result, _ = assemble(
        bounded(_stated(lead, answers, config)),
        origin=ORIGIN,
        external_id=leadgen_id,
        source=config.source,
        reading=config.reading,
    )
    return marked_as_test(result) if _TEST_ANSWER in str(answers) else result


def _stated(lead: Mapping[str, Any], answers: list[Any], config: MetaConfig) -> Iterator[Stated]:
    for answer in answers:
        if not isinstance(answer, dict) or not isinstance(answer.get("name"), str):
            raise UnreadablePayload("An answer in field_data has no name", field="field_data")
        name = answer["name"]
        yield from stated(name, answer.get("values"), config.field_map.get(name) or _field_of(name))
    yield from stated("created_time", lead.get("created_time"), "created_at")
    yield from stated("home_listing", lead.get("home_listing"), CUSTOM)
    for name in _ATTRIBUTION:
        yield from stated(name, lead.get(name), CUSTOM)
    disclaimers = lead.get("custom_disclaimer_responses")
    for disclaimer in disclaimers if isinstance(disclaimers, list) else []:
        if isinstance(disclaimer, dict):
            name = text_of(disclaimer.get("checkbox_key")) or "disclaimer"
            yield from stated(name, disclaimer.get("is_checked"), config.field_map.get(name))


def _field_of(question: str) -> str | None:
    """What a form asks about ids is the person's answer, not the lead's identifier."""
    return CUSTOM if field_named(question) == "external_id" else None
