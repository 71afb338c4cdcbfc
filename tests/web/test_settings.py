"""The settings over HTTP: people, seats, the brokerage itself, keys and doors."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from tests.web.conftest import Visit
from tests.web.visitors import Document, Visitor, hire

from porchlight.accounts.manage import create_team
from porchlight.accounts.permissions import Permission, Role
from porchlight.accounts.tables import User
from porchlight.automation.routing.tables import RoutingSeat
from porchlight.leads.hooks import HOOK_SOURCES
from porchlight.web.settings import field_map_of
from porchlight.web.vocabulary import DOORS, PERMISSIONS, ROLES

BOXES = ("is_active", "takes_leads")


@pytest.fixture
async def admin(brokerage: Any, visit: Visit) -> Visitor:
    return await visit(brokerage, brokerage.admin_id)


async def stored(brokerage: Any, table: Any, *key: UUID) -> Any:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return await uow.session.get(table, (brokerage.tenant_id, *key))


async def query(brokerage: Any, statement: str) -> list[Any]:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        return list(await (await uow.connection.execute(statement)).fetchall())


def found(pattern: str, page: Document) -> str:
    match = re.search(pattern, page.html)
    assert match, page.text
    return match[1]


def test_every_code_has_its_words() -> None:
    assert PERMISSIONS.keys() == set(Permission)
    assert DOORS.keys() == set(HOOK_SOURCES)
    assert ROLES.keys() == set(Role)


# People


async def test_somebody_new_gets_a_password_that_is_shown_once_and_works(
    brokerage: Any, admin: Visitor, visit: Visit
) -> None:
    email = f"joy-{brokerage.tenant_id.hex[-8:]}@realty.example.com"
    page = await admin.submit(await admin.open("/settings/team"), "/settings/users", name="Joy", email=email)
    password = found(r'password <code class="select-all">([^<]+)</code>', page)
    assert password not in (await admin.open("/settings/team")).html
    browser = await visit()
    sign_in = await browser.open("/sign-in")
    inside = await browser.submit(sign_in, "/sign-in", email=email, password=password)
    assert inside.url == "/leads"


async def test_a_slip_is_shown_beside_its_field_and_what_was_typed_stays(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/settings/team")
    again = await admin.submit(
        page, "/settings/users", name="Joy", email=brokerage.admin_email, role="manager", status=422
    )
    assert "already" in again.text
    assert again.form("/settings/users").fields["name"] == "Joy"
    assert again.form("/settings/users").fields["role"] == "manager"
    again = await admin.submit(page, "/settings/users", name="Joy", email="nobody", status=422)
    assert "no e-mail address" in again.text
    assert await query(brokerage, "SELECT name FROM users") == [("Ada Admin",)]


async def test_a_team_is_made_once(brokerage: Any, admin: Visitor) -> None:
    page = await admin.submit(await admin.open("/settings/team"), "/settings/teams", name="North")
    assert "North is a team now." in page.text
    again = await admin.submit(page, "/settings/teams", name="North", status=422)
    assert "already" in again.text


async def test_a_seat_is_set_and_shown(brokerage: Any, admin: Visitor) -> None:
    user_id = await hire(brokerage, "Tomás Rivera", Role.AGENT)
    at = f"/settings/users/{user_id}"
    typed = {
        "weight": "1.5",
        "capacity": "40",
        "takes_leads": "1",
        "zone": "America/Chicago",
        "away_until": "2026-03-12",
    }
    typed |= {f"{edge}_{day}": clock for day in range(5) for edge, clock in (("from", "09:00"), ("to", "18:00"))}
    page = await admin.submit(await admin.open(at), at, typed)
    assert "Tomás Rivera is saved." in page.text
    assert "Mon to Fri 9 to 18" in page.text
    assert "Away until Thursday" in page.text
    seat = await stored(brokerage, RoutingSeat, user_id)
    assert (seat.weight, seat.capacity, seat.time_zone, seat.is_active) == (1.5, 40, "America/Chicago", True)
    assert seat.away_until.isoformat() == "2026-03-13T05:00:00+00:00"
    shown = (await admin.open(at)).form(at).fields
    assert {name: shown.get(name) for name in typed} == typed
    await admin.submit(await admin.open(at), at, without=("takes_leads",))
    assert not (await stored(brokerage, RoutingSeat, user_id)).is_active
    assert "Takes no leads" in (await admin.open("/settings/team")).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"weight": "much"}, "Write a number"),
        ({"weight": "0"}, "above 0"),
        ({"weight": "nan"}, "above 0"),
        ({"capacity": "2.5"}, "whole number"),
        ({"capacity": "-1"}, "number of open leads"),
        ({"zone": "Mars/Olympus"}, "time zone from the list"),
        ({"away_until": "2020-01-01"}, "That day is over"),
        ({"from_0": "09:00"}, "Monday has only one"),
        ({"role": "emperor"}, "role from the list"),
        ({"team_id": "019cd9a5-0000-7000-8000-000000000000"}, "no such team"),
    ],
)
async def test_a_seat_that_cannot_be_changes_nothing_at_all(
    brokerage: Any, admin: Visitor, typed: dict[str, str], said: str
) -> None:
    user_id = await hire(brokerage, "Tomás Rivera", Role.AGENT)
    at = f"/settings/users/{user_id}"
    given = {"role": "manager", "takes_leads": "1"} | typed
    again = await admin.submit(await admin.open(at), at, given, status=422)
    assert said in again.text
    assert again.form(at).fields["takes_leads"] == "1"
    assert (await stored(brokerage, User, user_id)).role == "agent"
    assert await stored(brokerage, RoutingSeat, user_id) is None


async def test_an_admin_cannot_lock_the_house_out(brokerage: Any, admin: Visitor) -> None:
    at = f"/settings/users/{brokerage.admin_id}"
    for typed, without in (({"role": "agent"}, ()), ({}, ("is_active",))):
        again = await admin.submit(await admin.open(at), at, typed, without=without, status=409)
        assert "last admin" in again.text
    assert (await stored(brokerage, User, brokerage.admin_id)).role == "admin"


async def test_whoever_gives_a_right_up_is_led_to_what_is_left(brokerage: Any, admin: Visitor) -> None:
    await hire(brokerage, "Heir", Role.ADMIN, password="correct horse battery")
    at = f"/settings/users/{brokerage.admin_id}"
    page = await admin.submit(await admin.open(at), at, role="agent")
    assert page.url == "/leads"
    await admin.open(at, 403)


async def test_somebody_switched_off_is_out_at_once(brokerage: Any, admin: Visitor, visit: Visit) -> None:
    user_id = await hire(brokerage, "Ann Agent", Role.AGENT)
    browser = await visit(brokerage, user_id)
    assert (await browser.open("/leads")).url == "/leads"
    at = f"/settings/users/{user_id}"
    await admin.submit(await admin.open(at), at, without=("is_active",))
    assert (await browser.open("/leads")).url.startswith("/sign-in")


async def test_a_new_password_ends_the_sessions_of_the_old_one(brokerage: Any, admin: Visitor, visit: Visit) -> None:
    user_id = await hire(brokerage, "Ann Agent", Role.AGENT)
    browser = await visit(brokerage, user_id)
    at = f"/settings/users/{user_id}"
    page = await admin.submit(await admin.open(at), f"{at}/password")
    assert len(found(r'It is <code class="select-all">([^<]+)</code>', page)) == 19
    assert (await browser.open("/leads")).url.startswith("/sign-in")


async def test_a_manager_sets_the_seats_of_the_team_and_no_accounts(brokerage: Any, visit: Visit) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        north = (await create_team(uow, "North")).id
    manager = await hire(brokerage, "Max Manager", Role.MANAGER, team_id=north)
    theirs = await hire(brokerage, "Ann Agent", Role.AGENT, team_id=north)
    stranger = await hire(brokerage, "Sue South", Role.AGENT)
    browser = await visit(brokerage, manager)
    page = await browser.open("/settings/team")
    assert "Sue South" not in page.text
    assert not [form.action for form in page.forms if form.action in ("/settings/users", "/settings/teams")]
    assert "/settings/keys" not in page.links
    at = f"/settings/users/{theirs}"
    page = await browser.open(at)
    assert "role" not in page.form(at).fields
    fields = page.form(at).fields | {"takes_leads": "1", "role": "admin", "team_id": "", "weight": "2"}
    await browser.send(at, fields)
    assert (await stored(brokerage, RoutingSeat, theirs)).weight == 2
    kept = await stored(brokerage, User, theirs)
    assert (kept.role, kept.team_id, kept.is_active) == ("agent", north, True)
    await browser.send(f"/settings/users/{stranger}", fields, status=404)
    for path in (f"{at}/password", "/settings/users", "/settings/teams", "/settings/brokerage", "/settings/keys"):
        await browser.send(path, fields, status=403)


# The brokerage


async def test_the_brokerage_is_renamed_and_the_log_says_by_whom(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/settings/brokerage")
    typed = {"name": "Harbor & Pine", "postal_address": "1 Elm St\r\nPortland OR", "zone": "America/Los_Angeles"}
    typed |= {"from_2": "", "to_2": "", "holidays": "1"}
    page = await admin.submit(page, "/settings/brokerage", typed)
    assert "Saved." in page.text
    shown = page.form("/settings/brokerage").fields
    assert {name: shown[name].replace("\n", "\r\n").replace("\r\r", "\r") for name in typed} == typed
    [(settings,)] = await query(brokerage, "SELECT settings FROM tenants")
    hours = {"weekdays": ["08:00", "21:00"], "saturday": ["08:00", "21:00"], "sunday": [], "holidays": True}
    assert settings["email_hours"] == hours
    [(actor,)] = await query(
        brokerage, "SELECT body::jsonb->'actor'->>'label' FROM audit_entries WHERE body LIKE '%tenant.updated%'"
    )
    assert actor == "Ada Admin"


async def test_a_brokerage_without_a_name_or_hours_is_shown_again(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/settings/brokerage")
    for typed, said in (
        ({"name": "  "}, "Give a name."),
        ({"zone": "Nowhere"}, "from the list"),
        ({f"{edge}_{day}": "" for day in range(3) for edge in ("from", "to")}, "one day at least"),
    ):
        again = await admin.submit(page, "/settings/brokerage", typed, status=422)
        assert said.lower() in again.text.lower()
    assert await query(brokerage, "SELECT name, settings FROM tenants") == [("Test Realty", {})]


# Keys


async def test_a_key_is_shown_once_works_and_is_revoked(brokerage: Any, admin: Visitor) -> None:
    page = await admin.submit(await admin.open("/settings/keys"), "/settings/keys", name="Website", scope="leads:read")
    secret = found(r'data-copy="(plk_[^"]+)"', page)
    shown = await admin.open("/settings/keys")
    assert secret not in shown.html
    headers = {"authorization": f"Bearer {secret}"}
    assert (await admin.client.get("/api/v1/leads", headers=headers)).status_code == 200
    [(key_id,)] = await query(brokerage, "SELECT id FROM api_keys WHERE name = 'Website'")
    await admin.submit(shown, f"/settings/keys/{key_id}/revoke")
    assert (await admin.client.get("/api/v1/leads", headers=headers)).status_code == 401


async def test_a_key_needs_a_name_and_a_scope(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/settings/keys")
    again = await admin.submit(page, "/settings/keys", name=" ", status=422)
    assert "Say what will use the key." in again.text
    assert "Choose at least one." in again.text
    assert len(await query(brokerage, "SELECT id FROM api_keys")) == 1


# Doors


async def test_a_door_opens_with_an_address_that_is_shown_once_and_takes_leads(brokerage: Any, admin: Visitor) -> None:
    page = await admin.open("/settings/hooks")
    typed = {"name": "Website", "source": "generic", "field_map": "email = who.mail\r\n\r\ncustom:Pets = q7"}
    page = await admin.submit(page, "/settings/hooks", typed)
    path = found(r'data-copy="http://porchlight.test(/hooks/[^"]+)"', page)
    shown = await admin.open("/settings/hooks")
    assert path not in shown.html
    assert "email = who.mail" in shown.text
    lead = {"name": "Ann Lee", "who": {"mail": "ann@example.com"}, "q7": "a dog"}
    assert (await admin.client.post(path, json=lead)).status_code == 200
    await brokerage.run_jobs()
    assert await query(brokerage, "SELECT name, source, custom FROM leads") == [
        ("Ann Lee", "Website", {"Pets": "a dog"})
    ]
    [close] = [form.action for form in shown.forms if form.action.endswith("/revoke")]
    await admin.submit(shown, close)
    assert (await admin.client.post(path, json=lead | {"name": "B"})).status_code == 404


@pytest.mark.parametrize("source", HOOK_SOURCES)
async def test_every_kind_of_door_opens_and_says_what_it_needs(brokerage: Any, admin: Visitor, source: str) -> None:
    page = await admin.submit(await admin.open("/settings/hooks"), "/settings/hooks", name="Door", source=source)
    assert f"/hooks/{source}/" in page.html
    assert ("PORCHLIGHT_META_APP_SECRET" in page.text) == (source == "meta")
    assert page.html.count("data-copy") == (2 if source == "google_lead_form" else 1)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "Give a name"),
        ({"source": "fax"}, "Choose what will call"),
        ({"field_map": "email: mail"}, "Line 1"),
        ({"field_map": "email = a\r\nphone ="}, "Line 2"),
        ({"field_map": "emial = a"}, "emial"),
        ({"source": "adf", "field_map": "email = a"}, "leave the map out"),
    ],
)
async def test_a_door_that_cannot_be_is_shown_again(
    brokerage: Any, admin: Visitor, typed: dict[str, str], said: str
) -> None:
    given = {"name": "Door", "source": "generic"} | typed
    again = await admin.submit(await admin.open("/settings/hooks"), "/settings/hooks", given, status=422)
    assert said in again.text
    assert await query(brokerage, "SELECT id FROM hooks") == []


def test_a_field_map_is_split_where_its_kind_has_no_equals_sign() -> None:
    assert field_map_of("generic", " email = a.b=c \n") == {"email": "a.b=c"}
    assert field_map_of("meta", "is 1+1=2? = custom:Maths") == {"is 1+1=2?": "custom:Maths"}
