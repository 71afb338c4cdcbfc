"""Columns as binary arrays, read back by the database."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from porchlight.kit.arrays import Recordset, packed

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
FINITE = st.floats(allow_nan=False)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids(),
    "text": TEXT,
    "bool": st.booleans(),
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "float8": FINITE,
    "date": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    "timestamptz": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    "bytea": st.binary(max_size=12),
    "json": st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
    "jsonb": st.dictionaries(TEXT, st.integers(0, 9), max_size=2),
    "text[]": st.lists(TEXT, max_size=3),
    "float8[]": st.lists(FINITE, max_size=3),
}
RECORDSET = Recordset("given", {f"c{n}": kind for n, kind in enumerate(VALUES)})
ROW = st.fixed_dictionaries({f"c{n}": st.none() | values for n, values in enumerate(VALUES.values())})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=4))
async def test_rows_of_every_type_come_back_as_they_went(brokerage: Any, rows: list[dict[str, Any]]) -> None:
    async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
        cursor = await uow.connection.execute(f"SELECT * FROM {RECORDSET.source}".encode(), RECORDSET.parameters(rows))
        assert await cursor.fetchall() == [tuple(row[f"c{n}"] for n in range(len(VALUES))) for row in rows]


def test_what_is_one_object_in_many_rows_is_still_in_each() -> None:
    tenant = UUID(int=7)
    assert packed("uuid", [tenant, tenant]) == packed("uuid", [UUID(int=7), UUID(int=7)])


@pytest.mark.parametrize(("kind", "value"), [("int2", 2**15), ("int8", 2**63), ("text", "\ud800")])
def test_a_value_that_the_type_cannot_hold_is_refused(kind: str, value: object) -> None:
    with pytest.raises((struct.error, ValueError)):
        packed(kind, [value])
