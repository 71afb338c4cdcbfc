"""For those who run Porchlight: is it alive, is it ready, how is it doing."""

from __future__ import annotations

import ipaddress
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from porchlight.accounts.http import RuntimeDep
from porchlight.kit.crypto import same
from porchlight.kit.errors import PorchlightError
from porchlight.kit.telemetry import REGISTRY

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="The process answers")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="The process can do its work", responses={503: {"description": "Not now."}})
async def readyz(request: Request, runtime: RuntimeDep) -> Response:
    checks: dict[str, Any] = {}
    try:
        async with runtime.database.without_tenant() as connection:
            await connection.execute("SELECT 1")
        checks["database"] = "ok"
    except Exception as error:
        checks["database"] = type(error).__name__
    checks["live"] = "ok" if request.app.state.hub.listening else "not listening"
    ready = all(state == "ok" for state in checks.values())
    return JSONResponse({"status": "ok" if ready else "unavailable", "checks": checks}, 200 if ready else 503)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request, runtime: RuntimeDep) -> Response:
    token = runtime.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        permitted = same(given.encode(), token.get_secret_value().encode())
    else:
        permitted = request.client is not None and _is_loopback(request.client.host)
    if not permitted:
        raise PorchlightError("forbidden", "Ask from this machine, or set PORCHLIGHT_METRICS_TOKEN and send it.")
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
