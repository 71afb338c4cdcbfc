"""Accounts over HTTP: the caller itself, users, teams, and API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import select

from porchlight.accounts import manage
from porchlight.accounts.caller import Caller
from porchlight.accounts.http import allowed
from porchlight.accounts.permissions import DataScope, Permission, Role
from porchlight.accounts.tables import ApiKey, Team, User

router = APIRouter(prefix="/api/v1", tags=["accounts"])

Anyone = Annotated[Caller, allowed()]
AccountsManager = Annotated[Caller, allowed(Permission.ACCOUNTS_MANAGE)]
KeysManager = Annotated[Caller, allowed(Permission.API_KEYS_MANAGE)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Me(BaseModel):
    kind: str
    id: UUID | None
    name: str
    tenant_id: UUID
    tenant_name: str
    role: Role | None
    permissions: list[Permission]


class TeamIn(BaseModel):
    name: Name


class TeamOut(BaseModel):
    id: UUID
    name: str


class UserIn(BaseModel):
    """A new user. Without a password they cannot sign in yet; without a data scope they get their role's."""

    email: Annotated[str, Field(max_length=255)]
    name: Name
    role: Role
    password: Annotated[str, Field(max_length=256)] | None = None
    team_id: UUID | None = None
    data_scope: DataScope | None = None


class UserChange(BaseModel):
    """What is left out stays. A `team_id` of null takes the user out of their team; a new role or team brings its data
    scope, unless one is given."""

    role: Role | None = None
    data_scope: DataScope | None = None
    team_id: UUID | None = None
    is_active: bool | None = None
    password: Annotated[str, Field(max_length=256)] | None = None


class UserOut(BaseModel):
    id: UUID
    email: str
    name: str
    role: Role
    data_scope: DataScope
    team_id: UUID | None
    is_active: bool


class KeyIn(BaseModel):
    name: Name
    scopes: list[Permission] = Field(min_length=1, max_length=len(Permission))


class KeyOut(BaseModel):
    id: UUID
    name: str
    scopes: list[Permission]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewKeyOut(BaseModel):
    """`api_key` is shown this once; only its hash is stored."""

    id: UUID
    api_key: str


def _user_out(user: User) -> UserOut:
    return UserOut.model_validate(user, from_attributes=True)


@router.get("/me", summary="Who is calling, and what they may do")
async def me(caller: Anyone) -> Me:
    return Me(
        kind=caller.actor.kind,
        id=caller.actor.id,
        name=caller.name,
        tenant_id=caller.uow.tenant_id,
        tenant_name=caller.tenant_name,
        role=caller.role,
        permissions=sorted(caller.permissions),
    )


@router.get("/teams")
async def list_teams(caller: Anyone) -> list[TeamOut]:
    teams = await caller.uow.session.scalars(
        select(Team).where(Team.tenant_id == caller.uow.tenant_id).order_by(Team.name)
    )
    return [TeamOut(id=team.id, name=team.name) for team in teams]


@router.post("/teams", status_code=201)
async def create_team(caller: AccountsManager, given: TeamIn) -> TeamOut:
    team = await manage.create_team(caller.uow, given.name)
    return TeamOut(id=team.id, name=team.name)


@router.get("/users")
async def list_users(caller: Anyone) -> list[UserOut]:
    users = await caller.uow.session.scalars(
        select(User).where(User.tenant_id == caller.uow.tenant_id).order_by(User.name, User.id)
    )
    return [_user_out(user) for user in users]


@router.post("/users", status_code=201)
async def create_user(caller: AccountsManager, given: UserIn) -> UserOut:
    user = await manage.create_user(caller.uow, **given.model_dump())
    return _user_out(user)


@router.patch("/users/{user_id}")
async def change_user(caller: AccountsManager, user_id: UUID, given: UserChange) -> UserOut:
    user = await manage.update_user(caller.uow, user_id, **given.model_dump(exclude_unset=True))
    return _user_out(user)


@router.get("/api-keys")
async def list_keys(caller: KeysManager) -> list[KeyOut]:
    keys = await caller.uow.session.scalars(
        select(ApiKey).where(ApiKey.tenant_id == caller.uow.tenant_id).order_by(ApiKey.created_at)
    )
    return [KeyOut.model_validate(key, from_attributes=True) for key in keys]


@router.post("/api-keys", status_code=201, summary="Make a key; it is shown this once")
async def create_key(caller: KeysManager, given: KeyIn) -> NewKeyOut:
    caller.require(*given.scopes)
    key = await manage.create_api_key(caller.uow, given.name, given.scopes, caller.user_id)
    return NewKeyOut(id=key.id, api_key=key.secret)


@router.delete("/api-keys/{key_id}", status_code=204, summary="Revoke a key, at once and for good")
async def revoke_key(caller: KeysManager, key_id: UUID) -> None:
    await manage.revoke_api_key(caller.uow, key_id)
