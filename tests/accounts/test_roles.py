"""What each role may do and whose leads it sees, asked of the real routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from porchlight.accounts.manage import create_team
from porchlight.accounts.permissions import Role

EVERYBODY = set(Role)
WORKERS = {Role.ADMIN, Role.MANAGER, Role.AGENT}
ADMINS = {Role.ADMIN}

LEAD = {"name": "Pat New", "email": "pat.new@example.com"}
USER = {"email": "sam.new@example.com", "name": "Sam", "role": "agent"}
HOOK = {"source": "generic", "name": "Website"}

#: (method, path, body, who may). `{lead}` is a lead of the agent's own.
ROUTES: tuple[tuple[str, str, Any, set[Role]], ...] = (
    ("GET", "/api/v1/me", None, EVERYBODY),
    ("GET", "/api/v1/leads", None, EVERYBODY),
    ("GET", "/api/v1/leads/{lead}", None, EVERYBODY),
    ("GET", "/api/v1/leads/{lead}/activities", None, EVERYBODY),
    ("GET", "/api/v1/leads/{lead}/scores", None, EVERYBODY),
    ("POST", "/api/v1/live/token", None, EVERYBODY),
    ("GET", "/api/v1/teams", None, EVERYBODY),
    ("GET", "/api/v1/users", None, EVERYBODY),
    ("POST", "/api/v1/leads", LEAD, WORKERS),
    ("POST", "/api/v1/activities", {"lead_id": "{lead}", "kind": "note.added", "payload": {"text": "hm"}}, WORKERS),
    ("POST", "/api/v1/teams", {"name": "North"}, ADMINS),
    ("POST", "/api/v1/users", USER, ADMINS),
    ("GET", "/api/v1/api-keys", None, ADMINS),
    ("POST", "/api/v1/api-keys", {"name": "new", "scopes": ["leads:read"]}, ADMINS),
    ("GET", "/api/v1/hooks", None, ADMINS),
    ("POST", "/api/v1/hooks", HOOK, ADMINS),
)


@dataclass(frozen=True, slots=True)
class Office:
    """Two teams, a user of every role in the first, and leads that are the agent's, a teammate's, another team's,
    and nobody's."""

    people: dict[Role, Any]
    leads: dict[str, UUID]


@pytest.fixture
async def office(brokerage: Any, web: httpx2.AsyncClient) -> Office:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        north, south = [(await create_team(uow, name)).id for name in ("First", "Second")]
    people = {role: await brokerage.join(role, team_id=north) for role in Role}
    mate, stranger = [await brokerage.join(Role.AGENT, team_id=team) for team in (north, south)]
    owners = {"own": people[Role.AGENT].email, "team": mate.email, "elsewhere": stranger.email, "nobody": None}
    leads = {}
    for name, owner in owners.items():
        given = {"name": name, "email": f"{name}@example.com", "owner_email": owner}
        answer = await web.post("/api/v1/leads", headers=brokerage.headers, json=given)
        leads[name] = UUID(answer.json()["id"])
    return Office(people, leads)


def fill(value: Any, lead_id: UUID) -> Any:
    if isinstance(value, dict):
        return {name: fill(one, lead_id) for name, one in value.items()}
    return value.replace("{lead}", str(lead_id)) if isinstance(value, str) else value


async def test_each_role_may_do_what_its_permissions_say_and_no_more(office: Office, web: httpx2.AsyncClient) -> None:
    wrong = []
    for method, path, body, permitted in ROUTES:
        for role, person in office.people.items():
            lead_id = office.leads["own"]
            address, sent = fill(path, lead_id), fill(body, lead_id)
            answer = await web.request(method, address, headers=person.headers, json=sent)
            came_through = answer.is_success or answer.status_code == 409  # an earlier role made the same thing
            if came_through != (role in permitted) or (not came_through and answer.json()["code"] != "forbidden"):
                wrong.append((method, path, role, answer.status_code, answer.text))
    assert wrong == []


@pytest.mark.parametrize(
    ("role", "sees"),
    [
        (Role.ADMIN, {"own", "team", "elsewhere", "nobody"}),
        (Role.ANALYST, {"own", "team", "elsewhere", "nobody"}),
        (Role.READ_ONLY, {"own", "team", "elsewhere", "nobody"}),
        (Role.MANAGER, {"own", "team"}),
        (Role.AGENT, {"own"}),
    ],
)
async def test_each_role_sees_the_leads_of_its_scope(
    office: Office, web: httpx2.AsyncClient, role: Role, sees: set[str]
) -> None:
    headers = office.people[role].headers
    listed = (await web.get("/api/v1/leads", headers=headers)).json()["items"]
    assert {lead["name"] for lead in listed} == sees
    for name, lead_id in office.leads.items():
        for path in ("", "/activities", "/scores"):
            answer = await web.get(f"/api/v1/leads/{lead_id}{path}", headers=headers)
            assert answer.status_code == (200 if name in sees else 404)
    found = (await web.get("/api/v1/leads", headers=headers, params={"q": "elsewhere@"})).json()["items"]
    assert bool(found) == ("elsewhere" in sees)


async def test_who_does_not_see_a_lead_cannot_add_to_it(office: Office, web: httpx2.AsyncClient) -> None:
    headers = office.people[Role.AGENT].headers
    names = ({"lead_id": str(office.leads["team"])}, {"email": "team@example.com"}, {"lead_id": str(uuid4())})
    for name in names:
        note = {**name, "kind": "note.added", "payload": {"text": "mine"}}
        [item] = (await web.post("/api/v1/activities", headers=headers, json=note)).json()["items"]
        # The same words as for a lead that is not there at all.
        assert item["error"]["code"] == "lead_not_found"


async def test_a_team_is_seen_as_it_is_today(office: Office, brokerage: Any, web: httpx2.AsyncClient) -> None:
    manager, agent = office.people[Role.MANAGER], office.people[Role.AGENT]
    path = f"/api/v1/users/{agent.id}"
    assert (await web.patch(path, headers=brokerage.headers, json={"team_id": None})).is_success
    listed = (await web.get("/api/v1/leads", headers=manager.headers)).json()["items"]
    assert {lead["name"] for lead in listed} == {"team"}


async def test_a_new_role_counts_at_once(office: Office, brokerage: Any, web: httpx2.AsyncClient) -> None:
    manager = office.people[Role.MANAGER]
    path = f"/api/v1/users/{manager.id}"
    assert (await web.patch(path, headers=brokerage.headers, json={"role": "read_only"})).is_success
    assert (await web.post("/api/v1/leads", headers=manager.headers, json=LEAD)).status_code == 403


async def test_what_is_not_there_is_said_before_what_is_not_allowed_only_to_those_allowed(
    office: Office, web: httpx2.AsyncClient
) -> None:
    """Nobody learns from a 403 that something exists: a lead out of sight is not found, whatever is asked of it."""
    agent, manager = office.people[Role.AGENT], office.people[Role.MANAGER]
    for lead_id in (office.leads["elsewhere"], uuid4()):
        for action in ("take-over", "notes", "stage"):
            answer = await web.post(f"/leads/{lead_id}/{action}", headers=agent.headers, data={"text": "x"})
            assert answer.status_code == 404
        answer = await web.post(f"/leads/{lead_id}/reassign", headers=manager.headers, data={"owner_id": ""})
        assert answer.status_code == 404


async def test_a_key_does_no_more_than_its_scopes(brokerage: Any, web: httpx2.AsyncClient) -> None:
    made = await web.post(
        "/api/v1/api-keys", headers=brokerage.headers, json={"name": "reader", "scopes": ["leads:read"]}
    )
    key = {"authorization": f"Bearer {made.json()['api_key']}"}
    assert (await web.get("/api/v1/leads", headers=key)).status_code == 200
    refused = await web.post("/api/v1/leads", headers=key, json=LEAD)
    assert refused.status_code == 403
    assert "leads:write" in refused.json()["detail"]
    assert (await web.post("/api/v1/live/token", headers=key)).status_code == 403
    assert (await web.get("/api/v1/me", headers=key)).json()["permissions"] == ["leads:read"]


async def test_nobody_makes_a_key_that_may_more_than_they(brokerage: Any, web: httpx2.AsyncClient) -> None:
    scopes = ["api_keys:manage", "leads:read"]
    made = await web.post("/api/v1/api-keys", headers=brokerage.headers, json={"name": "keys", "scopes": scopes})
    key = {"authorization": f"Bearer {made.json()['api_key']}"}
    refused = await web.post("/api/v1/api-keys", headers=key, json={"name": "more", "scopes": ["leads:write"]})
    assert refused.status_code == 403


async def test_a_revoked_key_fails_at_once(brokerage: Any, web: httpx2.AsyncClient) -> None:
    made = await web.post(
        "/api/v1/api-keys", headers=brokerage.headers, json={"name": "short", "scopes": ["leads:read"]}
    )
    key = {"authorization": f"Bearer {made.json()['api_key']}"}
    assert (await web.get("/api/v1/leads", headers=key)).status_code == 200
    assert (await web.delete(f"/api/v1/api-keys/{made.json()['id']}", headers=brokerage.headers)).status_code == 204
    refused = await web.get("/api/v1/leads", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (401, "api_key_invalid")
    listed = {one["name"]: one for one in (await web.get("/api/v1/api-keys", headers=brokerage.headers)).json()}
    assert listed["short"]["revoked_at"] is not None
    assert listed["short"]["last_used_at"] is not None
    assert made.json()["api_key"] not in str(listed)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer plk_", "Bearer plk_x.y", "Basic abc", "Bearer " + "a" * 5000, "Bearer plk_é.é"],
)
async def test_a_header_that_is_no_key_is_refused_in_words(web: httpx2.AsyncClient, header: str) -> None:
    answer = await web.get("/api/v1/leads", headers=[(b"authorization", header.encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "api_key_invalid")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_with_the_right_name_and_a_wrong_secret_is_refused(brokerage: Any, web: httpx2.AsyncClient) -> None:
    named = brokerage.api_key.partition(".")[0]
    for secret in ("x", "", brokerage.api_key.partition(".")[2][:-1]):
        answer = await web.get("/api/v1/leads", headers={"authorization": f"Bearer {named}.{secret}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "api_key_invalid")


async def test_me_says_who_is_calling(office: Office, brokerage: Any, web: httpx2.AsyncClient) -> None:
    as_key = (await web.get("/api/v1/me", headers=brokerage.headers)).json()
    assert (as_key["kind"], as_key["role"], as_key["tenant_id"]) == ("api_key", None, str(brokerage.tenant_id))
    agent = office.people[Role.AGENT]
    as_agent = (await web.get("/api/v1/me", headers=agent.headers)).json()
    assert as_agent == {
        "kind": "user",
        "id": str(agent.id),
        "name": "Agent",
        "tenant_id": str(brokerage.tenant_id),
        "tenant_name": "Test Realty",
        "role": "agent",
        "permissions": ["activities:write", "leads:read", "leads:write", "live:read", "messages:read"],
    }
