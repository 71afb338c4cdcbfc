"""The schema's history, and bringing a database to its newest state."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, NullPool, create_engine, make_url

from porchlight.kit.database import libpq_url
from porchlight.kit.installation import Urls
from porchlight.kit.tenancy import ensure_roles

#: Any constant: two processes that start at once take turns on it.
_LOCK = 0x706C6D67


def bring_up_to_date(urls: Urls, key: bytes) -> None:
    """Make the roles where they are ours to make, and apply every migration that is not applied yet."""
    with psycopg.connect(libpq_url(urls.owner), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        if urls.makes_roles:
            ensure_roles(connection, urls.database, key)
        command.upgrade(_config(urls), "head")


def differences(urls: Urls) -> list[object]:
    """What the models say and the database does not, or the other way round; empty when they agree."""
    from porchlight.migrations import models

    engine = owner_engine(urls)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = list(compare_metadata(context, models.metadata))
    engine.dispose()
    return found


def owner_engine(urls: Urls) -> Engine:
    url = make_url(urls.owner).set(drivername="postgresql+psycopg")
    return create_engine(url, poolclass=NullPool)


def _config(urls: Urls) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = owner_engine(urls)
    return config
