from __future__ import annotations

from alembic import context
from sqlalchemy import text

from porchlight.migrations import models

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    # A migration that cannot get its lock soon must fail rather than stop every request behind it.
    connection.execute(text("SET lock_timeout = '5s'"))
    context.configure(connection=connection, target_metadata=models.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
