from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.kit.bulk import insert_rows
from porchlight.kit.ids import uuid7
from porchlight.leads.tables import Hook, Lead

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(TEXT | st.none(), min_size=1, max_size=5), tags=st.lists(TEXT, max_size=3), value=TEXT)
async def test_rows_come_back_as_they_were_given(
    brokerage: Any, names: list[str | None], tags: list[str], value: str
) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    given_rows = [
        {
            "tenant_id": brokerage.tenant_id,
            "id": uuid7(),
            "source": "test",
            "name": name,
            "stage": "new",
            "captured_at": at,
            "tags": tags,
            "custom": {"key": value, "list": [1, None]},
            "search_text": "",
        }
        for name in names
    ]
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await insert_rows(uow.connection, Lead, given_rows, returning=("id", "name"))
        assert cursor is not None
        assert await cursor.fetchall() == [(row["id"], row["name"]) for row in given_rows]
        read = await uow.connection.execute(
            "SELECT name, captured_at, tags, custom FROM leads WHERE id = ANY(%s) ORDER BY id",
            ([row["id"] for row in given_rows],),
        )
        assert await read.fetchall() == [(name, at, tags, {"key": value, "list": [1, None]}) for name in names]


async def test_bytes_and_conflicts_are_taken_care_of(brokerage: Any) -> None:
    row = {
        "tenant_id": brokerage.tenant_id,
        "id": uuid7(),
        "source": "generic",
        "name": "Website",
        "token_hash": bytes(range(256)),
        "field_map": {},
        "created_at": brokerage.clock.now(),
    }
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        for inserted in (1, 0):
            cursor = await insert_rows(uow.connection, Hook, [row], on_conflict="ON CONFLICT DO NOTHING")
            assert cursor is not None
            assert cursor.rowcount == inserted
        kept = await (await uow.connection.execute("SELECT token_hash FROM hooks")).fetchone()
        assert kept == (bytes(range(256)),)
        assert await insert_rows(uow.connection, Hook, []) is None


async def test_rows_for_another_tenant_are_refused_in_bulk_too(brokerage: Any, other_brokerage: Any) -> None:
    row = {
        "tenant_id": other_brokerage.tenant_id,
        "id": uuid7(),
        "source": "generic",
        "name": "Theirs",
        "token_hash": b"",
        "field_map": {},
        "created_at": brokerage.clock.now(),
    }
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            await insert_rows(uow.connection, Hook, [row])
