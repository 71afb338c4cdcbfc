"""Hooks over HTTP: the doors themselves, and making, listing and closing them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import RuntimeDep, allowed
from porchlight.accounts.permissions import Permission
from porchlight.integrations import deliveries
from porchlight.integrations.google_lead_form.payload import refusal
from porchlight.integrations.payloads import refuse_large
from porchlight.jobs.defer import defer
from porchlight.kit.database import Actor
from porchlight.kit.errors import PorchlightError
from porchlight.kit.runtime import Runtime
from porchlight.leads import hooks
from porchlight.leads.locality import reading_of
from porchlight.leads.tables import Hook

doors = APIRouter(prefix="/hooks", tags=["hooks"])
router = APIRouter(prefix="/api/v1/hooks", tags=["hooks"])

Manager = Annotated[Caller, allowed(Permission.HOOKS_MANAGE)]

_ANY_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {}, "example": {"name": "Maria Lopez", "email": "maria.lopez@example.com"}},
            "application/xml": {"schema": {"type": "string"}},
        },
    }
}


class Accepted(BaseModel):
    """The call is stored and will be taken in; `duplicate` says that this very body was here before."""

    id: UUID
    duplicate: bool


@doors.post(
    "/{source}/{token}",
    summary="Deliver leads from an outside system",
    response_model=Accepted,
    openapi_extra=_ANY_BODY,
)
async def deliver(source: str, token: str, request: Request, runtime: RuntimeDep) -> Response:
    """`source` is `generic`, `meta`, `google_lead_form` or `adf`. What comes in is stored as it is before anything is
    made of it, and counts once however often it is sent. Google's calls are answered as Google expects."""
    try:
        accepted = await _accept(runtime, source, token, request)
    except PorchlightError as error:
        if source != "google_lead_form":
            raise
        return JSONResponse(refusal(error), status_code=error.status)
    return JSONResponse({} if source == "google_lead_form" else accepted.model_dump(mode="json"))


async def _accept(runtime: Runtime, source: str, token: str, request: Request) -> Accepted:
    address = hooks.parse_address(token)
    body = await request.body()
    refuse_large(body)
    first = (hooks.FIND_HOOK, (address.tenant_id, address.hook_id))
    async with runtime.database.opened(address.tenant_id, first=first) as (uow, row):
        hook = hooks.opened_hook(row, address, source)
        uow.actor = actor = Actor("hook", hook.id, hook.name)
        deliveries.verify_sender(hook, runtime.settings, body, request.headers)
        delivery_id, new = await hooks.store_delivery(uow, hook, body)
        reading = await reading_of(uow)
        if new:
            await defer(uow, deliveries.process, delivery_id=delivery_id)
    try:
        deliveries.read(hook, body, reading)
    except PorchlightError as error:
        async with runtime.database.unit_of_work(address.tenant_id, actor) as uow:
            await hooks.settle_delivery(uow, delivery_id, "failed", error=error.detail)
        raise
    return Accepted(id=delivery_id, duplicate=not new)


@doors.get("/{source}/{token}", summary="Answer Meta's check of a hook's address", response_class=PlainTextResponse)
async def answer_challenge(source: str, token: str, request: Request, runtime: RuntimeDep) -> Response:
    address = hooks.parse_address(token)
    first = (hooks.FIND_HOOK, (address.tenant_id, address.hook_id))
    async with runtime.database.opened(address.tenant_id, first=first) as (_, row):
        hook = hooks.opened_hook(row, address, source)
    if hook.source != "meta":
        raise PorchlightError("method_not_allowed", "Send leads to this address with POST.", headers={"Allow": "POST"})
    return PlainTextResponse(deliveries.answer_challenge(runtime.settings, request.query_params))


Line = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f]*$")]


class HookIn(BaseModel):
    """A new hook. `name` becomes its leads' source. `key` is for Google lead forms; it is made up where none is given.

    `field_map` gives fields their path in generic JSON (`{"email": "contact.mail"}`), or a form's own questions their
    field (`{"how_soon_are_you_moving?": "timeframe"}`).
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"source": "generic", "name": "Website", "field_map": {"email": "contact.mail"}}},
    )

    source: hooks.HookSource
    name: Annotated[Line, Field(min_length=1, max_length=120)]
    field_map: Annotated[dict[Line, Line], Field(max_length=200)] = {}
    key: Annotated[Line, Field(min_length=8, max_length=50)] | None = None


class HookOut(BaseModel):
    id: UUID
    source: hooks.HookSource
    name: str
    field_map: dict[str, str]
    created_at: datetime
    revoked_at: datetime | None


class NewHookOut(BaseModel):
    """Where the outside system is to send its calls. `address` and `key` are shown this once."""

    id: UUID
    address: str
    key: str | None


@router.get("", summary="List hooks")
async def list_hooks(caller: Manager) -> list[HookOut]:
    return [_out(hook) for hook in await hooks.list_hooks(caller.uow)]


@router.post("", status_code=201, summary="Make a hook; its address is shown this once")
async def create_hook(caller: Manager, given: HookIn, runtime: RuntimeDep) -> NewHookOut:
    field_map = deliveries.check_field_map(given.source, given.field_map)
    made = hooks.create_hook(caller.uow, given.source, given.name, field_map=field_map, key=given.key)
    return NewHookOut(id=made.id, address=runtime.settings.public_url.rstrip("/") + made.path, key=made.key)


@router.delete("/{hook_id}", status_code=204, summary="Close a hook, at once and for good")
async def revoke_hook(caller: Manager, hook_id: UUID) -> None:
    await hooks.revoke_hook(caller.uow, hook_id)


def _out(hook: Hook) -> HookOut:
    return HookOut.model_validate(hook, from_attributes=True)
