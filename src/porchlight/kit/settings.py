"""Settings, all from `PORCHLIGHT_*` environment variables. The reference page is made from this class."""

from __future__ import annotations

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PORCHLIGHT_", frozen=True, extra="ignore", hide_input_in_errors=True)

    home: Path = Field(
        default=Path("~/.porchlight"), description="Folder for the embedded database, secrets and rejects files."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, as the role that owns the tables. Empty: an embedded server in the home.",
    )
    app_database_url: SecretStr | None = Field(
        default=None,
        description="The same database as the application's role. Empty: derived, the role is made by the migration.",
    )
    worker_database_url: SecretStr | None = Field(
        default=None, description="The same database as the worker's role. Empty: derived, made by the migration."
    )
    secret_key: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Key for tokens and suppression hashes, 32 bytes or more. Empty: made once and kept in the home.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="Where people reach this server; used in links and e-mails."
    )
    database_pool_size: int = Field(default=10, ge=1, le=200, description="Connections that each process keeps.")
    max_body_bytes: int = Field(default=8_000_000, ge=1_000, description="Largest body of an API request.")
    max_upload_bytes: int = Field(default=256_000_000, ge=1_000, description="Largest file of an import upload.")
    smtp_url: SecretStr | None = Field(
        default=None,
        description="smtp://user:password@host:port, smtps:// for TLS from the start. Empty: mail goes to the console.",
    )
    mail_from: str = Field(default="hello@porchlight.example", description="Sender address of outgoing mail.")
    default_region: str = Field(default="US", min_length=2, max_length=2, description="Region of national numbers.")
    session_hours: int = Field(default=12, ge=1, le=720, description="How long a sign-in lasts without use.")
    live_token_seconds: int = Field(default=60, ge=5, le=3600, description="Life of a token for the live socket.")
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token that /metrics asks for. Empty: answered to loopback only."
    )
    log_format: Literal["console", "json"] = Field(default="console", description="How log lines look.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    meta_app_secret: SecretStr | None = Field(default=None, description="App secret that signs Meta's webhooks.")
    meta_page_token: SecretStr | None = Field(default=None, description="Page token to fetch Meta leads with.")
    meta_verify_token: SecretStr | None = Field(default=None, description="Token for Meta's subscription handshake.")
    meta_graph_url: str = Field(default="https://graph.facebook.com/v24.0", description="Base of Meta's Graph API.")

    @cached_property
    def home_path(self) -> Path:
        """The home folder, made on first use and readable by its owner only."""
        path = self.home.expanduser().resolve()
        if not path.exists():
            path.mkdir(parents=True, mode=0o700)
        return path

    @cached_property
    def key(self) -> bytes:
        """The installation's secret key."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        return kept_secret(self.home_path / "secret.key")


def kept_secret(path: Path) -> bytes:
    """The secret in `path`; when there is none yet, a new one, written so that a concurrent starter reads the same."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip().encode()
