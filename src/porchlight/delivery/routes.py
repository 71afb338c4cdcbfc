"""The page behind the unsubscribe link (RFC 8058): no cookie, no sign-in, no redirect.

Fetching the address changes nothing, because mail scanners fetch every link in a message; only a POST takes a person
off the list, whether a mailbox provider sends it (`List-Unsubscribe=One-Click`) or the button on the page.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from porchlight.accounts.tables import Tenant
from porchlight.delivery.consent import suppressions_of
from porchlight.delivery.unsubscribe import claim_in, unsubscribe
from porchlight.kit.database import Actor
from porchlight.kit.runtime import Runtime

RECIPIENT = Actor("hook", None, "recipient of a message")


def unsubscribe_routes(runtime: Runtime) -> APIRouter:
    """`GET` and `POST /u/{token}`."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/u/{token}", methods=["GET", "HEAD"])
    async def show(token: str) -> HTMLResponse:
        claim = claim_in(runtime.settings, token)
        if claim is None:
            return _page("unknown")
        async with runtime.database.unit_of_work(claim.tenant_id, RECIPIENT) as uow:
            tenant = await uow.session.get(Tenant, claim.tenant_id)
            left_alone = await suppressions_of(uow, claim.kind, claim.address_hash)
        if tenant is None:
            return _page("unknown")
        return _page("done" if left_alone else "ask", tenant.name)

    @router.post("/u/{token}")
    async def leave(token: str) -> HTMLResponse:
        claim = claim_in(runtime.settings, token)
        if claim is None:
            return _page("unknown")
        async with runtime.database.unit_of_work(claim.tenant_id, RECIPIENT) as uow:
            tenant = await uow.session.get(Tenant, claim.tenant_id)
            if tenant is not None:
                await unsubscribe(uow, runtime.settings, claim)
        return _page("unknown") if tenant is None else _page("done", tenant.name)

    return router


def _page(state: str, brokerage: str = "") -> HTMLResponse:
    html = _environment().get_template("unsubscribe.html").render(state=state, brokerage=brokerage, style=_style())
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    headers = {
        # The address is a key: it must not be kept, indexed, or told to the next page.
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
        "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    }
    return HTMLResponse(html, status_code=404 if state == "unknown" else 200, headers=headers)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("porchlight.delivery", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return _environment().get_template("unsubscribe.css").render()
