"""Sign-ins that are over are forgotten."""

from __future__ import annotations

from porchlight.jobs.app import periodic
from porchlight.kit.database import UnitOfWork


@periodic("accounts.forget_sessions", "41 3 * * *")
async def forget_sessions(uow: UnitOfWork) -> None:
    await uow.connection.execute(
        "DELETE FROM sessions WHERE tenant_id = %s AND expires_at < %s", (uow.tenant_id, uow.now())
    )
