"""Signing in and out. Tries are counted per address and per network before any password is looked at."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from porchlight.accounts.caller import new_session_token
from porchlight.accounts.passwords import password_matches
from porchlight.accounts.tables import Session, User
from porchlight.audit.record import record
from porchlight.kit.crypto import derive_key, keyed_hash, token_hash
from porchlight.kit.database import Actor, UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime

#: (what is counted, tries allowed, in how long): guessing one account, and guessing from one network.
LIMITS = {"address": (10, timedelta(minutes=15)), "network": (60, timedelta(minutes=15))}


async def sign_in(runtime: Runtime, email: str, password: str, network: str) -> str:
    """The value of a new session cookie. Raises `throttled`, or `sign_in_failed` for any wrong address or password."""
    email = email.strip().lower()
    await _throttle(runtime, {"address": email, "network": network})
    async with runtime.database.without_tenant() as connection:
        cursor = await connection.execute("SELECT tenant_id, user_id FROM sign_in_accounts(%s)", (email,))
        accounts = await cursor.fetchall()
    for tenant_id, user_id in accounts:
        async with runtime.database.unit_of_work(tenant_id) as uow:
            user = await uow.session.get_one(User, (tenant_id, user_id))
            if await password_matches(user.password_hash, password):
                return await open_session(uow, user, runtime.settings.session_hours)
    if not accounts:
        await password_matches(None, password)
    raise PorchlightError("sign_in_failed", "Check the address and the password, or ask an admin for a new one.")


async def _throttle(runtime: Runtime, subjects: dict[str, str]) -> None:
    key = derive_key(runtime.settings.key, "sign-in tries")
    async with runtime.database.without_tenant() as connection:
        for kind, subject in subjects.items():
            allowed, span = LIMITS[kind]
            digest = keyed_hash(key, f"{kind}:{subject}".encode())
            cursor = await connection.execute("SELECT sign_in_try(%s, %s)", (digest, span))
            row = await cursor.fetchone()
            if row is not None and row[0] > allowed:
                await connection.commit()
                minutes = int(span.total_seconds() // 60)
                raise PorchlightError(
                    "throttled",
                    f"Too many tries to sign in; wait {minutes} minutes.",
                    headers={"Retry-After": str(minutes * 60)},
                )


async def open_session(uow: UnitOfWork, user: User, hours: int) -> str:
    """Begin a session of `user`; the value of its cookie."""
    uow.actor = Actor("user", user.id, user.name)
    token, digest = new_session_token(uow.tenant_id)
    now = uow.now()
    uow.session.add(
        Session(
            tenant_id=uow.tenant_id,
            token_hash=digest,
            user_id=user.id,
            created_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    record(uow, "session.opened", "user", user.id)
    return token


async def sign_out(uow: UnitOfWork, secret: str, user_id: UUID | None) -> None:
    await uow.connection.execute(
        "DELETE FROM sessions WHERE tenant_id = %s AND token_hash = %s", (uow.tenant_id, token_hash(secret))
    )
    record(uow, "session.closed", "user", user_id)
