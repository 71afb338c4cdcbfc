"""The settings: what all their pages share, and the pages Brokerage, API keys and Doors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy import select

from porchlight.accounts import manage
from porchlight.accounts.caller import Caller
from porchlight.accounts.http import RuntimeDep, allowed
from porchlight.accounts.permissions import Permission
from porchlight.accounts.tables import ApiKey, Tenant, User
from porchlight.delivery.quiet_hours import parse_rule, rule_book
from porchlight.integrations.deliveries import check_field_map
from porchlight.kit.crypto import b64
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.leads.hooks import HOOK_SOURCES, HookSource, create_hook, list_hooks, revoke_hook
from porchlight.leads.tables import Hook
from porchlight.web.forms import Line, Name, Prose, fields_of
from porchlight.web.hours import EMAIL_DAYS, email_hours, email_rows, typed_rows, zone_named, zones
from porchlight.web.shell import go, page, shell, site_address
from porchlight.web.vocabulary import PERMISSIONS

router = APIRouter(include_in_schema=False, prefix="/settings")

AccountsManager = Annotated[Caller, allowed(Permission.ACCOUNTS_MANAGE)]
KeysManager = Annotated[Caller, allowed(Permission.API_KEYS_MANAGE)]
DoorsManager = Annotated[Caller, allowed(Permission.HOOKS_MANAGE)]

_TABS = (
    ("team", "Team", Permission.ROUTING_MANAGE),
    ("brokerage", "Brokerage", Permission.ACCOUNTS_MANAGE),
    ("hooks", "Doors", Permission.HOOKS_MANAGE),
    ("keys", "API keys", Permission.API_KEYS_MANAGE),
)


async def settings_page(
    request: Request, caller: Caller, template: str, context: Mapping[str, Any], *, status: int = 200
) -> Response:
    """A page of the settings, with the tabs that its reader may open."""
    tabs = [{"key": key, "label": label} for key, label, permission in _TABS if caller.may(permission)]
    frame = await shell(request, caller, "settings", live=False)
    return page(request, template, {"shell": frame, "tabs": tabs, **context}, status=status)


def by_field(error: PorchlightError) -> dict[str, str]:
    """An error as the `errors` of a form's page."""
    return {error.field or "": error.detail}


@router.get("")
async def start() -> Response:
    return go("/settings/team")


# Brokerage


@router.get("/brokerage")
async def show_brokerage(request: Request, caller: AccountsManager) -> Response:
    tenant = await caller.uow.session.get_one(Tenant, caller.uow.tenant_id)
    rule = _email_rule(tenant)
    values = {"name": tenant.name, "zone": tenant.time_zone, "postal_address": tenant.postal_address}
    values |= {"holidays": rule.close_holidays}
    return await _brokerage_page(request, caller, values, email_rows(rule))


def _email_rule(tenant: Tenant) -> Any:
    try:
        return parse_rule(tenant.settings["email_hours"])
    except (KeyError, TypeError, ValueError):
        return rule_book().house


async def _brokerage_page(
    request: Request,
    caller: Caller,
    values: Mapping[str, Any],
    hours: Sequence[Mapping[str, str]],
    error: PorchlightError | None = None,
) -> Response:
    days = [{"name": name, **row} for (_, name, _), row in zip(EMAIL_DAYS, hours, strict=True)]
    context = {
        "values": values,
        "email_days": days,
        "zones": sorted({*zones(), values["zone"]}),
        "errors": {} if error is None else by_field(error),
    }
    return await settings_page(
        request, caller, "settings/brokerage.html", context, status=error.status if error else 200
    )


@router.post("/brokerage")
async def change_brokerage(request: Request, caller: AccountsManager) -> Response:
    form = await fields_of(request)
    hours = typed_rows(form, len(EMAIL_DAYS))
    values: dict[str, Any] = {
        "name": form.get("name", ""),
        "zone": form.get("zone", ""),
        "postal_address": form.get("postal_address", ""),
        "holidays": "holidays" in form,
    }
    try:
        async with caller.uow.savepoint():
            tenant = await caller.uow.session.get_one(Tenant, caller.uow.tenant_id)
            rule = _email_rule(tenant)
            same = hours == email_rows(rule) and values["holidays"] == rule.close_holidays
            settings = {} if same else {"email_hours": email_hours(hours, holidays=values["holidays"])}
            await manage.update_tenant(
                caller.uow,
                name=values["name"],
                time_zone=zone_named(values["zone"]),
                postal_address=values["postal_address"],
                settings=settings,
            )
    except PorchlightError as error:
        return await _brokerage_page(request, caller, values, hours, error)
    return go("/settings/brokerage", "Saved.")


# API keys


@router.get("/keys")
async def show_keys(request: Request, caller: KeysManager, runtime: RuntimeDep) -> Response:
    return await _keys_page(request, caller, runtime)


async def _keys_page(
    request: Request,
    caller: Caller,
    runtime: Runtime,
    *,
    new_key: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    uow = caller.uow
    found = await uow.session.execute(
        select(ApiKey, User.name)
        .outerjoin(User, (User.tenant_id == ApiKey.tenant_id) & (User.id == ApiKey.created_by))
        .where(ApiKey.tenant_id == uow.tenant_id)
        .order_by(ApiKey.revoked_at.is_not(None), ApiKey.created_at.desc())
    )
    keys = [
        {
            "id": str(key.id),
            "name": key.name,
            # Every key of a tenant begins alike; these are the last letters before the secret.
            "prefix": f"plk_…{b64(uow.tenant_id.bytes + key.id.bytes)[-6:]}",
            "scopes": key.scopes,
            "created_at": key.created_at,
            "created_by": maker,
            "last_used_at": key.last_used_at,
            "revoked_at": key.revoked_at,
        }
        for key, maker in found
    ]
    context = {
        "keys": keys,
        "scopes": [{"value": value, "label": words} for value, words in PERMISSIONS.items()],
        "new_key": new_key,
        "errors": errors or {},
        "api_url": site_address(request, runtime.settings),
    }
    return await settings_page(request, caller, "settings/keys.html", context, status=422 if errors else 200)


@router.post("/keys")
async def make_key(
    request: Request,
    caller: KeysManager,
    runtime: RuntimeDep,
    name: Name = "",
    scope: Annotated[list[Permission] | None, Form()] = None,
) -> Response:
    errors = {} if name.strip() else {"name": "Say what will use the key."}
    errors |= {} if scope else {"scope": "Choose at least one."}
    if errors or not scope:
        return await _keys_page(request, caller, runtime, errors=errors)
    caller.require(*scope)
    made = await manage.create_api_key(caller.uow, name, scope, caller.user_id)
    return await _keys_page(request, caller, runtime, new_key={"name": name.strip(), "secret": made.secret})


@router.post("/keys/{key_id}/revoke")
async def revoke_key(caller: KeysManager, key_id: UUID) -> Response:
    await manage.revoke_api_key(caller.uow, key_id)
    return go("/settings/keys", "The key is revoked.")


# Doors


_NO_DOOR = {"source": "generic", "name": "", "field_map": ""}


@router.get("/hooks")
async def show_doors(request: Request, caller: DoorsManager) -> Response:
    return await _doors_page(request, caller)


async def _doors_page(
    request: Request,
    caller: Caller,
    *,
    values: Mapping[str, str] = _NO_DOOR,
    new_hook: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    hooks = sorted(await list_hooks(caller.uow), key=lambda hook: hook.revoked_at is not None)
    context = {"hooks": [_door(hook) for hook in hooks], "values": values, "new_hook": new_hook, "errors": errors or {}}
    return await settings_page(request, caller, "settings/hooks.html", context, status=422 if errors else 200)


def _door(hook: Hook) -> dict[str, Any]:
    return {
        "id": str(hook.id),
        "source": hook.source,
        "name": hook.name,
        "field_map": sorted(hook.field_map.items()),
        "created_at": hook.created_at,
        "revoked_at": hook.revoked_at,
    }


@router.post("/hooks")
async def make_door(
    request: Request,
    caller: DoorsManager,
    runtime: RuntimeDep,
    name: Name = "",
    source: Line = "",
    field_map: Prose = "",
) -> Response:
    values = {"source": source, "name": name, "field_map": field_map}
    try:
        chosen = next((one for one in HOOK_SOURCES if one == source), None)
        if chosen is None:
            raise PorchlightError("request_invalid", "Choose what will call.", field="source")
        named = " ".join(name.split())
        if not named or not named.isprintable():
            raise PorchlightError("request_invalid", "Give a name; it becomes the leads’ source.", field="name")
        fields = check_field_map(chosen, field_map_of(chosen, field_map))
    except PorchlightError as error:
        field = error.field if error.field in values else "field_map"
        return await _doors_page(request, caller, values=values, errors={field: error.detail})
    made = create_hook(caller.uow, chosen, named, field_map=fields)
    await caller.uow.session.flush()
    address = site_address(request, runtime.settings) + made.path
    new_hook = {
        "name": named,
        "source": chosen,
        "address": address,
        "key": made.key,
        "missing": _missing(runtime, chosen),
    }
    return await _doors_page(request, caller, new_hook=new_hook)


def field_map_of(source: HookSource, text: str) -> dict[str, str]:
    """A field map as it is typed, a line for each: `field = path`, or `question = field` for Meta and Google.

    Raises `import_mapping_invalid` with the number of the line.
    """
    pairs: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        # A path may hold an equals sign, and so may a question; a field holds none.
        left, equals, right = line.partition("=") if source == "generic" else line.rpartition("=")
        if not (equals and left.strip() and right.strip() and line.isprintable()):
            raise PorchlightError(
                "import_mapping_invalid", f"Line {number} has no “=” between two names.", field="field_map"
            )
        pairs[left.strip()] = right.strip()
    return pairs


def _missing(runtime: Runtime, source: HookSource) -> list[str]:
    """The settings of the server that this source's calls need and that are not there yet."""
    if source != "meta":
        return []
    settings = runtime.settings
    needed = {
        "PORCHLIGHT_META_APP_SECRET": settings.meta_app_secret,
        "PORCHLIGHT_META_PAGE_TOKEN": settings.meta_page_token,
        "PORCHLIGHT_META_VERIFY_TOKEN": settings.meta_verify_token,
    }
    return [name for name, value in needed.items() if value is None]


@router.post("/hooks/{hook_id}/revoke")
async def revoke_door(caller: DoorsManager, hook_id: UUID) -> Response:
    await revoke_hook(caller.uow, hook_id)
    return go("/settings/hooks", "The door is closed.")
