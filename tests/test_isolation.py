"""Two brokerages in one database, each with something of everything: neither ever sees the other's.

One half asks the database as the application's role, table by table; the other asks the application, route by route.
Whoever adds a table or a route has it tested here, or finds a test that fails because it knows nothing of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString, cast
from uuid import UUID

import httpx2
import orjson
import psycopg
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from psycopg import sql
from starlette.routing import Mount
from websockets.asyncio.client import connect

from porchlight.accounts.caller import SESSION_COOKIE, csrf_token, parse_session_token
from porchlight.accounts.manage import create_team, create_user
from porchlight.accounts.permissions import Role
from porchlight.accounts.sign_in import sign_in
from porchlight.automation.routing.seats import set_seat
from porchlight.delivery.unsubscribe import unsubscribe_url
from porchlight.kit.crypto import b64, unb64
from porchlight.kit.database import libpq_url
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls
from porchlight.kit.tenancy import app_role, worker_role
from porchlight.leads.tables import Import, ImportChunk
from porchlight.listings.tables import Listing

PASSWORD = "correct horse battery"

#: Rows of these are written once and never changed: what was done, said, agreed to or thought stays as it was.
APPEND_ONLY = {"activities", "assignments", "audit_entries", "consents", "scores", "suppressions"}

#: Tables of no tenant, which the application's role cannot touch.
NOBODYS = {"alembic_version", "sign_in_tries"}


@dataclass(frozen=True, slots=True)
class House:
    """A brokerage with something of everything, and what names its things in addresses."""

    tenant_id: UUID
    api_key: str
    session: str
    lead_id: UUID
    email: str
    ids: dict[str, UUID]
    hook_path: str
    unsubscribe_path: str


async def furnish(brokerage: Any, web: httpx2.AsyncClient, name: str) -> House:
    """Give a brokerage something of everything, through the doors where there is one."""
    runtime, tenant_id = brokerage.runtime, brokerage.tenant_id
    as_program = {"authorization": f"Bearer {brokerage.api_key}"}
    async with runtime.database.unit_of_work(tenant_id) as uow:
        team = await create_team(uow, f"{name} team")
        agent = await create_user(
            uow, email=f"agent@{name.lower()}.example.com", name=f"{name} agent", role=Role.AGENT, team_id=team.id
        )
        await set_seat(uow, agent.id, time_zone="America/New_York")
        uow.session.add(
            Listing(
                tenant_id=tenant_id,
                listing_key="MLS-1",
                standard_status="Active",
                list_price_minor=43_900_000,
                currency="USD",
                unparsed_address=f"1 {name} Way",
                details={},
            )
        )
        upload = Import(
            tenant_id=tenant_id,
            id=uuid7(),
            filename=f"{name}.csv",
            status="running",
            options={},
            created_at=uow.now(),
            rows_done=0,
            created=0,
            matched=0,
            rejected=0,
        )
        uow.session.add(upload)
        await uow.session.flush()
        uow.session.add(ImportChunk(tenant_id=tenant_id, import_id=upload.id, n=0, data=name.encode()))
    email = f"dana@{name.lower()}.example.com"
    captured = await web.post(
        "/api/v1/leads",
        headers=as_program,
        json={
            "external_id": f"{name}-1",
            "source": f"{name} portal",
            "name": f"Dana {name}",
            "email": email,
            "phone": "+1 212 555 0123" if name == "Zenobia" else "+1 212 555 0199",
            "message": "Is it still available?",
            "consents": [{"channel": "sms", "wording": f"{name} may text me."}],
        },
    )
    lead_id = UUID(captured.json()["id"])
    activity = {"lead_id": str(lead_id), "kind": "listing.viewed", "payload": {"listing_key": "MLS-1"}}
    recorded = await web.post("/api/v1/activities", headers=as_program, json={"activities": [activity]})
    assert recorded.json()["items"][0]["status"] == "recorded"
    hook = (await web.post("/api/v1/hooks", headers=as_program, json={"source": "generic", "name": name})).json()
    hook_path = re.sub(r"^https?://[^/]+", "", hook["address"])
    assert (await web.post(hook_path, json={"name": f"Hooked {name}", "email": f"hooked@{name}.com"})).is_success
    await brokerage.run_jobs()
    leaving = unsubscribe_url(runtime.settings, tenant_id, lead_id, "email", email)
    unsubscribe_path = re.sub(r"^https?://[^/]+", "", leaving)
    assert (await web.post(unsubscribe_path, data={"List-Unsubscribe": "One-Click"})).is_success
    return House(
        tenant_id=tenant_id,
        api_key=brokerage.api_key,
        session=await sign_in(runtime, brokerage.admin_email, PASSWORD, "198.51.100.7"),
        lead_id=lead_id,
        email=email,
        ids={
            "lead_id": lead_id,
            "user_id": agent.id,
            "team_id": team.id,
            "hook_id": UUID(hook["id"]),
            "key_id": UUID(bytes=unb64(brokerage.api_key.removeprefix("plk_").partition(".")[0])[16:]),
            "import_id": upload.id,
        },
        hook_path=hook_path,
        unsubscribe_path=unsubscribe_path,
    )


@pytest.fixture
async def web(app: FastAPI, runtime: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that, like the real ones, sees nothing of a failure but the answer."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://porchlight.test") as client:
        yield client


@pytest.fixture
async def theirs(brokerage: Any, web: httpx2.AsyncClient) -> House:
    return await furnish(brokerage, web, "Zenobia")


@pytest.fixture
async def ours(other_brokerage: Any, theirs: House, web: httpx2.AsyncClient) -> House:
    return await furnish(other_brokerage, web, "Quentin")


Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def owner(installation: Urls) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(installation.owner), autocommit=True) as connection:
        yield connection


@pytest.fixture
def application(installation: Urls) -> Iterator[Connection]:
    """The database as the application's role: what an attacker has who can run any SQL in the application."""
    with psycopg.connect(libpq_url(installation.app), autocommit=True) as connection:
        yield connection


@pytest.fixture
def worker(installation: Urls) -> Iterator[Connection]:
    with psycopg.connect(libpq_url(installation.worker), autocommit=True) as connection:
        yield connection


def relations(owner: Connection) -> list[tuple[str, str]]:
    """Every table and view there is, as (schema, name)."""
    found = owner.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%'"
        " AND n.nspname <> 'information_schema' ORDER BY 1, 2"
    )
    return cast("list[tuple[str, str]]", found.fetchall())


def tenant_tables(owner: Connection) -> list[str]:
    return [name for schema, name in relations(owner) if schema == "public" and name not in NOBODYS]


def count(connection: Connection, table: str, where: LiteralString = "true") -> int:
    statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(table), sql.SQL(where))
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def become(connection: Connection, tenant_id: UUID | str) -> None:
    connection.execute("SELECT set_config('porchlight.tenant', %s, false)", (str(tenant_id),))


def test_the_application_role_owns_nothing_and_bypasses_nothing(owner: Connection, installation: Urls) -> None:
    for role in (app_role(installation.database), worker_role(installation.database)):
        powers = owner.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles"
            " WHERE rolname = %s",
            (role,),
        ).fetchone()
        assert powers == (False,) * 5
        owned = owner.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = %s", (role,)
        )
        assert owned.fetchall() == []
        memberships = owner.execute(
            "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s", (role,)
        )
        assert memberships.fetchall() == []


def test_every_table_of_a_tenant_is_bound_to_it(owner: Connection) -> None:
    bound = owner.execute(
        """
        SELECT c.relname, c.relrowsecurity,
               (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                WHERE i.indrelid = c.oid AND i.indisprimary),
               (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND c.relname <> ALL (%s)
        """,
        (list(NOBODYS),),
    ).fetchall()
    assert len(bound) > 20
    assert [row for row in bound if row[1:] != (True, "tenant_id", 1)] == []


def test_without_a_tenant_nothing_is_seen(
    theirs: House, ours: House, owner: Connection, application: Connection
) -> None:
    for setting in (None, ""):
        if setting is not None:
            become(application, setting)
        for table in tenant_tables(owner):
            assert (table, count(application, table)) == (table, 0)


def test_what_belongs_to_no_tenant_cannot_be_touched(owner: Connection, application: Connection) -> None:
    kept_away = [(schema, name) for schema, name in relations(owner) if schema != "public" or name in NOBODYS]
    assert any(schema == "jobs" for schema, _ in kept_away)
    for schema, name in kept_away:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(schema, name)))


def test_the_worker_sees_jobs_and_no_tenant(owner: Connection, worker: Connection) -> None:
    for table in (*tenant_tables(owner), *NOBODYS):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
    assert worker.execute("SELECT count(*) >= 0 FROM jobs.procrastinate_jobs").fetchone() == (True,)


def test_what_runs_with_the_owners_rights_is_known(owner: Connection, installation: Urls) -> None:
    found = owner.execute(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('public', 'jobs') AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY 1",
        (app_role(installation.database),),
    )
    assert [name for (name,) in found] == ["procrastinate_defer_jobs_v1", "sign_in_accounts", "sign_in_try"]


def test_a_tenant_sees_its_own_rows_and_all_of_them(
    theirs: House, ours: House, owner: Connection, application: Connection
) -> None:
    for house in (theirs, ours):
        become(application, house.tenant_id)
        for table in tenant_tables(owner):
            mine = owner.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)),
                (house.tenant_id,),
            ).fetchone()
            assert mine is not None
            assert mine[0] > 0, f"{table} is empty here, so that nothing is tested: furnish it"
            assert (table, count(application, table)) == (table, mine[0])


def test_no_row_can_be_written_for_another_tenant(
    theirs: House, ours: House, owner: Connection, application: Connection
) -> None:
    become(application, ours.tenant_id)
    for table in tenant_tables(owner):
        columns = owner.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_generated = 'NEVER'",
            (table,),
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
        name = sql.Identifier(table)
        row = owner.execute(
            sql.SQL("SELECT to_json(t)::text FROM {} t WHERE tenant_id = %s LIMIT 1").format(name),
            (theirs.tenant_id,),
        ).fetchone()
        assert row is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            application.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM json_populate_record(null::{}, %s::json)").format(
                    name, names, names, name
                ),
                row,
            )
        updates = owner.execute(
            "SELECT has_table_privilege(%s, %s, 'UPDATE')", (application.info.user, table)
        ).fetchone()
        if updates == (True,):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                application.execute(sql.SQL("UPDATE {} SET tenant_id = %s").format(name), (theirs.tenant_id,))


def test_what_is_written_once_is_never_changed(theirs: House, owner: Connection, application: Connection) -> None:
    assert set(tenant_tables(owner)) >= APPEND_ONLY
    become(application, theirs.tenant_id)
    for table in sorted(APPEND_ONLY):
        for statement in ("UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(sql.SQL(statement).format(sql.Identifier(table)))


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
