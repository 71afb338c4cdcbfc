"""Writes: tenants, teams, users and API keys. Each is noted in the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, select

from porchlight.accounts.caller import new_api_key
from porchlight.accounts.passwords import hash_password
from porchlight.accounts.permissions import ROLES, DataScope, Permission, Role
from porchlight.accounts.tables import ApiKey, Session, Team, Tenant, User
from porchlight.audit.record import record
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: `secret` is shown this once."""

    id: UUID
    secret: str


def create_tenant(uow: UnitOfWork, name: str, *, time_zone: str, region: str, postal_address: str = "") -> Tenant:
    """Make the tenant of this unit of work; its id is the one the unit of work was opened with."""
    if time_zone not in available_timezones():
        raise PorchlightError("request_invalid", "Use an IANA time zone such as America/Chicago.", field="time_zone")
    tenant = Tenant(
        tenant_id=uow.tenant_id, name=name, time_zone=time_zone, region=region, postal_address=postal_address
    )
    uow.session.add(tenant)
    record(uow, "tenant.created", "tenant", uow.tenant_id, name=name)
    return tenant


async def create_team(uow: UnitOfWork, name: str) -> Team:
    found = await uow.session.scalar(select(Team).where(Team.tenant_id == uow.tenant_id, Team.name == name))
    if found is not None:
        raise PorchlightError("conflict", "There is a team of that name already.", field="name")
    team = Team(tenant_id=uow.tenant_id, id=uuid7(), name=name)
    uow.session.add(team)
    await uow.session.flush()
    record(uow, "team.created", "team", team.id, name=name)
    return team


async def create_user(
    uow: UnitOfWork,
    *,
    email: str,
    name: str,
    role: Role,
    password: str | None = None,
    team_id: UUID | None = None,
    data_scope: DataScope | None = None,
    password_hash: str | None = None,
) -> User:
    """Make a user; without a password they cannot sign in yet. The scope defaults to the role's."""
    address = _address(email)
    taken = await uow.session.scalar(select(User.id).where(User.tenant_id == uow.tenant_id, User.email == address))
    if taken is not None:
        raise PorchlightError("conflict", "There is a user with that address already.", field="email")
    if team_id is not None and await uow.session.get(Team, (uow.tenant_id, team_id)) is None:
        raise PorchlightError("request_invalid", "There is no such team.", field="team_id")
    scope = data_scope or ROLES[role][1]
    if scope is DataScope.TEAM and team_id is None:
        # A manager of no team manages the whole brokerage.
        scope = DataScope.TENANT
    user = User(
        tenant_id=uow.tenant_id,
        id=uuid7(),
        team_id=team_id,
        email=address,
        name=name,
        role=role.value,
        data_scope=scope.value,
        password_hash=password_hash or (None if password is None else await hash_password(password)),
        is_active=True,
    )
    uow.session.add(user)
    await uow.session.flush()
    record(uow, "user.created", "user", user.id, role=role.value, data_scope=scope.value)
    return user


async def update_user(
    uow: UnitOfWork,
    user_id: UUID,
    *,
    role: Role | None = None,
    data_scope: DataScope | None = None,
    team_id: UUID | None = None,
    is_active: bool | None = None,
    password: str | None = None,
) -> User:
    """Change what is given. Whoever is made inactive, or given a new password, is signed out everywhere."""
    user = await uow.session.get(User, (uow.tenant_id, user_id))
    if user is None:
        raise PorchlightError("not_found", "There is no such user.")
    changes: dict[str, str | bool | UUID | None] = {
        name: value
        for name, value in {
            "role": role,
            "data_scope": data_scope,
            "team_id": team_id,
            "is_active": is_active,
        }.items()
        if value is not None
    }
    for name, value in changes.items():
        setattr(user, name, value)
    if password is not None:
        user.password_hash = await hash_password(password)
    if password is not None or is_active is False:
        await uow.session.execute(delete(Session).where(Session.tenant_id == uow.tenant_id, Session.user_id == user_id))
    record(uow, "user.updated", "user", user_id, password_changed=password is not None, **changes)
    return user


async def create_api_key(
    uow: UnitOfWork, name: str, scopes: Iterable[Permission], created_by: UUID | None = None
) -> NewKey:
    key_id = uuid7()
    secret, digest = new_api_key(uow.tenant_id, key_id)
    granted = sorted(scope.value for scope in scopes)
    uow.session.add(
        ApiKey(
            tenant_id=uow.tenant_id,
            id=key_id,
            name=name,
            secret_hash=digest,
            scopes=granted,
            created_by=created_by,
            created_at=uow.now(),
        )
    )
    record(uow, "api_key.created", "api_key", key_id, name=name, scopes=granted)
    return NewKey(key_id, secret)


async def revoke_api_key(uow: UnitOfWork, key_id: UUID) -> None:
    key = await uow.session.get(ApiKey, (uow.tenant_id, key_id))
    if key is None:
        raise PorchlightError("not_found", "There is no such API key.")
    if key.revoked_at is None:
        key.revoked_at = uow.now()
        record(uow, "api_key.revoked", "api_key", key_id, name=key.name)


def _address(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise PorchlightError("request_invalid", f"That is no e-mail address: {error}", field="email") from error
