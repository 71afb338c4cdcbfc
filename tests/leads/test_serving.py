"""The model in service is the one that forecasts, on a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from porchlight.intelligence.conversion import MODEL_VERSION
from porchlight.intelligence.conversion.history.model import PRIOR, Model, sealed, to_json
from porchlight.intelligence.conversion.history.terms import Term
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.contact_points import email_point
from porchlight.leads.find import Reference
from porchlight.leads.inputs import LeadInput
from porchlight.leads.learning.versions import Learned, keep_learned, list_versions, put_in_service
from porchlight.leads.record import ActivityInput, record_activities
from porchlight.leads.serving import model_in_service

KEEN = sealed(
    replace(PRIOR, base_probability=0.05, terms=(Term("custom", "budget", "budget_alignment", {"high": 1.5}),))
)


async def capture(brokerage: Any, name: str, **custom: Any) -> None:
    point = email_point(f"{name}@example.com")
    given = LeadInput("web", name, "web", contact_points=(point,), custom=custom)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await capture_leads(uow, [Incoming(given, {})], door="api", live=False)


async def promote(brokerage: Any, model: Model) -> None:
    learned = Learned(model.version, to_json(model), {}, brokerage.clock.now(), 1, 1)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await keep_learned(uow, learned, "promote", {"reason": "It was better."})


async def standing(brokerage: Any) -> dict[str, tuple[str, float, float]]:
    """Each lead's model version, probability and score."""
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute(
            "SELECT l.external_id, s.model_version, s.probability, s.score FROM lead_states s"
            " JOIN leads l ON l.tenant_id = s.tenant_id AND l.id = s.lead_id"
        )
        return {name: row for name, *row in await cursor.fetchall()}


async def test_without_versions_the_documented_prior_serves(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert await model_in_service(uow) is PRIOR


async def test_a_promoted_model_forecasts_every_lead_anew_and_says_why(brokerage: Any) -> None:
    await capture(brokerage, "ann", budget="high")
    await capture(brokerage, "bob")
    before = await standing(brokerage)

    await promote(brokerage, KEEN)
    await brokerage.run_jobs()
    after = await standing(brokerage)

    assert {version for version, *_ in before.values()} == {MODEL_VERSION}
    assert {version for version, *_ in after.values()} == {KEEN.version}
    assert all(after[name][1] > before[name][1] for name in after)
    assert after["ann"][2] > after["bob"][2]
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT cause, model_version FROM scores ORDER BY id DESC LIMIT 1")
        assert await cursor.fetchone() == ("model", KEEN.version)


async def test_new_leads_and_activities_are_forecast_by_it_at_once(brokerage: Any) -> None:
    await capture(brokerage, "ann", budget="high")
    await promote(brokerage, KEEN)
    await capture(brokerage, "eve", budget="high")
    brokerage.clock.advance(timedelta(minutes=1))
    view = ActivityInput(
        about=Reference(external_id="ann", source="web"), kind="listing.viewed", occurred_at=None, payload={},
        source="web", external_id="v1", raw={},
    )  # fmt: skip
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        [result] = await record_activities(uow, [view], door="api", region="US")

    assert result.assessment is not None
    assert result.assessment.forecast.model_version == KEEN.version
    assert (await standing(brokerage))["eve"][0] == KEEN.version


async def test_going_back_takes_every_forecast_back(brokerage: Any) -> None:
    await capture(brokerage, "ann", budget="high")
    before = await standing(brokerage)
    await promote(brokerage, KEEN)
    await brokerage.run_jobs()
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        [prior] = [version for version in await list_versions(uow) if version.kind == "prior"]
        await put_in_service(uow, prior.id)
    await brokerage.run_jobs()

    assert await standing(brokerage) == before
