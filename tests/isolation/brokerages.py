"""Two brokerages in one database, each with something of everything: neither ever sees the other's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import httpx2
import psycopg

from porchlight.accounts.manage import create_team, create_user
from porchlight.accounts.permissions import Role
from porchlight.accounts.sign_in import sign_in
from porchlight.automation.routing.seats import set_seat
from porchlight.delivery.unsubscribe import unsubscribe_url
from porchlight.kit.crypto import unb64
from porchlight.kit.ids import uuid7
from porchlight.leads.learning.tables import TrackRecord
from porchlight.leads.learning.versions import Learned, keep_learned
from porchlight.leads.tables import Import, ImportChunk
from porchlight.listings.tables import Listing

PASSWORD = "correct horse battery"


Connection = psycopg.Connection[tuple[Any, ...]]

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
        learned = Learned(version="own-1", model={}, card={"of": name}, learned_until=uow.now(), rows=9, outcomes=3)
        version = await keep_learned(uow, learned, "promote", {"reason": f"Better for {name}"})
        uow.session.add(TrackRecord(tenant_id=tenant_id, made_at=uow.now(), record={"of": name}))
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
            "version_id": version.id,
        },
        hook_path=hook_path,
        unsubscribe_path=unsubscribe_path,
    )


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
