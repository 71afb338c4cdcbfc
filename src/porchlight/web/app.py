"""The pages and their assets, mounted on the application."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from porchlight.web import imports, leads, settings, sign_in, team, trust
from porchlight.web.rendering import STATIC

ROUTERS = (sign_in.router, leads.router, imports.router, trust.router, team.router, settings.router)

_YEAR = "public, max-age=31536000, immutable"


class Assets(StaticFiles):
    """Static files; those asked for with their version never change."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope.get("query_string", b"").startswith(b"v="):
            response.headers["cache-control"] = _YEAR
        return response


def mount_pages(app: FastAPI) -> None:
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", Assets(directory=STATIC), name="static")
