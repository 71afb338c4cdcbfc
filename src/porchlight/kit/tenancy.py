"""Roles and row-level security, as the migrations and the installation apply them.

Three roles: the owner migrates and owns the tables; the application's role reads and writes rows of the tenant that its
transaction names, and cannot bypass that; the worker's role runs the job queue and sees no tenant table at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from porchlight.kit.crypto import keyed_hash

Access = Literal["SELECT", "INSERT", "UPDATE", "DELETE"]
APPEND_ONLY: tuple[Access, ...] = ("SELECT", "INSERT")
READ_WRITE: tuple[Access, ...] = ("SELECT", "INSERT", "UPDATE")
ALL: tuple[Access, ...] = ("SELECT", "INSERT", "UPDATE", "DELETE")


def app_role(database: str) -> str:
    return f"{database}_app"


def worker_role(database: str) -> str:
    return f"{database}_worker"


def role_password(key: bytes, role: str) -> str:
    """Roles' passwords follow from the installation's key, so that no further secret has to be kept."""
    return keyed_hash(key, b"database role " + role.encode()).hex()


def role_url(owner_url: str, role: str, key: bytes) -> str:
    return (
        make_url(owner_url).set(username=role, password=role_password(key, role)).render_as_string(hide_password=False)
    )


def ensure_roles(connection: psycopg.Connection[tuple[object, ...]], database: str, key: bytes) -> None:
    """Make the application's and the worker's role, or set their passwords anew. The caller may create roles."""
    for role in (app_role(database), worker_role(database)):
        exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        verb = "ALTER" if exists else "CREATE"
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                sql.SQL(verb), sql.Identifier(role), sql.Literal(role_password(key, role))
            )
        )


def tenant_policy(table: str, database: str, access: Iterable[Access]) -> Iterator[str]:
    """The statements that bind `table` to the transaction's tenant and grant the application's role `access`."""
    role = app_role(database)
    yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
    yield (
        f'CREATE POLICY tenant ON "{table}" TO "{role}" '
        "USING (tenant_id = (SELECT NULLIF(current_setting('porchlight.tenant', true), '')::uuid))"
    )
    yield f'GRANT {", ".join(access)} ON "{table}" TO "{role}"'
