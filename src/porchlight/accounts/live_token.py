"""The short-lived token for the live socket, where a browser cannot send headers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from porchlight.accounts.caller import Caller
from porchlight.kit.crypto import derive_key
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class LiveClaim:
    """What a live token grants: the frames of one tenant that concern `owners` (None: all of them)."""

    tenant_id: UUID
    owners: frozenset[UUID] | None


def issue(runtime: Runtime, caller: Caller) -> str:
    expires = runtime.clock.now() + timedelta(seconds=runtime.settings.live_token_seconds)
    claims = {
        "aud": "live",
        "tid": str(caller.uow.tenant_id),
        "sub": str(caller.actor.id),
        "own": None if caller.owners is None else [str(owner) for owner in caller.owners],
        "exp": int(expires.timestamp()),
    }
    return jwt.encode(claims, derive_key(runtime.settings.key, "live token"), algorithm=_ALGORITHM)


def read(runtime: Runtime, token: str) -> LiveClaim:
    """The claim in `token`. Raises `token_invalid` when it is stale or not ours."""
    try:
        claims = jwt.decode(
            token,
            derive_key(runtime.settings.key, "live token"),
            algorithms=[_ALGORITHM],
            audience="live",
            options={"require": ["exp", "tid", "sub"], "verify_exp": False},
        )
    except jwt.InvalidTokenError as error:
        raise PorchlightError("token_invalid", "Fetch a new one with POST /api/v1/live/token.") from error
    if datetime.fromtimestamp(claims["exp"], UTC) <= runtime.clock.now():
        raise PorchlightError("token_invalid", "The token has expired; fetch a new one with POST /api/v1/live/token.")
    owners = claims["own"]
    return LiveClaim(UUID(claims["tid"]), None if owners is None else frozenset(UUID(owner) for owner in owners))
