"""The OpenAPI document and the page that shows it, without anything from another host."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from porchlight.accounts.http import SECURITY_SCHEMES

router = APIRouter(include_in_schema=False)

_OPEN = ("/healthz", "/readyz", "/metrics", "/hooks")

#: The viewer sets widths and colours by style attributes; nothing else is loosened.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'"
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Porchlight</title>
<link rel="icon" href="/static/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/dist/docs.css">
</head>
<body><div id="docs" data-document="/openapi.json">
<noscript>The document is at <a href="/openapi.json">/openapi.json</a>.</noscript></div>
<script src="/static/dist/docs.js"></script></body>
</html>
"""


@router.get("/docs")
async def docs() -> HTMLResponse:
    return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})


def describe(app: FastAPI) -> None:
    """Have `app` describe itself, with how callers prove who they are and what every error looks like."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            parts = found.setdefault("components", {})
            parts["securitySchemes"] = SECURITY_SCHEMES
            parts.setdefault("schemas", {})["Problem"] = _PROBLEM
            for path, methods in found["paths"].items():
                for operation in methods.values():
                    operation["responses"].pop("422", None)
                    operation["responses"]["default"] = _FAILED
                    if not path.startswith(_OPEN):
                        operation["security"] = [{"apiKey": []}, {"session": []}]
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


_PROBLEM = {
    "type": "object",
    "description": "What went wrong and what to do about it (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; the list is in docs/reference/errors.md."},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_FAILED = {
    "description": "A problem, with what to do about it.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
