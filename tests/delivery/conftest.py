from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from porchlight.accounts.tables import Tenant
from porchlight.kit.clock import SetClock
from porchlight.kit.ids import uuid7
from porchlight.kit.installation import Urls, urls
from porchlight.kit.runtime import Runtime
from porchlight.kit.settings import Settings
from porchlight.main import build
from porchlight.migrations import bring_up_to_date


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Urls]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    found = urls(settings)
    bring_up_to_date(found, settings.key)
    return settings, found


@pytest.fixture
def clock() -> SetClock:
    """Noon in New York on a Wednesday."""
    return SetClock(datetime(2027, 5, 12, 16, 0, tzinfo=UTC))


@pytest.fixture
async def runtime(installation: tuple[Settings, Urls], clock: SetClock) -> AsyncIterator[Runtime]:
    settings, found = installation
    runtime = build(settings, clock=clock, at=found)
    yield runtime
    await runtime.database.close()


@pytest.fixture
async def tenant_id(runtime: Runtime) -> UUID:
    tenant_id = uuid7()
    async with runtime.database.unit_of_work(tenant_id) as uow:
        uow.session.add(
            Tenant(tenant_id=tenant_id, name="Harbor & Pine Realty", postal_address="1 Main Street, Albany, NY 12207")
        )
    return tenant_id
