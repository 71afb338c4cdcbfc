"""The inputs of forecasts over time, read from the tenant's history for the comparison of now with before."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import numpy as np

from porchlight.intelligence.conversion import FEATURES
from porchlight.intelligence.conversion.forecast import HORIZON_DAYS
from porchlight.intelligence.conversion.history.landmarks import Rows, landmark_rows
from porchlight.kit.database import Database
from porchlight.leads.learning.clustered import Floats
from porchlight.leads.learning.drift import Drift, drift
from porchlight.leads.learning.history import context_of, read_pursuits

NOW: Final = timedelta(days=HORIZON_DAYS)
BEFORE: Final = timedelta(days=365)
"""The year before: long enough to hold every season once."""
FEWEST: Final = 50
"""Leads on either side below which a comparison is not made."""
_MOST: Final = 20_000
_NOT_THEIRS: Final = frozenset({"season", "supply"})
"""Inputs that are of the market and not of the lead: they are meant to move."""


async def input_drift(database: Database, tenant_id: UUID, now: datetime) -> list[Drift]:
    """How far the inputs of the last 90 days lie from those of the year before, the most moved first; empty where
    there is too little to compare. Of many leads, some 20,000 are looked at."""
    every = max(1, await _leads(database, tenant_id) // _MOST)
    sides: tuple[list[Floats], list[Floats]] = ([], [])
    leads = [0, 0]
    recent, earliest = (now - NOW).timestamp(), (now - NOW - BEFORE).timestamp()
    async for batch in read_pursuits(database, tenant_id, now):
        chosen = [pursuit for pursuit in batch if UUID(pursuit.id).int % every == 0 and not pursuit.result_only]
        rows: Rows = await asyncio.to_thread(landmark_rows, chosen, now.timestamp(), context_of)
        for side, within in enumerate(((rows.at >= earliest) & (rows.at < recent), rows.at >= recent)):
            sides[side].append(rows.values[within].astype(np.float32))
            leads[side] += int(np.unique(rows.lead[within]).size)
    if min(leads) < FEWEST:
        return []
    wanted = [number for number, feature in enumerate(FEATURES) if feature.name not in _NOT_THEIRS]
    before, after = (np.concatenate(side)[:, wanted].astype(np.float64) for side in sides)
    return drift(before, after, [FEATURES[number].name for number in wanted], leads[0], leads[1])


async def _leads(database: Database, tenant_id: UUID) -> int:
    async with database.unit_of_work(tenant_id) as uow:
        cursor = await uow.connection.execute("SELECT count(*) FROM leads WHERE tenant_id = %s", (tenant_id,))
        row = await cursor.fetchone()
    return 0 if row is None else int(row[0])
