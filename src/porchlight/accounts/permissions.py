"""Permissions, and which role has which. The one place; the reference page is generated from it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    ACCOUNTS_MANAGE = "accounts:manage"
    ACTIVITIES_WRITE = "activities:write"
    API_KEYS_MANAGE = "api_keys:manage"
    AUDIT_READ = "audit:read"
    HOOKS_MANAGE = "hooks:manage"
    IMPORTS_WRITE = "imports:write"
    LEADS_ASSIGN = "leads:assign"
    LEADS_READ = "leads:read"
    LEADS_WRITE = "leads:write"
    LIVE_READ = "live:read"
    MESSAGES_READ = "messages:read"
    MODELS_MANAGE = "models:manage"
    ROUTING_MANAGE = "routing:manage"


class Role(StrEnum):
    ADMIN = "admin"
    MANAGER = "manager"
    AGENT = "agent"
    ANALYST = "analyst"
    READ_ONLY = "read_only"


class DataScope(StrEnum):
    """Whose leads a user sees: the whole tenant's, their team's, or their own."""

    TENANT = "tenant"
    TEAM = "team"
    OWN = "own"


_READ = frozenset({Permission.LEADS_READ, Permission.LIVE_READ, Permission.MESSAGES_READ})
_WORK = _READ | {Permission.ACTIVITIES_WRITE, Permission.LEADS_WRITE}

ROLES: Final[Mapping[Role, tuple[frozenset[Permission], DataScope]]] = {
    # role: (permissions, the data scope a new user of that role gets)
    Role.ADMIN: (frozenset(Permission), DataScope.TENANT),
    Role.MANAGER: (
        _WORK
        | {Permission.LEADS_ASSIGN, Permission.IMPORTS_WRITE, Permission.ROUTING_MANAGE, Permission.AUDIT_READ}
        | {Permission.MODELS_MANAGE},
        DataScope.TEAM,
    ),
    Role.AGENT: (_WORK, DataScope.OWN),
    Role.ANALYST: (_READ | {Permission.AUDIT_READ}, DataScope.TENANT),
    Role.READ_ONLY: (_READ, DataScope.TENANT),
}
