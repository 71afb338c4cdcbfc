"""Writes: tenants, teams, users and API keys. Each is noted in the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import Any
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
    tenant = Tenant(
        tenant_id=uow.tenant_id, name=name, time_zone=_zone(time_zone), region=region, postal_address=postal_address
    )
    uow.session.add(tenant)
    record(uow, "tenant.created", "tenant", uow.tenant_id, name=name)
    return tenant


async def update_tenant(
    uow: UnitOfWork, *, name: str, time_zone: str, postal_address: str, settings: Mapping[str, Any]
) -> Tenant:
    """Say anew what a brokerage is called and where it is. `settings` are changes; None takes an entry away."""
    tenant = await uow.session.get_one(Tenant, uow.tenant_id)
    given = {"name": _named(name), "time_zone": _zone(time_zone), "postal_address": postal_address.strip()}
    merged = {key: value for key, value in {**tenant.settings, **settings}.items() if value is not None}
    changes: dict[str, Any] = {key: value for key, value in given.items() if getattr(tenant, key) != value}
    changes |= {key: merged.get(key) for key in settings if merged.get(key) != tenant.settings.get(key)}
    for key, value in given.items():
        setattr(tenant, key, value)
    tenant.settings = merged
    if changes:
        record(uow, "tenant.updated", "tenant", uow.tenant_id, **changes)
    return tenant


async def create_team(uow: UnitOfWork, name: str) -> Team:
    name = _named(name)
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
    """Make a user; without a password they cannot sign in yet. The scope defaults to the role's.

    Raises `conflict` for an address that is taken, and `request_invalid`.
    """
    address = _address(email)
    taken = await uow.session.scalar(select(User.id).where(User.tenant_id == uow.tenant_id, User.email == address))
    if taken is not None:
        raise PorchlightError("conflict", "There is a user with that address already.", field="email")
    await _need_team(uow, team_id)
    scope = data_scope or _scope_of(role, team_id)
    user = User(
        tenant_id=uow.tenant_id,
        id=uuid7(),
        team_id=team_id,
        email=address,
        name=_named(name),
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
    team_id: UUID | EllipsisType | None = ...,
    is_active: bool | None = None,
    password: str | None = None,
) -> User:
    """Change what is given; a `team_id` of None takes the user out of their team.

    A new role or team brings its data scope, unless one is given. Whoever is made inactive, or given a new password, is
    signed out everywhere. Raises `not_found`, `request_invalid`, and `conflict` where nobody could administer any more.
    """
    user = await uow.session.get(User, (uow.tenant_id, user_id))
    if user is None:
        raise PorchlightError("not_found", "There is no such user.")
    new_role = role or Role(user.role)
    new_team = user.team_id if isinstance(team_id, EllipsisType) else team_id
    stays_active = user.is_active if is_active is None else is_active
    if user.is_active and user.role == Role.ADMIN and not (stays_active and new_role is Role.ADMIN):
        await _need_another_admin(uow, user_id)
    if new_team != user.team_id:
        await _need_team(uow, new_team)
    if data_scope is None and (new_role != user.role or new_team != user.team_id):
        data_scope = _scope_of(new_role, new_team)
    given = {"role": new_role.value, "team_id": new_team, "is_active": stays_active}
    if data_scope is not None:
        given["data_scope"] = data_scope.value
    changes = {name: value for name, value in given.items() if getattr(user, name) != value}
    for name, value in changes.items():
        setattr(user, name, value)
    if password is not None:
        user.password_hash = await hash_password(password)
    if password is not None or is_active is False:
        await uow.session.execute(delete(Session).where(Session.tenant_id == uow.tenant_id, Session.user_id == user_id))
    if changes or password is not None:
        record(uow, "user.updated", "user", user_id, password_changed=password is not None, **changes)
    return user


async def _need_another_admin(uow: UnitOfWork, user_id: UUID) -> None:
    """Keep a brokerage from locking itself out. The admins are locked, so that no two of them can demote each other."""
    statement = (
        select(User.id, User.password_hash)
        .where(User.tenant_id == uow.tenant_id, User.role == Role.ADMIN.value, User.is_active)
        .order_by(User.id)
        .with_for_update()
    )
    admins = (await uow.session.execute(statement)).all()
    if not any(admin_id != user_id and password_hash is not None for admin_id, password_hash in admins):
        raise PorchlightError(
            "conflict",
            "This is the last admin who can sign in: make somebody else an admin first, or nobody could change this.",
            field="role",
        )


async def _need_team(uow: UnitOfWork, team_id: UUID | None) -> None:
    if team_id is not None and await uow.session.get(Team, (uow.tenant_id, team_id)) is None:
        raise PorchlightError("request_invalid", "There is no such team.", field="team_id")


def _scope_of(role: Role, team_id: UUID | None) -> DataScope:
    """Whose leads a user of that role sees; a manager of no team manages the whole brokerage."""
    scope = ROLES[role][1]
    return DataScope.TENANT if scope is DataScope.TEAM and team_id is None else scope


async def create_api_key(
    uow: UnitOfWork, name: str, scopes: Iterable[Permission], created_by: UUID | None = None
) -> NewKey:
    name = _named(name)
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


def _named(name: str) -> str:
    """A name on one line, as it may stand in the header of an e-mail."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not line:
        raise PorchlightError("request_invalid", "Give a name.", field="name")
    return line


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise PorchlightError("request_invalid", "Use an IANA time zone such as America/Chicago.", field="time_zone")
    return name


async def _check_team(uow: UnitOfWork, team_id: UUID | None) -> None:
    if team_id is not None and await uow.session.get(Team, (uow.tenant_id, team_id)) is None:
        raise PorchlightError("request_invalid", "There is no such team.", field="team_id")


def _scope(given: DataScope | None, role: Role, team_id: UUID | None) -> DataScope:
    if given is DataScope.TEAM and team_id is None:
        raise PorchlightError("request_invalid", "Whoever sees a team's leads needs a team.", field="data_scope")
    usual = ROLES[role][1]
    if given is None and usual is DataScope.TEAM and team_id is None:
        # A manager of no team manages the whole brokerage.
        usual = DataScope.TENANT
    return given or usual


def _address(email: str) -> str:
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise PorchlightError("request_invalid", f"That is no e-mail address: {error}", field="email") from error
