"""Signing in: who gets a session, how long it lasts, and how slow guessing is made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest

from porchlight.accounts.manage import create_user, update_user
from porchlight.accounts.passwords import LONGEST, SHORTEST, hash_password, password_matches
from porchlight.accounts.permissions import Role
from porchlight.accounts.sign_in import LIMITS, sign_in
from porchlight.kit.database import libpq_url
from porchlight.kit.errors import PorchlightError
from porchlight.kit.installation import Urls

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def owner(installation: Urls, runtime: Any) -> Iterator[psycopg.Connection[Any]]:
    """The database as its owner, nobody's tries counted yet."""
    with psycopg.connect(libpq_url(installation.owner), autocommit=True) as connection:
        connection.execute("TRUNCATE sign_in_tries")
        yield connection


async def refused(brokerage: Any, email: str, password: str, network: str = "198.51.100.1") -> PorchlightError:
    with pytest.raises(PorchlightError) as caught:
        await sign_in(brokerage.runtime, email, password, network)
    return caught.value


async def me(web: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await web.get("/api/v1/me", headers={"cookie": f"porchlight_session={token}"})


async def test_the_address_may_be_written_in_any_case(brokerage: Any, web: httpx2.AsyncClient) -> None:
    token = await sign_in(brokerage.runtime, f"  {brokerage.admin_email.upper()} ", PASSWORD, "n")
    assert (await me(web, token)).json()["id"] == str(brokerage.admin_id)


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "x" * 100_000, "\0"])
async def test_a_wrong_password_and_an_unknown_address_are_told_alike(brokerage: Any, password: str) -> None:
    known = await refused(brokerage, brokerage.admin_email, password)
    unknown = await refused(brokerage, f"{uuid4().hex}@example.com", password)
    assert known.code == "sign_in_failed"
    assert (known.code, known.detail) == (unknown.code, unknown.detail)


async def test_an_unknown_address_takes_as_long_as_a_wrong_password() -> None:
    stored = await hash_password(PASSWORD)

    async def seconds(hashed: str | None) -> float:
        began = time.process_time()
        assert not await password_matches(hashed, "wrong password")
        return time.process_time() - began

    nobody, somebody = [median([await seconds(hashed) for _ in range(5)]) for hashed in (None, stored)]
    assert 0.5 < nobody / somebody < 2


async def test_one_address_in_two_brokerages_opens_the_one_of_the_password(
    brokerage: Any, other_brokerage: Any, web: httpx2.AsyncClient
) -> None:
    async with other_brokerage.runtime.database.unit_of_work(other_brokerage.tenant_id) as uow:
        await create_user(
            uow, email=brokerage.admin_email, name="Ada", role=Role.AGENT, password="another password entirely"
        )
    for there, password in ((brokerage, PASSWORD), (other_brokerage, "another password entirely")):
        token = await sign_in(brokerage.runtime, brokerage.admin_email, password, "n")
        assert (await me(web, token)).json()["tenant_id"] == str(there.tenant_id)


async def test_who_works_here_no_more_is_out_at_once_and_stays_out(brokerage: Any, web: httpx2.AsyncClient) -> None:
    agent = await brokerage.join(Role.AGENT)
    assert (await web.get("/api/v1/me", headers=agent.headers)).status_code == 200
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await update_user(uow, agent.id, is_active=False)
    assert (await web.get("/api/v1/me", headers=agent.headers)).status_code == 401
    assert (await refused(brokerage, agent.email, PASSWORD)).code == "sign_in_failed"


async def test_a_new_password_ends_every_session(brokerage: Any, web: httpx2.AsyncClient) -> None:
    agent = await brokerage.join(Role.AGENT)
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await update_user(uow, agent.id, password="a longer and newer one")
    assert (await web.get("/api/v1/me", headers=agent.headers)).status_code == 401
    assert (await refused(brokerage, agent.email, PASSWORD)).code == "sign_in_failed"
    assert await sign_in(brokerage.runtime, agent.email, "a longer and newer one", "n")


async def test_a_user_without_a_password_cannot_sign_in(brokerage: Any) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        await create_user(uow, email="new@realty.example.com", name="New", role=Role.AGENT)
    for password in ("", "nobody has this password"):
        assert (await refused(brokerage, "new@realty.example.com", password)).code == "sign_in_failed"


async def test_a_session_lasts_as_long_as_it_is_used(brokerage: Any, web: httpx2.AsyncClient) -> None:
    token = await sign_in(brokerage.runtime, brokerage.admin_email, PASSWORD, "n")
    life = timedelta(hours=brokerage.runtime.settings.session_hours)
    for _ in range(3):
        brokerage.clock.advance(life * 0.75)
        assert (await me(web, token)).status_code == 200
    brokerage.clock.advance(life)
    expired = await me(web, token)
    assert (expired.status_code, expired.json()["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize("token", ["x", "x.y", "..", "é.ü", "A" * 22 + ".", "A" * 22 + ".secret"])
async def test_a_cookie_that_is_no_session_is_refused(brokerage: Any, web: httpx2.AsyncClient, token: str) -> None:
    answer = await web.get("/api/v1/me", headers=[(b"cookie", f"porchlight_session={token}".encode())])
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_a_deed_that_rides_on_a_cookie_needs_the_sessions_own_token(
    brokerage: Any, web: httpx2.AsyncClient
) -> None:
    admin, other = await brokerage.join(Role.ADMIN), await brokerage.join(Role.ADMIN)
    cookie = {"cookie": admin.headers["cookie"]}
    for token in (None, "", "wrong", other.headers["x-csrf-token"]):
        headers = cookie if token is None else cookie | {"x-csrf-token": token}
        answer = await web.post("/api/v1/teams", headers=headers, json={"name": "Evil"})
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
    assert (await web.get("/api/v1/teams", headers=cookie)).json() == []
    assert (await web.post("/api/v1/teams", headers=admin.headers, json={"name": "Good"})).status_code == 201


async def test_guessing_one_password_is_slowed_down(brokerage: Any, owner: psycopg.Connection[Any]) -> None:
    allowed, span = LIMITS["address"]
    for guess in range(allowed):
        assert (await refused(brokerage, brokerage.admin_email, "guess", f"net{guess}")).code == "sign_in_failed"
    stopped = await refused(brokerage, brokerage.admin_email, PASSWORD, "elsewhere")
    assert (stopped.code, stopped.status) == ("throttled", 429)
    assert stopped.headers["Retry-After"] == str(int(span.total_seconds()))
    owner.execute("UPDATE sign_in_tries SET at = at - %s", (span,))
    assert await sign_in(brokerage.runtime, brokerage.admin_email, PASSWORD, "elsewhere")


async def test_guessing_many_addresses_from_one_network_is_slowed_down(
    brokerage: Any, owner: psycopg.Connection[Any]
) -> None:
    allowed, _ = LIMITS["network"]
    assert (await refused(brokerage, "a@example.com", "guess", "net")).code == "sign_in_failed"
    owner.execute(
        "INSERT INTO sign_in_tries (subject)"
        " SELECT subject FROM sign_in_tries, generate_series(2, %s) WHERE id ="
        " (SELECT max(id) FROM sign_in_tries)",
        (allowed,),
    )
    assert (await refused(brokerage, brokerage.admin_email, PASSWORD, "net")).code == "throttled"
    assert await sign_in(brokerage.runtime, brokerage.admin_email, PASSWORD, "another network")


async def test_tries_name_nobody(brokerage: Any, owner: psycopg.Connection[Any]) -> None:
    await refused(brokerage, "someone.private@example.com", "guess", "198.51.100.99")
    stored = b"".join(row[0] for row in owner.execute("SELECT subject FROM sign_in_tries"))
    assert b"someone" not in stored
    assert b"198.51" not in stored


@pytest.mark.parametrize("length", [SHORTEST, LONGEST])
async def test_passwords_are_kept_as_argon2id_hashes(length: int) -> None:
    stored = await hash_password("x" * length)
    assert stored.startswith("$argon2id$")
    assert await password_matches(stored, "x" * length)


@pytest.mark.parametrize("length", [0, SHORTEST - 1, LONGEST + 1])
async def test_passwords_are_long_enough_and_no_longer_than_sense(length: int) -> None:
    with pytest.raises(PorchlightError, match="10 to 256 characters") as caught:
        await hash_password("x" * length)
    assert caught.value.field == "password"


async def test_signing_in_is_noted_with_who_it_was(brokerage: Any) -> None:
    await sign_in(brokerage.runtime, brokerage.admin_email, PASSWORD, "n")
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT body::jsonb FROM audit_entries ORDER BY seq DESC LIMIT 1")
        row = await cursor.fetchone()
    assert row is not None
    assert row[0]["deed"] == "session.opened"
    assert row[0]["actor"] == {"id": str(brokerage.admin_id), "kind": "user", "label": "Ada Admin"}
