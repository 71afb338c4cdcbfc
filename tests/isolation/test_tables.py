"""Asking the database as the application's role, table by table; whoever adds a table has it tested here."""

from __future__ import annotations

from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from tests.isolation.brokerages import APPEND_ONLY, NOBODYS, Connection, House, relations, tenant_tables

from porchlight.kit.installation import Urls
from porchlight.kit.tenancy import app_role, worker_role


def count(connection: Connection, table: str, where: LiteralString = "true") -> int:
    statement = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(table), sql.SQL(where))
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0])


def become(connection: Connection, tenant_id: UUID | str) -> None:
    connection.execute("SELECT set_config('porchlight.tenant', %s, false)", (str(tenant_id),))


def test_the_application_role_owns_nothing_and_bypasses_nothing(owner: Connection, installation: Urls) -> None:
    for role in (app_role(installation.database), worker_role(installation.database)):
        powers = owner.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication FROM pg_roles"
            " WHERE rolname = %s",
            (role,),
        ).fetchone()
        assert powers == (False,) * 5
        owned = owner.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = %s", (role,)
        )
        assert owned.fetchall() == []
        memberships = owner.execute(
            "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s", (role,)
        )
        assert memberships.fetchall() == []


def test_every_table_of_a_tenant_is_bound_to_it(owner: Connection) -> None:
    bound = owner.execute(
        """
        SELECT c.relname, c.relrowsecurity,
               (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                WHERE i.indrelid = c.oid AND i.indisprimary),
               (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND c.relname <> ALL (%s)
        """,
        (list(NOBODYS),),
    ).fetchall()
    assert len(bound) > 20
    assert [row for row in bound if row[1:] != (True, "tenant_id", 1)] == []


def test_without_a_tenant_nothing_is_seen(
    theirs: House, ours: House, owner: Connection, application: Connection
) -> None:
    for setting in (None, ""):
        if setting is not None:
            become(application, setting)
        for table in tenant_tables(owner):
            assert (table, count(application, table)) == (table, 0)


def test_what_belongs_to_no_tenant_cannot_be_touched(owner: Connection, application: Connection) -> None:
    kept_away = [(schema, name) for schema, name in relations(owner) if schema != "public" or name in NOBODYS]
    assert any(schema == "jobs" for schema, _ in kept_away)
    for schema, name in kept_away:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(schema, name)))


def test_the_worker_sees_jobs_and_no_tenant(owner: Connection, worker: Connection) -> None:
    for table in (*tenant_tables(owner), *NOBODYS):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))
    assert worker.execute("SELECT count(*) >= 0 FROM jobs.procrastinate_jobs").fetchone() == (True,)


def test_what_runs_with_the_owners_rights_is_known(owner: Connection, installation: Urls) -> None:
    found = owner.execute(
        "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('public', 'jobs') AND has_function_privilege(%s, p.oid, 'EXECUTE') ORDER BY 1",
        (app_role(installation.database),),
    )
    assert [name for (name,) in found] == ["procrastinate_defer_jobs_v1", "sign_in_accounts", "sign_in_try"]


def test_a_tenant_sees_its_own_rows_and_all_of_them(
    theirs: House, ours: House, owner: Connection, application: Connection
) -> None:
    for house in (theirs, ours):
        become(application, house.tenant_id)
        for table in tenant_tables(owner):
            mine = owner.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(table)),
                (house.tenant_id,),
            ).fetchone()
            assert mine is not None
            assert mine[0] > 0, f"{table} is empty here, so that nothing is tested: furnish it"
            assert (table, count(application, table)) == (table, mine[0])


def test_no_row_can_be_written_for_another_tenant(
    theirs: House, ours: House, owner: Connection, application: Connection
) -> None:
    become(application, ours.tenant_id)
    for table in tenant_tables(owner):
        columns = owner.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_generated = 'NEVER'",
            (table,),
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in columns)
        name = sql.Identifier(table)
        row = owner.execute(
            sql.SQL("SELECT to_json(t)::text FROM {} t WHERE tenant_id = %s LIMIT 1").format(name),
            (theirs.tenant_id,),
        ).fetchone()
        assert row is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            application.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM json_populate_record(null::{}, %s::json)").format(
                    name, names, names, name
                ),
                row,
            )
        updates = owner.execute(
            "SELECT has_table_privilege(%s, %s, 'UPDATE')", (application.info.user, table)
        ).fetchone()
        if updates == (True,):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                application.execute(sql.SQL("UPDATE {} SET tenant_id = %s").format(name), (theirs.tenant_id,))


def test_what_is_written_once_is_never_changed(theirs: House, owner: Connection, application: Connection) -> None:
    assert set(tenant_tables(owner)) >= APPEND_ONLY
    become(application, theirs.tenant_id)
    for table in sorted(APPEND_ONLY):
        for statement in ("UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(sql.SQL(statement).format(sql.Identifier(table)))
