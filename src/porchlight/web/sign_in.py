"""The sign-in page, signing out, and the choice of theme."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from porchlight.accounts import sign_in as accounts
from porchlight.accounts.caller import SESSION_COOKIE, Caller, parse_session_token
from porchlight.accounts.http import RuntimeDep, allowed
from porchlight.kit.crypto import random_token, same
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.web.forms import Address, Line
from porchlight.web.shell import THEME_COOKIE, page, safe_path, signed_out_shell

router = APIRouter(include_in_schema=False)

#: Ties the form to the browser that fetched it, before there is a session to tie it to.
FORM_COOKIE = "porchlight_form"
_YEAR = 365 * 24 * 3600


def _secure(runtime: Runtime) -> bool:
    return runtime.settings.public_url.startswith("https:")


@router.get("/sign-in")
async def show(request: Request, runtime: RuntimeDep, next: str = "/leads") -> Response:
    return _form(request, runtime, {"email": "", "next": safe_path(next), "error": None})


def _form(request: Request, runtime: Runtime, context: dict[str, Any], status: int = 200) -> Response:
    token = request.cookies.get(FORM_COOKIE) or random_token()
    demo = getattr(request.app.state, "demo_sign_in", None)
    response = page(
        request,
        "sign_in.html",
        {"shell": signed_out_shell(request, token), "demo": demo, **context},
        status=status,
    )
    response.set_cookie(FORM_COOKIE, token, httponly=True, samesite="strict", secure=_secure(runtime))
    return response


@router.post("/sign-in")
async def sign_in(
    request: Request,
    runtime: RuntimeDep,
    email: Address = "",
    password: Address = "",
    next: Address = "/leads",
    csrf_token: Line = "",
) -> Response:
    again = {"email": email, "next": safe_path(next)}
    if not same(csrf_token.encode(), request.cookies.get(FORM_COOKIE, "\0").encode()):
        return _form(request, runtime, again | {"error": "The form had expired. Send it once more."}, 403)
    network = request.client.host if request.client else "unknown"
    try:
        token = await accounts.sign_in(runtime, email, password, network)
    except PorchlightError as error:
        return _form(request, runtime, again | {"error": f"{error.title}. {error.detail}"}, error.status)
    response = RedirectResponse(safe_path(next), status_code=303)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        httponly=True,
        samesite="lax",
        secure=_secure(runtime),
        max_age=runtime.settings.session_hours * 3600,
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, caller: Annotated[Caller, allowed()]) -> Response:
    credential = parse_session_token(request.cookies.get(SESSION_COOKIE, ""))
    if credential is not None:
        await accounts.sign_out(caller.uow, credential.secret, caller.user_id)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.post("/theme")
async def choose_theme(theme: Line = "", next: Address = "/leads") -> Response:
    """Without scripts the theme is chosen by a form; it is no secret and changes nothing but looks."""
    response = RedirectResponse(safe_path(next), status_code=303)
    if theme in ("light", "dark"):
        response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="lax")
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
