"""Fetching a lead from Meta's Graph API."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import orjson

from porchlight.integrations.meta.payload import LEAD_FIELDS
from porchlight.kit.errors import PorchlightError

GRAPH_URL = "https://graph.facebook.com/v23.0"
_ATTEMPTS = 4
_LONGEST_WAIT = 10.0
"""In seconds. What Meta asks to wait beyond this is for the job to wait, not for a held connection."""
_TIMEOUT = httpx2.Timeout(10.0, connect=5.0)

_PASSING_CODES = frozenset({1, 2, 4, 17, 32, 341, 613})
"""Graph API error codes of faults and rate limits that pass by themselves (Meta, "Handle errors")."""
_TOKEN_CODES = frozenset({102, 190})


class FetchFailed(PorchlightError):  # noqa: N818 - it names what happened
    """The lead could not be fetched. `passing` says whether trying later may help, `retry_after` (seconds) when."""

    def __init__(self, detail: str, *, passing: bool, retry_after: float | None = None):
        super().__init__("unavailable", detail)
        self.passing = passing
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class MetaClient:
    """Access to one page's leads. `base_url` ends with the API's version; `sleep` waits between tries."""

    access_token: str = field(repr=False)
    base_url: str = GRAPH_URL
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


async def fetch_lead(client: MetaClient, leadgen_id: str) -> dict[str, Any]:
    """The Graph API's answer for one lead, to be read by `parse_lead`.

    Network faults, answers of 429 and 5xx and the Graph API's passing errors are tried again, after `Retry-After`
    where it is given. Raises `FetchFailed`.
    """
    failure = FetchFailed("The lead was not fetched", passing=True)
    async with httpx2.AsyncClient(timeout=_TIMEOUT, headers={"authorization": f"Bearer {client.access_token}"}) as http:
        for attempt in range(_ATTEMPTS):
            if attempt:
                wait = failure.retry_after if failure.retry_after is not None else _backoff(attempt)
                if wait > _LONGEST_WAIT:
                    raise failure
                await client.sleep(wait)
            try:
                response = await http.get(f"{client.base_url}/{leadgen_id}", params={"fields": ",".join(LEAD_FIELDS)})
            except httpx2.TransportError as error:
                failure = FetchFailed(f"Meta's Graph API cannot be reached ({type(error).__name__})", passing=True)
                continue
            body = _json(response)
            if response.status_code == 200 and body is not None and "error" not in body:
                return body
            failure = _failure(response, body)
            if not failure.passing:
                raise failure
    raise failure


def _backoff(attempt: int) -> float:
    """Seconds to wait before a try: twice as long each time, and scattered so that many jobs do not try at once."""
    return random.uniform(0.25, 0.75) * float(1 << attempt)


def _json(response: httpx2.Response) -> dict[str, Any] | None:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _failure(response: httpx2.Response, body: dict[str, Any] | None) -> FetchFailed:
    error = (body or {}).get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    if code in _TOKEN_CODES or response.status_code == 401:
        return FetchFailed("Meta no longer accepts the page's access token: connect the page again", passing=False)
    passing = response.status_code == 429 or response.status_code >= 500 or code in _PASSING_CODES
    said = error.get("message") or "no reason was given"
    return FetchFailed(
        f"Meta's Graph API answered {response.status_code}: {said}",
        passing=passing,
        retry_after=_retry_after(response) if passing else None,
    )


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds asked for. The header's other form, a date, is not one that Meta sends."""
    given = response.headers.get("retry-after", "")
    return float(given) if given.isdecimal() else None
