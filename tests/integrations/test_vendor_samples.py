"""The sample payloads of the vendors' own documentation, where they are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from porchlight.integrations.adf import payload as adf
from porchlight.integrations.google_lead_form import payload as google
from porchlight.integrations.meta import payload as meta
from porchlight.leads.inputs import LeadInput

SAMPLES = Path(os.environ.get("PORCHLIGHT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")).parent
SAMPLES = SAMPLES / "specs" / "lead_payloads"


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"needs {name}: put it into specs/lead_payloads beside the folder that PORCHLIGHT_TEST_DATA names")
    return path.read_bytes()


def values(lead: LeadInput) -> set[str]:
    return {point.value for point in lead.contact_points}


def test_metas_sample() -> None:
    documented = json.loads(sample("meta_leadgen_webhook.json"))
    (notice,) = meta.parse_notification(json.dumps(documented["webhook"]).encode())
    assert notice.leadgen_id == documented["lead"]["id"]
    lead = meta.parse_lead(documented["lead"], meta.MetaConfig())
    assert (lead.full_name, values(lead)) == ("Joe Example", {"joe@example.com", "+15555550100"})


def test_googles_sample() -> None:
    payload = json.loads(sample("google_lead_form_webhook.json"))["payload"]
    body = json.dumps(payload).encode()
    google.check_key(body, payload["google_key"].__eq__)
    (lead,) = google.parse(body, google.GoogleConfig())
    assert lead.external_id == payload["lead_id"]
    assert values(lead) == {"+16505550123", "test@example.com"}
    assert lead.custom["test"] is True


def test_the_adf_sample() -> None:
    (lead,) = adf.parse(sample("adf_lead.xml"), adf.AdfConfig())
    assert (lead.external_id, lead.source, lead.message) == ("LD-1", "ExamplePortal", "Interested in 12 Oak Ave")
    assert values(lead) == {"joe@example.com", "+15555550100"}
