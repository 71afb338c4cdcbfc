from __future__ import annotations

import asyncio
from typing import Any

import pytest


@pytest.mark.parametrize("size", [1_000, 3_000_000])
async def test_a_large_statement_before_a_commit_in_a_pipeline_is_sent_to_its_end(brokerage: Any, size: int) -> None:
    async def many() -> int:
        async with brokerage.runtime.database.unit_of_work(brokerage.tenant_id) as uow:
            for _ in range(10):
                async with uow.connection.pipeline():
                    await uow.connection.execute("SELECT pg_sleep(0.002)")
                    cursor = await uow.connection.execute("SELECT length(%s)", ("x" * size,))
                    await uow.connection.commit()
            [length] = await cursor.fetchone()
            return int(length)

    assert await asyncio.wait_for(many(), 20) == size
