"""Changing users and the brokerage itself: nobody locks a brokerage out, and nobody keeps sight of what they lost."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from porchlight.accounts.manage import create_team, create_user, update_tenant, update_user
from porchlight.accounts.passwords import new_password
from porchlight.accounts.permissions import DataScope, Role
from porchlight.accounts.tables import Tenant, User
from porchlight.kit.errors import PorchlightError


async def hire(brokerage: Any, name: str, role: Role = Role.AGENT, **given: Any) -> UUID:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        address = f"{name.lower()}-{brokerage.tenant_id.hex[-8:]}@realty.example.com"
        return (await create_user(uow, email=address, name=name, role=role, **given)).id


async def change(brokerage: Any, user_id: UUID, **given: Any) -> User:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await update_user(uow, user_id, **given)


async def entries(brokerage: Any, deed: str) -> list[dict[str, Any]]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute(
            "SELECT body::jsonb -> 'details' FROM audit_entries WHERE body::jsonb ->> 'deed' = %s ORDER BY seq", (deed,)
        )
        return [details for (details,) in await cursor.fetchall()]


@pytest.mark.parametrize("given", [{"role": Role.MANAGER}, {"is_active": False}, {"role": Role.AGENT}])
async def test_the_last_admin_stays_one(brokerage: Any, given: dict[str, Any]) -> None:
    with pytest.raises(PorchlightError, match="last admin") as refused:
        await change(brokerage, brokerage.admin_id, **given)
    assert refused.value.code == "conflict"
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        admin = await uow.session.get_one(User, (brokerage.tenant_id, brokerage.admin_id))
        assert (admin.role, admin.is_active) == ("admin", True)


async def test_an_admin_who_cannot_sign_in_does_not_count(brokerage: Any) -> None:
    await hire(brokerage, "Ghost", Role.ADMIN)
    left = await hire(brokerage, "Left", Role.ADMIN, password=new_password())
    await change(brokerage, left, is_active=False)
    with pytest.raises(PorchlightError, match="last admin"):
        await change(brokerage, brokerage.admin_id, role=Role.AGENT)


async def test_an_admin_may_go_where_another_stays(brokerage: Any) -> None:
    await hire(brokerage, "Heir", Role.ADMIN, password=new_password())
    assert (await change(brokerage, brokerage.admin_id, role=Role.AGENT)).role == "agent"


async def test_two_admins_cannot_demote_each_other_at_once(brokerage: Any) -> None:
    other = await hire(brokerage, "Rival", Role.ADMIN, password=new_password())
    results = await asyncio.gather(
        change(brokerage, other, role=Role.AGENT),
        change(brokerage, brokerage.admin_id, role=Role.AGENT),
        return_exceptions=True,
    )
    assert sorted(isinstance(result, PorchlightError) for result in results) == [False, True]


async def test_a_new_role_takes_the_sight_of_the_old_one_away(brokerage: Any) -> None:
    user_id = await hire(brokerage, "Vera", Role.ANALYST)
    assert (await change(brokerage, user_id, role=Role.AGENT)).data_scope == "own"


async def test_a_manager_sees_the_team_they_are_in_and_the_house_without_one(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        team_id = (await create_team(uow, "North")).id
    user_id = await hire(brokerage, "Mara", Role.MANAGER, team_id=team_id)
    assert (await change(brokerage, user_id, team_id=None)).data_scope == "tenant"
    moved = await change(brokerage, user_id, team_id=team_id)
    assert (moved.data_scope, moved.team_id) == ("team", team_id)
    assert (await change(brokerage, user_id, data_scope=DataScope.TENANT)).team_id == team_id, "what is left out stays"


async def test_a_team_of_nobody_is_refused(brokerage: Any, other_brokerage: Any) -> None:
    async with other_brokerage.runtime.database.unit_of_work(other_brokerage.tenant_id) as uow:
        theirs = (await create_team(uow, "Theirs")).id
    with pytest.raises(PorchlightError, match="no such team"):
        await change(brokerage, brokerage.admin_id, team_id=theirs)


async def test_only_a_change_is_noted(brokerage: Any) -> None:
    user_id = await hire(brokerage, "Same")
    await change(brokerage, user_id, role=Role.AGENT, team_id=None, is_active=True)
    assert await entries(brokerage, "user.updated") == []
    await change(brokerage, user_id, is_active=False)
    assert await entries(brokerage, "user.updated") == [{"is_active": False, "password_changed": False}]


async def test_the_brokerage_changes_its_words_and_the_log_says_which(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await update_tenant(
            uow,
            name=" Harbor &\r\nPine ",
            time_zone="America/New_York",
            postal_address="1 Main St, Albany NY 12207",
            settings={"email_hours": {"weekdays": []}, "absent": None},
        )
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        tenant = (await uow.session.scalars(select(Tenant).where(Tenant.tenant_id == uow.tenant_id))).one()
    assert tenant.name == "Harbor & Pine", "a name is one line, for it stands in the headers of e-mails"
    assert tenant.settings == {"email_hours": {"weekdays": []}}
    assert await entries(brokerage, "tenant.updated") == [
        {"name": "Harbor & Pine", "email_hours": {"weekdays": []}},
    ]


async def test_a_place_without_a_clock_is_refused(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        with pytest.raises(PorchlightError, match="IANA"):
            await update_tenant(uow, name="X", time_zone="Mars/Olympus", postal_address="", settings={})


def test_passwords_that_are_handed_over_are_long_and_never_the_same() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert {len(password) for password in made} == {19}
