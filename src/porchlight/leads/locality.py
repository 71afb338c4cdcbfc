"""Where a tenant is, which says how the texts that come in to it are meant."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy import select

from porchlight.accounts.tables import Tenant
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.leads.assembly import Reading


async def reading_of(uow: UnitOfWork) -> Reading:
    """The tenant's way of reading phone numbers without a country and times without an offset. Raises `not_found`."""
    found = await uow.session.execute(select(Tenant.region, Tenant.time_zone).where(Tenant.tenant_id == uow.tenant_id))
    row = found.one_or_none()
    if row is None:
        raise PorchlightError("not_found", "There is no such tenant; make one with `porchlight init`.")
    return Reading(row.region, ZoneInfo(row.time_zone))
