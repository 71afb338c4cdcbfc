"""The page Can I trust the score? over HTTP, without a script, and the same over the API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest
from tests.web.conftest import Visit
from tests.web.sample_trust import RECORD
from tests.web.visitors import Visitor

from porchlight.accounts.permissions import Role
from porchlight.intelligence.conversion import MODEL_VERSION
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.inputs import LeadInput
from porchlight.leads.learning.tables import TrackRecord
from porchlight.leads.learning.versions import Learned, keep_learned
from porchlight.web.trust_pictures import BOTTOM, LEFT, RIGHT, TOP, course, ratio_place, reliability


async def keep(brokerage: Any, record: dict[str, Any]) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        uow.session.add(TrackRecord(tenant_id=uow.tenant_id, made_at=uow.now(), record=record))


async def promote(brokerage: Any) -> str:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        learned = Learned("own-1", {}, {"auc": 0.8}, uow.now(), 900, 71)
        return str((await keep_learned(uow, learned, "promote", {"reason": "Better on 31 later outcomes."})).id)


@pytest.fixture
async def admin(brokerage: Any, visit: Visit) -> Visitor:
    return await visit(brokerage, brokerage.admin_id)


async def test_a_team_without_outcomes_reads_that_it_is_too_early_and_what_serves(admin: Visitor) -> None:
    page = await admin.open("/trust")
    assert "Too early to say: 0 outcomes" in page.text
    assert "The documented prior is in service" in page.text
    assert MODEL_VERSION in page.text


async def test_the_first_look_has_the_record_worked_out(brokerage: Any, admin: Visitor, past_year: int) -> None:
    first = await admin.open("/trust")
    assert "being worked out" in first.text
    await brokerage.run_jobs()
    page = await admin.open("/trust")
    assert f"{past_year} closed" in page.text
    assert "By source" in page.text


async def test_the_verdict_comes_with_its_figures(brokerage: Any, admin: Visitor) -> None:
    await keep(brokerage, RECORD)
    page = await admin.open("/trust")
    assert "Trust the order; the chances are too low" in page.text
    assert "88 times in 100 (between 84 and 92)" in page.text
    assert "(between 1.7 and 2.4)" in page.text


async def test_going_back_can_be_undone_without_a_script(brokerage: Any, admin: Visitor) -> None:
    own = await promote(brokerage)
    page = await admin.open("/trust")
    back = next(form.action for form in page.forms if form.action.endswith("/serve"))
    page = await admin.submit(page, back)
    assert f"{MODEL_VERSION} is in service instead of own-1" in page.text
    page = await admin.submit(page, f"/trust/versions/{own}/serve")
    assert f"own-1 is in service instead of {MODEL_VERSION}" in page.text


@pytest.mark.parametrize("role", [Role.AGENT, Role.ANALYST, Role.READ_ONLY])
async def test_who_may_not_choose_the_model_sees_no_button_and_is_refused(
    brokerage: Any, visit: Visit, web: httpx2.AsyncClient, role: Role
) -> None:
    own = await promote(brokerage)
    person = await brokerage.join(role)
    visitor = await visit(brokerage, person.id)
    page = await visitor.open("/trust")
    assert not [form for form in page.forms if form.action.startswith("/trust")]
    for path in (f"/trust/versions/{own}/serve", "/trust/retrain", f"/api/v1/models/{own}/serve", "/api/v1/models"):
        assert (await web.post(path, headers=person.headers)).status_code == 403


async def test_an_agent_sees_of_the_agents_only_themselves(
    brokerage: Any, visit: Visit, web: httpx2.AsyncClient
) -> None:
    person = await brokerage.join(Role.AGENT, name="Own Agent")
    mine = RECORD["agents"][1] | {"name": str(person.id)}
    await keep(brokerage, RECORD | {"agents": [mine, RECORD["agents"][0] | {"name": str(brokerage.admin_id)}]})
    page = await (await visit(brokerage, person.id)).open("/trust")
    assert "Own Agent" in page.text
    assert "Ada Admin" not in page.text
    answer = (await web.get("/api/v1/models/track-record", headers=person.headers)).json()
    assert [agent["name"] for agent in answer["record"]["agents"]] == [str(person.id)]


async def test_versions_are_listed_shown_and_chosen_over_the_api(brokerage: Any, web: httpx2.AsyncClient) -> None:
    own = await promote(brokerage)
    listed = (await web.get("/api/v1/models", headers=brokerage.headers)).json()["items"]
    assert [(one["version"], one["status"]) for one in listed] == [("own-1", "in_service"), (MODEL_VERSION, "retired")]
    shown = (await web.get(f"/api/v1/models/{own}", headers=brokerage.headers)).json()
    assert shown["card"] == {"auc": 0.8}
    answer = await web.post(f"/api/v1/models/{listed[1]['id']}/serve", headers=brokerage.headers)
    assert answer.json()["in_service"]["version"] == MODEL_VERSION
    assert answer.json()["instead_of"] == own
    assert (await web.get(f"/api/v1/models/{brokerage.admin_id}", headers=brokerage.headers)).status_code == 404


async def test_training_is_queued_from_the_page_and_over_the_api(
    brokerage: Any, admin: Visitor, web: httpx2.AsyncClient
) -> None:
    page = await admin.submit(await admin.open("/trust"), "/trust/retrain")
    assert "The training is queued" in page.text
    answer = await web.post("/api/v1/models", headers=brokerage.headers)
    assert (answer.status_code, answer.json()) == (202, {"status": "queued"})
    await brokerage.run_jobs()
    assert "Worked out" in (await admin.open("/trust")).text


@pytest.fixture
async def past_year(brokerage: Any) -> int:
    """Leads of two sources brought in with their results; returns how many of them closed."""
    came = brokerage.clock.now() - timedelta(days=300)
    given = [
        LeadInput(
            origin="book",
            external_id=str(n),
            source="Portal" if n % 3 else "Referral",
            created_at=came + timedelta(days=n),
            outcome="won" if n % 4 == 0 else "lost",
            outcome_at=came + timedelta(days=n + 40),
        )
        for n in range(120)
    ]
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await capture_leads(uow, [Incoming(lead, {}) for lead in given], door="import", live=False)
    return 30


def test_the_pictures_stay_within_their_frames() -> None:
    extremes = [
        {"said": said, "happened": happened, "low": 0.0, "high": 1.0, "rows": 1}
        for said, happened in ((0.0, 0.0), (1.0, 1.0), (1e-9, 0.5))
    ]
    months = [one | {"month": f"2026-{n + 1:02d}"} for n, one in enumerate(extremes)]
    for marks in (reliability(extremes).marks, course(months).marks):
        assert all(LEFT <= mark.x <= RIGHT and TOP <= mark.high <= mark.low <= BOTTOM for mark in marks)
    assert [ratio_place(ratio) for ratio in (0, 1 / 9, 1, 3, 50)] == [0, 0, 50, 100, 100]
    assert orjson.dumps([asdict(mark) for mark in reliability(extremes).marks])
