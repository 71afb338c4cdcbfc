"""Which version of the model serves, on a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from porchlight.intelligence.conversion import MODEL_VERSION
from porchlight.kit.database import Actor
from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7
from porchlight.leads.learning.tables import ModelVersion
from porchlight.leads.learning.versions import (
    HELD_FOR,
    MODELS_KEPT,
    Learned,
    can_serve,
    keep_learned,
    list_versions,
    put_in_service,
    version_in_service,
)

ADA = Actor("user", uuid7(), "Ada")


def learned(brokerage: Any, **changes: Any) -> Learned:
    given: dict[str, Any] = {
        "version": "own-1",
        "model": {"format": 1},
        "card": {"auc": 0.7},
        "rows": 500,
        "outcomes": 60,
    }
    return Learned(**given | {"learned_until": brokerage.clock.now()} | changes)


async def learn(brokerage: Any, decision: Any = "promote") -> ModelVersion:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        number = sum(version.kind == "own" for version in await list_versions(uow)) + 1
        given = learned(brokerage, version=f"own-{number}")
        return await keep_learned(uow, given, decision, {"reason": "It was better."})


async def choose(brokerage: Any, version: ModelVersion, actor: Actor = ADA) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id, actor) as uow:
        await put_in_service(uow, version.id)


async def versions_of(brokerage: Any) -> dict[str, ModelVersion]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return {version.version: version for version in await list_versions(uow)}


async def statuses(brokerage: Any) -> dict[str, str]:
    return {name: version.status for name, version in (await versions_of(brokerage)).items()}


async def test_the_documented_prior_serves_a_team_that_has_learned_nothing(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        version = await version_in_service(uow)
    assert (version.version, version.kind, version.learned_until) == (MODEL_VERSION, "prior", None)


async def test_a_promoted_version_takes_the_priors_place_and_keeps_its_model(brokerage: Any) -> None:
    await learn(brokerage)
    assert await statuses(brokerage) == {"own-1": "in_service", MODEL_VERSION: "retired"}
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        assert (await version_in_service(uow, with_model=True)).model == {"format": 1}


async def test_a_version_that_is_no_better_is_kept_for_the_record_only(brokerage: Any) -> None:
    made = await learn(brokerage, "keep")
    assert await statuses(brokerage) == {"own-1": "rejected", MODEL_VERSION: "in_service"}
    assert made.model is None
    with pytest.raises(PorchlightError, match="found wanting"):
        await choose(brokerage, made)


async def test_going_back_is_undone_by_putting_the_other_back(brokerage: Any) -> None:
    own = await learn(brokerage)
    prior = (await versions_of(brokerage))[MODEL_VERSION]
    await choose(brokerage, prior)
    assert await statuses(brokerage) == {"own-1": "retired", MODEL_VERSION: "in_service"}
    await choose(brokerage, own)
    assert await statuses(brokerage) == {"own-1": "in_service", MODEL_VERSION: "retired"}
    await choose(brokerage, own)
    assert await statuses(brokerage) == {"own-1": "in_service", MODEL_VERSION: "retired"}


async def test_a_persons_choice_is_not_overruled_at_night_until_it_is_old(brokerage: Any) -> None:
    await learn(brokerage)
    await choose(brokerage, (await versions_of(brokerage))[MODEL_VERSION])
    await learn(brokerage)
    await learn(brokerage)
    assert await statuses(brokerage) == {
        "own-3": "candidate",
        "own-2": "rejected",
        "own-1": "retired",
        MODEL_VERSION: "in_service",
    }
    brokerage.clock.advance(HELD_FOR + timedelta(seconds=1))
    await learn(brokerage)
    assert (await statuses(brokerage))["own-4"] == "in_service"


async def test_a_candidate_can_be_put_in_service_by_hand(brokerage: Any) -> None:
    await learn(brokerage)
    await choose(brokerage, (await versions_of(brokerage))[MODEL_VERSION])
    candidate = await learn(brokerage)
    await choose(brokerage, candidate)
    assert (await statuses(brokerage))["own-2"] == "in_service"


async def test_old_models_are_dropped_and_cannot_come_back(brokerage: Any) -> None:
    for _ in range(MODELS_KEPT + 2):
        await learn(brokerage)
        brokerage.clock.advance(timedelta(days=1))
    versions = await versions_of(brokerage)
    assert [name for name, version in versions.items() if version.status == "in_service"] == [f"own-{MODELS_KEPT + 2}"]
    assert {name for name, version in versions.items() if can_serve(version)} == {
        MODEL_VERSION,
        *(f"own-{number}" for number in range(2, MODELS_KEPT + 2)),
    }


async def test_of_many_choices_at_once_exactly_one_version_serves(brokerage: Any) -> None:
    made = [await learn(brokerage) for _ in range(4)]
    await asyncio.gather(*(choose(brokerage, version) for version in made * 2))
    assert list((await statuses(brokerage)).values()).count("in_service") == 1


async def test_another_tenants_version_is_not_there(brokerage: Any, other_brokerage: Any) -> None:
    made = await learn(brokerage)
    with pytest.raises(PorchlightError, match="no such version"):
        await choose(other_brokerage, made)


async def test_each_change_of_version_is_in_the_audit_log_and_the_feed(brokerage: Any) -> None:
    await learn(brokerage)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT body::json->>'deed' FROM audit_entries ORDER BY seq")
        deeds = [row[0] for row in await cursor.fetchall()]
        cursor = await uow.connection.execute("SELECT kind FROM feed ORDER BY seq")
        kinds = [row[0] for row in await cursor.fetchall()]
    assert deeds[-2:] == ["model.learned", "model.put_in_service"]
    assert kinds[-1] == "model.changed"
