"""Row-level security, the job queue, and what each of the three roles may do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

from porchlight.kit.tenancy import ALL, APPEND_ONLY, READ_WRITE, Access, app_role, tenant_policy, worker_role

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: What the application's role may do with each tenant table. A table that is not here it cannot touch.
ACCESS: dict[str, tuple[Access, ...]] = {
    "activities": APPEND_ONLY,
    "api_keys": READ_WRITE,
    "assignments": APPEND_ONLY,
    "audit_entries": APPEND_ONLY,
    "audit_heads": READ_WRITE,
    "consents": APPEND_ONLY,
    "contact_points": ALL,
    "feed": ALL,
    "feed_heads": READ_WRITE,
    "hooks": READ_WRITE,
    "import_chunks": ALL,
    "imports": READ_WRITE,
    "inbound": READ_WRITE,
    "lead_states": READ_WRITE,
    "leads": READ_WRITE,
    "listings": READ_WRITE,
    "messages": READ_WRITE,
    "model_versions": READ_WRITE,
    "routing_seats": READ_WRITE,
    "scores": APPEND_ONLY,
    "sessions": ALL,
    "suppressions": APPEND_ONLY,
    "teams": READ_WRITE,
    "tenants": READ_WRITE,
    "track_records": READ_WRITE,
    "users": READ_WRITE,
}


def upgrade() -> None:
    database = op.get_bind().scalar(sa.text("SELECT current_database()"))
    app, worker = app_role(database), worker_role(database)
    op.execute(f'GRANT USAGE ON SCHEMA public TO "{app}", "{worker}"')
    create_queue(app, worker)
    for table, access in ACCESS.items():
        for statement in tenant_policy(table, database, access):
            op.execute(statement)
    create_functions(app, worker)


def create_queue(app: str, worker: str) -> None:
    """The job queue in a schema of its own: the worker runs it, the application may only add to it."""
    op.execute("CREATE SCHEMA jobs")
    op.execute("SET LOCAL search_path TO jobs")
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    op.execute(f'GRANT USAGE ON SCHEMA jobs TO "{app}", "{worker}"')
    op.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA jobs FROM PUBLIC")
    for what in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        op.execute(f'GRANT ALL ON ALL {what} IN SCHEMA jobs TO "{worker}"')
    deferring = "procrastinate_defer_jobs_v1(procrastinate_job_to_defer_v1[])"
    op.execute(f"ALTER FUNCTION {deferring} SECURITY DEFINER SET search_path = jobs, pg_temp")
    op.execute(f'GRANT EXECUTE ON FUNCTION {deferring} TO "{app}"')
    op.execute("SET LOCAL search_path TO public")


def create_functions(app: str, worker: str) -> None:
    """The three questions that are asked before a tenant is known; each answers no more than it must."""
    op.execute(
        """
        CREATE FUNCTION sign_in_accounts(address text) RETURNS TABLE (tenant_id uuid, user_id uuid)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
            SELECT tenant_id, id FROM users WHERE email = address AND is_active
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION sign_in_try(given bytea, span interval) RETURNS bigint
        LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
            DELETE FROM sign_in_tries WHERE at < now() - interval '1 day';
            INSERT INTO sign_in_tries (subject) VALUES (given);
            SELECT count(*) FROM sign_in_tries WHERE subject = given AND at > now() - span
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION tenant_ids() RETURNS SETOF uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
            SELECT tenant_id FROM tenants ORDER BY tenant_id
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION sign_in_accounts, sign_in_try, tenant_ids FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION sign_in_accounts, sign_in_try TO "{app}"')
    op.execute(f'GRANT EXECUTE ON FUNCTION tenant_ids TO "{worker}"')
