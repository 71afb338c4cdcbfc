"""Every table, gathered for Alembic."""

from __future__ import annotations

from porchlight.accounts import tables as accounts
from porchlight.audit import tables as audit
from porchlight.automation.routing import tables as routing
from porchlight.delivery import tables as delivery
from porchlight.kit import feed_tables as feed
from porchlight.kit.database import Base
from porchlight.leads import tables as leads
from porchlight.leads.learning import tables as learning
from porchlight.listings import tables as listings

MODULES = (accounts, audit, delivery, feed, leads, learning, listings, routing)

metadata = Base.metadata
