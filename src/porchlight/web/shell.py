"""What every page needs: its frame's context, rendering, redirects with a word, and errors as pages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment

from porchlight.accounts.caller import SESSION_COOKIE, Caller
from porchlight.accounts.http import runtime_of
from porchlight.accounts.permissions import Permission
from porchlight.accounts.tables import Tenant, User
from porchlight.kit.crypto import b64, unb64
from porchlight.kit.errors import PorchlightError
from porchlight.kit.feed import feed_bounds
from porchlight.kit.settings import Settings
from porchlight.leads import queries
from porchlight.web.rendering import environment

FLASH_COOKIE, THEME_COOKIE = "porchlight_flash", "theme"
_SETTINGS = Permission.ROUTING_MANAGE
"""The settings begin with a page for this permission; nobody has one of the others without it."""


@cache
def templates() -> Environment:
    return environment()


async def shell(request: Request, caller: Caller, active: str | None, *, live: bool = True) -> dict[str, Any]:
    """The context `shell` of a signed-in page. The feed's number is read first: what comes later is shown live."""
    if caller.user_id is None:
        raise PorchlightError("forbidden", "Pages are for people who sign in; keys call what begins with /api/v1.")
    uow = caller.uow
    _, head = await feed_bounds(uow.connection, uow.tenant_id)
    tenant = await uow.session.get_one(Tenant, uow.tenant_id)
    user = await uow.session.get_one(User, (uow.tenant_id, caller.user_id))
    waiting = await queries.count_leads(uow, queries.Filters(waiting=True), caller.owners)
    return _frame(request) | {
        "tenant_name": tenant.name,
        "user": {"id": str(user.id), "name": user.name, "email": user.email, "role": user.role},
        "csrf_token": caller.csrf_token,
        "now": uow.now(),
        "zone": tenant.time_zone,
        "live_seq": head if live else None,
        "active": active,
        "waiting": queries.MOST_COUNTED if waiting is None else waiting,
        "can": {
            "import_leads": caller.may(Permission.IMPORTS_WRITE),
            "manage_settings": caller.may(_SETTINGS),
        },
        "demo": bool(tenant.settings.get("demo")),
    }


def signed_out_shell(request: Request, csrf_token: str = "") -> dict[str, Any]:
    return _frame(request) | {
        "tenant_name": "",
        "user": None,
        "csrf_token": csrf_token,
        "now": runtime_of(request).clock.now(),
        "zone": "UTC",
        "live_seq": None,
        "active": None,
        "waiting": 0,
        "can": {"import_leads": False, "manage_settings": False},
        "demo": False,
    }


def _frame(request: Request) -> dict[str, Any]:
    theme = request.cookies.get(THEME_COOKIE)
    query = f"?{request.url.query}" if request.url.query else ""
    return {
        "theme": theme if theme in ("light", "dark") else None,
        "path": request.url.path + query,
        "flashes": _flashes(request),
    }


def page(request: Request, template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """A rendered page. Nothing that is about people is kept by caches on the way."""
    html = templates().get_template(template).render(context)
    response = HTMLResponse(html, status, headers={"cache-control": "no-store"})
    if FLASH_COOKIE in request.cookies:
        response.delete_cookie(FLASH_COOKIE)
    return response


def go(path: str, say: str | None = None, tone: str = "good") -> Response:
    """Send the browser to `path`, a path of this site, where it reads `say`."""
    response = RedirectResponse(safe_path(path), status_code=303)
    if say is not None:
        value = b64(orjson.dumps([{"tone": tone, "text": say}]))
        response.set_cookie(FLASH_COOKIE, value, max_age=60, httponly=True, samesite="lax")
    return response


def site_address(request: Request, settings: Settings) -> str:
    """Where programs reach this site: what the operator has set, else where this reader does."""
    known = "public_url" in settings.model_fields_set
    return (settings.public_url if known else str(request.base_url)).rstrip("/")


def safe_path(path: str) -> str:
    """`path` if it is one of this site, else the start: a redirect must not lead elsewhere."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if inside else "/leads"


def _flashes(request: Request) -> list[dict[str, str]]:
    try:
        found = orjson.loads(unb64(request.cookies.get(FLASH_COOKIE, "")))
        return [{"tone": str(one["tone"]), "text": str(one["text"])} for one in found]
    except (ValueError, TypeError, KeyError):
        return []


def wants_page(request: Request) -> bool:
    """Whether a person is looking: a browser asks for HTML, and not at one of the programs' addresses."""
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not path.startswith(("/api/", "/hooks/"))


def error_page(request: Request, error: PorchlightError, request_id: str | None) -> Response | None:
    """The error as a page, or None where a program asked."""
    if not wants_page(request):
        return None
    if error.code == "not_signed_in":
        back = request.url.path if request.method == "GET" else "/leads"
        return RedirectResponse(f"/sign-in?next={quote(back)}", status_code=303)
    context = {
        "shell": signed_out_shell(request),
        # Nothing is looked up for a page of errors, for it may be the database that failed.
        "signed_in": SESSION_COOKIE in request.cookies and error.status != 401,
        "status": error.status,
        "title": error.title,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    return page(request, "error.html", context, status=error.status)
