"""Who is calling: a session cookie or an API key becomes a `Caller`, whose unit of work is already open.

Both kinds of credential name their tenant, so a caller is looked up under row-level security like everything else, in
the round trip that opens the transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString
from uuid import UUID

from porchlight.accounts.permissions import ROLES, DataScope, Permission, Role
from porchlight.kit.crypto import b64, derive_key, keyed_hash, random_token, same, token_hash, unb64
from porchlight.kit.database import Actor, UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime

SESSION_COOKIE = "porchlight_session"
_KEY_PREFIX = "plk_"


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret that names its tenant: `subject` is the key's id, or None for a session."""

    tenant_id: UUID
    subject: UUID | None
    secret: str


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `owners` are the users whose leads it may see; None means the whole tenant's."""

    uow: UnitOfWork
    actor: Actor
    permissions: frozenset[Permission]
    owners: tuple[UUID, ...] | None
    user_id: UUID | None
    role: Role | None
    name: str
    tenant_name: str
    region: str
    csrf_token: str | None

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, *permissions: Permission) -> None:
        """Raise `forbidden`, naming what is missing, unless every permission is there."""
        missing = [p.value for p in permissions if p not in self.permissions]
        if missing:
            raise PorchlightError(
                "forbidden", f"This needs {', '.join(missing)}; ask an admin for a role or a key that has it."
            )

    def sees(self, owner_id: UUID | None) -> bool:
        return self.owners is None or owner_id in self.owners


def new_api_key(tenant_id: UUID, key_id: UUID) -> tuple[str, bytes]:
    """A fresh key as it is shown once, and the hash that is stored."""
    secret = random_token()
    return f"{_KEY_PREFIX}{b64(tenant_id.bytes + key_id.bytes)}.{secret}", token_hash(secret)


def new_session_token(tenant_id: UUID) -> tuple[str, bytes]:
    """A fresh session cookie's value, and the hash that is stored."""
    secret = random_token()
    return f"{b64(tenant_id.bytes)}.{secret}", token_hash(secret)


def parse_api_key(text: str) -> Credential | None:
    named, _, secret = text.removeprefix(_KEY_PREFIX).partition(".")
    ids = _ids(named, 32) if text.startswith(_KEY_PREFIX) and secret else None
    return None if ids is None else Credential(UUID(bytes=ids[:16]), UUID(bytes=ids[16:]), secret)


def parse_session_token(text: str) -> Credential | None:
    named, _, secret = text.partition(".")
    ids = _ids(named, 16) if secret else None
    return None if ids is None else Credential(UUID(bytes=ids), None, secret)


def _ids(text: str, length: int) -> bytes | None:
    try:
        raw = unb64(text)
    except ValueError:
        return None
    return raw if len(raw) == length else None


_KEY: LiteralString = """
SELECT k.secret_hash, k.scopes, k.name, k.revoked_at, t.name, k.last_used_at, t.region
FROM api_keys k JOIN tenants t USING (tenant_id) WHERE k.tenant_id = %s AND k.id = %s
"""

_SESSION: LiteralString = """
SELECT u.id, u.name, u.role, u.data_scope, u.team_id, s.expires_at, t.name,
       CASE WHEN u.data_scope = 'team' THEN ARRAY(
           SELECT m.id FROM users m WHERE m.tenant_id = u.tenant_id AND m.team_id = u.team_id
       ) END, t.region
FROM sessions s
JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
JOIN tenants t ON t.tenant_id = s.tenant_id
WHERE s.tenant_id = %s AND s.token_hash = %s AND u.is_active
"""


@asynccontextmanager
async def open_caller(runtime: Runtime, credential: Credential) -> AsyncIterator[Caller]:
    """The caller whom `credential` proves, with an open unit of work that commits at the end of the block.

    Raises `api_key_invalid` or `not_signed_in`.
    """
    lookup: tuple[LiteralString, Sequence[Any]]
    if credential.subject is not None:
        lookup = (_KEY, (credential.tenant_id, credential.subject))
    else:
        lookup = (_SESSION, (credential.tenant_id, token_hash(credential.secret)))
    async with runtime.database.opened(credential.tenant_id, first=lookup) as (uow, row):
        build = _from_key if credential.subject is not None else _from_session
        caller = await build(runtime, credential, uow, row)
        uow.actor = caller.actor
        yield caller


async def _from_key(runtime: Runtime, credential: Credential, uow: UnitOfWork, row: Any) -> Caller:
    stored = bytes(row[0]) if row is not None else secrets.token_bytes(32)
    if not same(stored, token_hash(credential.secret)) or row is None or row[3] is not None:
        raise PorchlightError(
            "api_key_invalid", "Use a key from Settings → API keys that is not revoked, as `Authorization: Bearer KEY`."
        )
    _, scopes, name, _, tenant_name, last_used_at, region = row
    now = uow.now()
    if last_used_at is None or now - last_used_at > timedelta(hours=1):
        await uow.connection.execute(
            "UPDATE api_keys SET last_used_at = %s WHERE tenant_id = %s AND id = %s",
            (now, uow.tenant_id, credential.subject),
        )
    return Caller(
        uow=uow,
        actor=Actor("api_key", credential.subject, name),
        permissions=frozenset(Permission(scope) for scope in scopes),
        owners=None,
        user_id=None,
        role=None,
        name=name,
        tenant_name=tenant_name,
        region=region,
        csrf_token=None,
    )


async def _from_session(runtime: Runtime, credential: Credential, uow: UnitOfWork, row: Any) -> Caller:
    now = uow.now()
    if row is None or row[5] <= now:
        raise PorchlightError("not_signed_in", "Sign in at /sign-in, or send an API key.")
    user_id, name, role, scope, _, expires_at, tenant_name, teammates, region = row
    life = timedelta(hours=runtime.settings.session_hours)
    digest = token_hash(credential.secret)
    if expires_at - now < life / 2:
        await uow.connection.execute(
            "UPDATE sessions SET expires_at = %s WHERE tenant_id = %s AND token_hash = %s",
            (now + life, uow.tenant_id, digest),
        )
    owners = {DataScope.TENANT: None, DataScope.TEAM: tuple({*(teammates or ()), user_id}), DataScope.OWN: (user_id,)}
    return Caller(
        uow=uow,
        actor=Actor("user", user_id, name),
        permissions=ROLES[Role(role)][0],
        owners=owners[DataScope(scope)],
        user_id=user_id,
        role=Role(role),
        name=name,
        tenant_name=tenant_name,
        region=region,
        csrf_token=csrf_token(runtime, credential),
    )


def csrf_token(runtime: Runtime, credential: Credential) -> str:
    """What a form of this session must carry; it follows from the session, so it needs no storage."""
    return b64(keyed_hash(derive_key(runtime.settings.key, "csrf"), token_hash(credential.secret)))
