from __future__ import annotations

from datetime import UTC, datetime

import pytest

from porchlight.demo.simulate import Brokerage, history

SEED = 7
NOW = datetime(2026, 3, 2, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def seed() -> int:
    return SEED


@pytest.fixture(scope="session")
def brokerage() -> Brokerage:
    return history(SEED, NOW)
