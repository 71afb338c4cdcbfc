"""The edge of HTTP: problem documents, bounded bodies, request ids, timings and safe headers.

The middleware is plain ASGI: it adds a few microseconds to a request, where a wrapped one would add most of a
millisecond.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7
from porchlight.kit.telemetry import REQUEST_SECONDS

log = structlog.get_logger(__name__)

#: Nothing is loaded from elsewhere and nothing inline runs; the socket is our own origin's.
_HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; "
        "frame-ancestors 'none'; form-action 'self'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
    }.items()
)


class ProblemResponse(JSONResponse):
    media_type = "application/problem+json"


def problem_response(error: PorchlightError) -> Response:
    return ProblemResponse(error.problem(), status_code=error.status, headers=error.headers)


#: Makes a page of an error where a person is looking, and None where a program is.
ErrorPage = Callable[[Request, PorchlightError, str | None], Response | None]


class Edge:
    """Gives each request an id, bounds its body, times it, and adds the safe headers to the answer."""

    def __init__(self, app: ASGIApp, *, page: ErrorPage, max_body_bytes: int, upload_paths: dict[str, int]) -> None:
        self.app = app
        self.page = page
        self.max_body_bytes = max_body_bytes
        self.upload_paths = upload_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = uuid7().hex
        limit = self.upload_paths.get(scope["path"], self.max_body_bytes)
        too_large = PorchlightError(
            "body_too_large", f"Send at most {limit:,} bytes in one request; split it into several."
        )
        status = 500
        began = False

        async def sending(message: Message) -> None:
            nonlocal status, began
            if message["type"] == "http.response.start":
                began = True
                status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in _HEADERS if pair[0] not in given),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        received = 0

        async def receiving() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise too_large
            return message

        scope["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
            if declared.isdigit() and int(declared) > limit:
                raise too_large
            await self.app(scope, receiving, sending)
        except PorchlightError as error:
            if began:
                raise
            answer = self.page(Request(scope), error, request_id) or problem_response(error)
            await answer(scope, receive, sending)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            route = getattr(scope.get("route"), "path", "unmatched")
            REQUEST_SECONDS.labels(scope["method"], route, status).observe(time.perf_counter() - started)


def answer_errors(app: FastAPI, page: ErrorPage) -> None:
    """Make every failure of `app` a problem document, or a page, that says what to do."""

    def answer(request: Request, error: PorchlightError) -> Response:
        return page(request, error, request.scope.get("request_id")) or problem_response(error)

    async def expected(request: Request, error: Exception) -> Response:
        assert isinstance(error, PorchlightError)
        return answer(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = [
            {"field": ".".join(str(part) for part in item["loc"]), "detail": item["msg"], "code": item["type"]}
            for item in error.errors()[:100]
        ]
        sentences = "; ".join(f"{one['field'].partition('.')[2]}: {one['detail']}" for one in found[:3])
        in_words = page(request, PorchlightError("request_invalid", f"{sentences}."), request.scope.get("request_id"))
        if in_words is not None:
            return in_words
        problem = PorchlightError("request_invalid", "Some fields do not have the form that /docs describes.").problem()
        return ProblemResponse(problem | {"errors": found}, status_code=422)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        codes = {404: "not_found", 405: "method_not_allowed", 401: "not_signed_in", 403: "forbidden"}
        details = {
            404: "There is nothing at this address. What the API has is listed at /docs.",
            405: "Use one of the methods in the Allow header.",
        }
        code = codes.get(error.status_code, "request_invalid")
        problem = PorchlightError(code, details.get(error.status_code, str(error.detail)), headers=error.headers)
        body = problem.problem() | {"status": error.status_code}
        return page(request, problem, None) or ProblemResponse(
            body, status_code=error.status_code, headers=problem.headers
        )

    async def unexpected(request: Request, error: Exception) -> Response:
        log.exception("request.failed", path=request.url.path, exc_info=error)
        return answer(
            request, PorchlightError("internal", "Try again; if it happens again, give the operator the request id.")
        )

    handlers: dict[Any, Any] = {
        PorchlightError: expected,
        RequestValidationError: invalid,
        HTTPException: http,
        Exception: unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
