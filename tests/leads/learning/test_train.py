"""Training on a real database: what is promoted, what is kept, and what is said about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from porchlight.intelligence.conversion import FEATURES, MODEL_VERSION, Fact
from porchlight.intelligence.conversion.history.landmarks import CONVERTED, LOST, Pursuit, Rows
from porchlight.intelligence.conversion.history.model import from_json
from porchlight.intelligence.conversion.history.promotion import LEAST_CONVERSIONS
from porchlight.leads.capture import Incoming, capture_leads
from porchlight.leads.find import Reference
from porchlight.leads.inputs import LeadInput
from porchlight.leads.learning import history
from porchlight.leads.learning.keeping import nightly, review_forecasts, train_soon
from porchlight.leads.learning.train import read_rows, train
from porchlight.leads.learning.trial import cut_of
from porchlight.leads.learning.versions import Learned, keep_learned, list_versions, version_in_service
from porchlight.leads.record import ActivityInput, record_activities

LEADS = 260


@pytest.fixture
async def taught(brokerage: Any) -> Any:
    """A year in which those who wrote back nearly always closed and the others hardly ever."""
    dice = np.random.default_rng(4)
    came = brokerage.clock.now() - timedelta(days=400)
    given, deeds = [], []
    for n in range(LEADS):
        at = came + timedelta(days=float(n))
        keen = dice.random() < 0.35
        won = dice.random() < (0.85 if keen else 0.03)
        given.append(LeadInput(origin="book", external_id=f"t{n}", source="Portal", created_at=at))
        kinds = ["message.received"] * 2 if keen else []
        kinds += ["deal.closed"] if won else ["lead.lost"]
        for step, kind in enumerate(kinds):
            when = at + timedelta(hours=1 + step) if kind == "message.received" else at + timedelta(days=35)
            deeds.append(ActivityInput(Reference(external_id=f"t{n}"), kind, when, {}, "book", f"d{n}-{step}", {}))
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await capture_leads(uow, [Incoming(lead, {}) for lead in given], door="import", live=False)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        results = await record_activities(uow, deeds, door="import", region="US", show=False)
    assert {result.status for result in results} == {"recorded"}
    return brokerage


async def test_a_team_whose_history_teaches_something_gets_its_own_model(taught: Any) -> None:
    said: list[str] = []
    trained = await train(taught.runtime.database, taught.tenant_id, said.append)
    assert trained.decision == "promote", trained.reason
    assert "Better" in trained.reason
    assert said[0] == "Reading the history"
    async with taught.runtime.database.unit_of_work(taught.tenant_id) as uow:
        version = await version_in_service(uow, with_model=True)
    assert version.version == trained.in_service == trained.version
    assert version.model is not None
    assert from_json(version.model).version == version.version
    assert version.learned_until == taught.clock.now()
    assert version.verdict["p_value"] < 0.05
    again = await train(taught.runtime.database, taught.tenant_id)
    assert (again.decision, again.version, again.in_service) == ("keep", None, trained.version)
    assert "Too few outcomes since" in again.reason


async def test_a_team_with_few_outcomes_keeps_the_prior_and_reads_why(brokerage: Any, past: Any) -> None:
    await past.lead()
    trained = await train(brokerage.runtime.database, brokerage.tenant_id)
    assert (trained.decision, trained.version, trained.in_service) == ("keep", None, MODEL_VERSION)
    assert "Too few outcomes" in trained.reason


async def test_a_model_of_another_release_is_learned_anew(taught: Any) -> None:
    async with taught.runtime.database.unit_of_work(taught.tenant_id) as uow:
        old = Learned("own-old", {"format": 0}, {}, taught.clock.now(), 1, 1)
        await keep_learned(uow, old, "promote", {"reason": "It was better then."})
    assert (await train(taught.runtime.database, taught.tenant_id)).decision == "promote"


async def test_a_team_without_any_lead_can_be_trained_too(brokerage: Any) -> None:
    assert (await train(brokerage.runtime.database, brokerage.tenant_id)).leads == 0


async def test_the_rows_are_the_same_however_small_the_batches(taught: Any, monkeypatch: Any) -> None:
    now = taught.clock.now()
    whole = await read_rows(taught.runtime.database, taught.tenant_id, now)
    monkeypatch.setattr(history, "AT_ONCE", 7)
    pieces = await read_rows(taught.runtime.database, taught.tenant_id, now)
    assert np.array_equal(whole.values, pieces.values, equal_nan=True)
    assert np.array_equal(whole.lead, pieces.lead)
    assert np.array_equal(whole.event, pieces.event)
    assert (np.diff(whole.at) >= 0).all()


async def test_every_night_each_tenant_is_trained_and_reviewed(taught: Any) -> None:
    async with taught.runtime.database.unit_of_work(taught.tenant_id) as uow:
        await train_soon(uow)
        await train_soon(uow)
    await taught.run_jobs()
    async with taught.runtime.database.unit_of_work(taught.tenant_id) as uow:
        kinds = [version.kind for version in await list_versions(uow)]
        cursor = await uow.connection.execute("SELECT record->>'state' FROM track_records")
        states = await cursor.fetchall()
    assert kinds == ["own", "prior"]
    assert len(states) == 1
    assert nightly.name == "learning.nightly"
    assert review_forecasts.name == "learning.review"


def rows_of(events: list[int], *, days_apart: float = 1.0) -> Rows:
    at = np.arange(len(events), dtype=np.float64) * days_apart * 86_400.0
    return Rows(
        at=at,
        lead=np.arange(len(events)),
        values=np.zeros((len(events), len(FEATURES))),
        marks=((),) * len(events),
        about=tuple(Pursuit(str(n), (Fact("lead.captured", 1.0, {}),)) for n in range(len(events))),
        event=np.array(events),
        days=np.full(len(events), 20.0),
        followed=np.full(len(events), 400.0),
    )


def test_the_cut_leaves_later_outcomes_that_the_model_in_service_has_not_seen() -> None:
    rows = rows_of([CONVERTED, LOST] * 50)
    closed = rows.at[rows.event == CONVERTED]
    assert cut_of(rows, None) == closed[-15]
    assert cut_of(rows, float(closed[-12])) == closed[-12]
    assert cut_of(rows, float(closed[-LEAST_CONVERSIONS + 1])) is None
    assert cut_of(rows_of([CONVERTED] * (2 * LEAST_CONVERSIONS - 1)), None) is None
    assert cut_of(rows_of([]), None) is None
