"""Where the database of this installation is, and who connects as whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.engine import make_url

from porchlight.kit.embedded import start_embedded
from porchlight.kit.settings import Settings
from porchlight.kit.tenancy import app_role, role_url, worker_role


@dataclass(frozen=True, slots=True)
class Urls:
    """The database as its three roles see it. `makes_roles` says whether Porchlight makes the roles itself."""

    owner: str
    app: str
    worker: str
    database: str
    makes_roles: bool


@lru_cache(maxsize=4)
def urls(settings: Settings) -> Urls:
    """The database's URLs; the embedded server is started when the settings name no other."""
    if settings.database_url is not None:
        owner = settings.database_url.get_secret_value()
    else:
        owner = start_embedded(settings.home_path)
    database = make_url(owner).database or "porchlight"
    given = (settings.app_database_url, settings.worker_database_url)
    app, worker = (
        role_url(owner, role, settings.key) if url is None else url.get_secret_value()
        for role, url in zip((app_role(database), worker_role(database)), given, strict=True)
    )
    return Urls(owner, app, worker, database, makes_roles=None in given)
