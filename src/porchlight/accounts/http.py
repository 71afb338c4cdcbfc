"""Opening a caller for a request: the only way a handler gets to the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from porchlight.accounts.caller import (
    SESSION_COOKIE,
    Caller,
    Credential,
    csrf_token,
    open_caller,
    parse_api_key,
    parse_session_token,
)
from porchlight.accounts.permissions import Permission
from porchlight.kit.crypto import same
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: How a request says who it is from, for the OpenAPI document; the credential itself is read in `credential_of`.
SECURITY_SCHEMES = {
    "apiKey": {"type": "http", "scheme": "bearer", "description": "An API key from Settings → API keys."},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "A signed-in browser."},
}


def runtime_of(connection: HTTPConnection) -> Runtime:
    runtime: Runtime = connection.app.state.runtime
    return runtime


def credential_of(connection: HTTPConnection) -> Credential:
    """The key or session that the request carries. Raises `api_key_invalid` or `not_signed_in`."""
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, value = header.partition(" ")
        credential = parse_api_key(value.strip()) if scheme.lower() == "bearer" else None
        if credential is None:
            raise PorchlightError(
                "api_key_invalid",
                "Send `Authorization: Bearer KEY` with a key from Settings → API keys.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return credential
    cookie = connection.cookies.get(SESSION_COOKIE)
    credential = None if cookie is None else parse_session_token(cookie)
    if credential is None:
        raise PorchlightError(
            "not_signed_in",
            "Sign in at /sign-in, or send an API key as `Authorization: Bearer KEY`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return credential


async def check_csrf(request: Request, credential: Credential) -> None:
    """Refuse an unsafe request that rides on a cookie without carrying the token of the session's own pages."""
    if request.method in _SAFE_METHODS or credential.subject is not None:
        return
    given = request.headers.get("x-csrf-token")
    if given is None and "form" in request.headers.get("content-type", ""):
        field = (await request.form()).get("csrf_token")
        given = field if isinstance(field, str) else None
    if given is None or not same(given.encode(), csrf_token(runtime_of(request), credential).encode()):
        raise PorchlightError("csrf_failed", "Reload the page and send the form again.")


def allowed(*permissions: Permission) -> Any:
    """A dependency: the caller, with an open unit of work, once it is known to have `permissions`.

    The unit of work is committed after the handler has returned and before the answer is sent, so that a commit that
    fails is answered as a failure.
    """

    async def caller(request: Request) -> AsyncIterator[Caller]:
        credential = credential_of(request)
        try:
            await check_csrf(request, credential)
            async with open_caller(runtime_of(request), credential) as opened:
                opened.require(*permissions)
                yield opened
        finally:
            await request.close()  # an upload may lie in a temporary file

    return Depends(caller, scope="function")


RuntimeDep = Annotated[Runtime, Depends(runtime_of)]
