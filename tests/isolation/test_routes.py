"""Asking the application, route by route, for what is another brokerage's; whoever adds a route has it tested here."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import orjson
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from psycopg import sql
from starlette.routing import Mount
from tests.isolation.brokerages import Connection, House, tenant_tables
from websockets.asyncio.client import connect

from porchlight.accounts.caller import SESSION_COOKIE, csrf_token, parse_session_token
from porchlight.kit.crypto import b64, unb64


def fingerprint(owner: Connection, tenant_id: UUID) -> dict[str, str]:
    """What a tenant's tables hold, in a form that shows any change."""
    found = {}
    for table in tenant_tables(owner):
        row = owner.execute(
            sql.SQL("SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t WHERE tenant_id = %s").format(
                sql.Identifier(table)
            ),
            (tenant_id,),
        ).fetchone()
        assert row is not None
        found[table] = row[0]
    return found


def secrets_of(owner: Connection, house: House) -> set[str]:
    """Every id and the telling words in a tenant's rows."""
    text = ""
    for table in tenant_tables(owner):
        rows = owner.execute(
            sql.SQL("SELECT t::text FROM {} t WHERE tenant_id = %s").format(sql.Identifier(table)), (house.tenant_id,)
        )
        text += "\n".join(row[0] for row in rows)
    ids = set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))
    assert len(ids) > 20
    return ids | {"Zenobia", "zenobia"}


#: Bodies with which the request would succeed if the thing in its address were the caller's own.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/api/v1/users/{user_id}"): {"json": {"is_active": False}},
    ("POST", "/leads/{lead_id}/stage"): {"data": {"stage": "lost"}},
    ("POST", "/leads/{lead_id}/notes"): {"data": {"text": "mine now"}},
    ("POST", "/leads/{lead_id}/calls"): {"data": {"outcome": "no_answer"}},
}

#: Addresses that are a key themselves, tested below; the socket too.
KEYS_THEMSELVES = {"/u/{token}", "/hooks/{source}/{token}", "/api/v1/live"}


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every (method, path) of the application, but for the static files."""
    found = []
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if not isinstance(route.original_route, Mount) and path not in KEYS_THEMSELVES:
            found += [(method, path) for method in sorted(getattr(route.original_route, "methods", None) or ())]
    return found


async def test_no_route_shows_or_changes_what_is_anothers(
    app: FastAPI, web: httpx2.AsyncClient, runtime: Any, theirs: House, ours: House, owner: Connection
) -> None:
    before, secrets = fingerprint(owner, theirs.tenant_id), secrets_of(owner, theirs)
    credential = parse_session_token(ours.session)
    assert credential is not None
    as_program = {"authorization": f"Bearer {ours.api_key}"}
    as_person = {
        "cookie": f"{SESSION_COOKIE}={ours.session}",
        "x-csrf-token": csrf_token(runtime, credential),
        "accept": "text/html",
    }
    tested = 0
    for method, template in routes(app):
        names = re.findall(r"{(\w+)}", template)
        path = template.format_map({name: theirs.ids[name] for name in names})
        if not names and method not in ("GET", "HEAD"):
            continue  # what is sent to these is tested below
        for headers in (as_program, as_person):
            answer = await web.request(method, path, headers=headers, **BODIES.get((method, template), {}))
            about = f"{method} {template} with {headers}"
            if names:
                # Pages are for people: some send a key away before they look for anything.
                no_key = headers is as_program and not template.startswith("/api/")
                assert answer.status_code in ((403, 404) if no_key else (404,)), about
                tested += 1
            told = {secret for secret in secrets if secret in answer.text and secret not in path}
            assert not told, about
    assert tested >= 2 * 15
    assert fingerprint(owner, theirs.tenant_id) == before


async def test_naming_anothers_things_in_a_body_or_query_finds_nothing(
    web: httpx2.AsyncClient, runtime: Any, theirs: House, ours: House, owner: Connection
) -> None:
    before = fingerprint(owner, theirs.tenant_id)
    headers = {"authorization": f"Bearer {ours.api_key}"}
    for query in ({"owner_id": str(theirs.ids["user_id"])}, {"q": "zenobia"}, {"source": "Zenobia portal"}):
        assert (await web.get("/api/v1/leads", headers=headers, params=query)).json()["items"] == []
    names = (
        {"lead_id": str(theirs.lead_id)},
        {"lead_external_id": "Zenobia-1"},
        {"email": theirs.email},
        {"phone": "+1 212 555 0123"},
    )
    activities = [{**name, "kind": "listing.viewed"} for name in names]
    items = (await web.post("/api/v1/activities", headers=headers, json={"activities": activities})).json()["items"]
    assert [item["error"]["code"] for item in items] == ["lead_not_found"] * 4
    lead = (await web.post("/api/v1/leads", headers=headers, json={"email": theirs.email})).json()
    assert lead["status"] == "created"
    assert lead["id"] != str(theirs.lead_id)
    agent = {"email": "new@example.com", "name": "New", "role": "agent"}
    user = await web.post("/api/v1/users", headers=headers, json=agent | {"team_id": str(theirs.ids["team_id"])})
    assert user.status_code == 422
    ours_to_change = f"/api/v1/users/{ours.ids['user_id']}"
    moved = await web.patch(ours_to_change, headers=headers, json={"team_id": str(theirs.ids["team_id"])})
    assert moved.status_code == 422
    credential = parse_session_token(ours.session)
    assert credential is not None
    cookie = {"cookie": f"{SESSION_COOKIE}={ours.session}", "x-csrf-token": csrf_token(runtime, credential)}
    new_owner = {"owner_id": str(theirs.ids["user_id"])}
    handed = await web.post(f"/leads/{ours.lead_id}/reassign", headers=cookie, data=new_owner)
    assert handed.status_code == 422
    assert fingerprint(owner, theirs.tenant_id) == before


async def test_a_credential_with_another_tenants_name_on_it_opens_nothing(
    web: httpx2.AsyncClient, theirs: House, ours: House
) -> None:
    named, _, secret = ours.api_key.removeprefix("plk_").partition(".")
    forged_key = f"plk_{b64(theirs.tenant_id.bytes + unb64(named)[16:])}.{secret}"
    refused = await web.get("/api/v1/leads", headers={"authorization": f"Bearer {forged_key}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "api_key_invalid")
    forged_session = f"{b64(theirs.tenant_id.bytes)}.{ours.session.partition('.')[2]}"
    refused = await web.get("/api/v1/leads", headers={"cookie": f"{SESSION_COOKIE}={forged_session}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in")
    source, named, secret = re.fullmatch(r"/hooks/(\w+)/([^.]+)\.(.+)", ours.hook_path).groups()  # type: ignore[union-attr]
    forged_hook = f"/hooks/{source}/{b64(theirs.tenant_id.bytes + unb64(named)[16:])}.{secret}"
    assert (await web.post(forged_hook, json={"name": "Mallory"})).status_code == 404
    raw = bytearray(unb64(ours.unsubscribe_path.removeprefix("/u/")))
    raw[1:17] = theirs.tenant_id.bytes
    assert (await web.post(f"/u/{b64(bytes(raw))}")).status_code == 404


async def test_the_live_socket_carries_only_the_tenants_own_frames(
    server: str, web: httpx2.AsyncClient, runtime: Any, theirs: House, ours: House
) -> None:
    token = (await web.post("/api/v1/live/token", headers={"authorization": f"Bearer {ours.api_key}"})).json()["token"]
    address = f"ws://{server}/api/v1/live?token={token}&after=0"
    async with asyncio.timeout(10), connect(address, proxy=None) as socket:
        seen: list[dict[str, Any]] = [orjson.loads(await socket.recv())]
        head = seen[0]["head"]
        runtime.clock.advance(timedelta(seconds=1))
        for house in (theirs, ours):
            viewed = {"lead_id": str(house.lead_id), "kind": "listing.viewed", "payload": {"listing_key": "MLS-2"}}
            await web.post("/api/v1/activities", headers={"authorization": f"Bearer {house.api_key}"}, json=viewed)
        while seen[-1]["seq"] <= head:
            seen.append(orjson.loads(await socket.recv()))
    assert [frame["seq"] for frame in seen[1:]] == list(range(1, head + 2))
    assert seen[-1]["lead_id"] == str(ours.lead_id)
    assert not any(str(theirs.lead_id) in orjson.dumps(frame).decode() for frame in seen)
