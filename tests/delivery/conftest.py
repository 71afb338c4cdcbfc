from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from porchlight.kit.clock import SetClock
from porchlight.kit.runtime import Runtime


@pytest.fixture
def clock(runtime: Runtime) -> SetClock:
    """Noon in New York on a Wednesday."""
    assert isinstance(runtime.clock, SetClock)
    runtime.clock.at = datetime(2027, 5, 12, 16, 0, tzinfo=UTC)
    return runtime.clock


@pytest.fixture
def tenant_id(brokerage: Any, clock: SetClock) -> UUID:
    found: UUID = brokerage.tenant_id
    return found
