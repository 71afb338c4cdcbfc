"""Hooks: a door of its own for each outside system, whose address is the secret."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal, LiteralString, cast, get_args
from uuid import UUID

from sqlalchemy import select, update

from porchlight.audit.record import record
from porchlight.kit.bulk import insert_rows
from porchlight.kit.crypto import b64, random_token, same, token_hash, unb64
from porchlight.kit.database import UnitOfWork
from porchlight.kit.errors import PorchlightError
from porchlight.kit.ids import uuid7
from porchlight.leads.tables import Hook, Inbound

HookSource = Literal["generic", "meta", "google_lead_form", "adf"]
HOOK_SOURCES: Final[tuple[HookSource, ...]] = get_args(HookSource)

_KEYED: Final = "google_lead_form"
"""The one source whose calls carry a key; Meta signs with its app's secret, and the others have the address alone."""


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook that was just made. `path` and `key` are shown this once; only Google's hooks have a key."""

    id: UUID
    path: str
    key: str | None


@dataclass(frozen=True, slots=True)
class OpenHook:
    """A hook whose token was right. `key_hash` is that of the key its calls must carry."""

    id: UUID
    source: HookSource
    name: str
    field_map: Mapping[str, str]
    key_hash: bytes | None

    def has_key(self, given: str) -> bool:
        return self.key_hash is not None and same(self.key_hash, token_hash(given))


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a hook's token."""

    tenant_id: UUID
    hook_id: UUID
    secret: str


def create_hook(
    uow: UnitOfWork,
    source: HookSource,
    name: str,
    *,
    field_map: Mapping[str, str] | None = None,
    key: str | None = None,
) -> NewHook:
    """Make a hook; `name` becomes its leads' source. A Google hook's key may be chosen, else it is made up."""
    if key is not None and source != _KEYED:
        raise PorchlightError(
            "request_invalid", "Only hooks for Google lead forms have a key; leave it out.", field="key"
        )
    if source == _KEYED:
        key = key or random_token()
    hook_id, secret = uuid7(), random_token()
    uow.session.add(
        Hook(
            tenant_id=uow.tenant_id,
            id=hook_id,
            source=source,
            name=name,
            token_hash=token_hash(secret),
            key_hash=None if key is None else token_hash(key),
            field_map=dict(field_map or {}),
            created_at=uow.now(),
        )
    )
    record(uow, "hook.created", "hook", hook_id, source=source, name=name)
    return NewHook(hook_id, f"/hooks/{source}/{b64(uow.tenant_id.bytes + hook_id.bytes)}.{secret}", key)


async def revoke_hook(uow: UnitOfWork, hook_id: UUID) -> None:
    """Close a hook for good; what it brought stays."""
    hook = await uow.session.get(Hook, (uow.tenant_id, hook_id))
    if hook is None:
        raise PorchlightError("not_found", "There is no such hook.")
    if hook.revoked_at is None:
        hook.revoked_at = uow.now()
        record(uow, "hook.revoked", "hook", hook_id, name=hook.name)


async def list_hooks(uow: UnitOfWork) -> list[Hook]:
    """Every hook, also the revoked ones, in the order in which they were made."""
    found = await uow.session.scalars(select(Hook).where(Hook.tenant_id == uow.tenant_id).order_by(Hook.id))
    return list(found)


FIND_HOOK: LiteralString = """
SELECT id, source, name, field_map, key_hash, token_hash, revoked_at FROM hooks WHERE tenant_id = %s AND id = %s
"""


def parse_address(token: str) -> Address:
    """The parts of a token as it stands in an address. Raises `hook_invalid`."""
    named, _, secret = token.partition(".")
    try:
        ids = unb64(named)
    except ValueError:
        raise _no_such_hook() from None
    if len(ids) != 32 or not secret:
        raise _no_such_hook()
    return Address(UUID(bytes=ids[:16]), UUID(bytes=ids[16:]), secret)


def opened_hook(row: tuple[Any, ...] | None, address: Address, source: str) -> OpenHook:
    """The hook in a row of `FIND_HOOK`, once the token and the source in its address are right.

    Raises `hook_invalid`, the same for all that can be wrong and after the same time.
    """
    stored = bytes(row[5]) if row is not None else secrets.token_bytes(32)
    right = same(stored, token_hash(address.secret))
    if not right or row is None or row[1] != source or row[6] is not None:
        raise _no_such_hook()
    return _open(row)


async def hook_by_id(uow: UnitOfWork, hook_id: UUID) -> OpenHook:
    """A hook, also a revoked one: what it brought before is still to be taken in."""
    cursor = await uow.connection.execute(FIND_HOOK, (uow.tenant_id, hook_id))
    row = await cursor.fetchone()
    if row is None:
        raise _no_such_hook()
    return _open(row)


def _open(row: tuple[Any, ...]) -> OpenHook:
    return OpenHook(row[0], cast(HookSource, row[1]), row[2], row[3], None if row[4] is None else bytes(row[4]))


@dataclass(frozen=True, slots=True)
class Delivery:
    """A call of a hook as it was stored. `status` is `pending`, `done` or `failed`."""

    id: UUID
    hook_id: UUID
    body: bytes
    status: str
    received_at: datetime


async def store_delivery(uow: UnitOfWork, hook: OpenHook, body: bytes) -> tuple[UUID, bool]:
    """Keep a call's body as it came; the id it has, and whether it is new. The same body is the same delivery."""
    row = {
        "tenant_id": uow.tenant_id,
        "id": uuid7(),
        "kind": "delivery",
        "door": "hook",
        "origin": f"{hook.source}:{hook.id}",
        "external_id": sha256(body).hexdigest(),
        "payload": {"hook_id": hook.id, **_kept(body)},
        "received_at": uow.now(),
        "status": "pending",
    }
    cursor = await insert_rows(uow.connection, Inbound, [row], on_conflict="ON CONFLICT DO NOTHING", returning=("id",))
    assert cursor is not None
    if added := await cursor.fetchone():
        return added[0], True
    same_one = select(Inbound.id).where(
        Inbound.tenant_id == uow.tenant_id,
        *(getattr(Inbound, name) == row[name] for name in ("external_id", "kind", "origin")),
    )
    return (await uow.session.execute(same_one)).scalar_one(), False


def _kept(body: bytes) -> dict[str, str]:
    """A body as JSON can hold it: as text where it is text, which can be searched, and else encoded."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": b64(body)}
    return {"base64": b64(body)} if "\0" in text else {"text": text}


async def load_delivery(uow: UnitOfWork, delivery_id: UUID, *, lock: bool = False) -> Delivery:
    """A delivery; with `lock`, nobody else takes it in before this unit of work has ended."""
    statement = select(Inbound).where(
        Inbound.tenant_id == uow.tenant_id, Inbound.id == delivery_id, Inbound.kind == "delivery"
    )
    row = (await uow.session.execute(statement.with_for_update() if lock else statement)).scalar_one()
    payload = row.payload
    body = payload["text"].encode() if "text" in payload else unb64(payload["base64"])
    return Delivery(row.id, UUID(payload["hook_id"]), body, row.status, row.received_at)


async def settle_delivery(
    uow: UnitOfWork, delivery_id: UUID, status: Literal["done", "failed"], *, error: str | None = None
) -> None:
    """Say what became of a delivery. One that is done stays done."""
    await uow.session.execute(
        update(Inbound)
        .where(Inbound.tenant_id == uow.tenant_id, Inbound.id == delivery_id, Inbound.status != "done")
        .values(status=status, error=error)
    )


def _no_such_hook() -> PorchlightError:
    return PorchlightError(
        "hook_invalid", "The address is not that of a hook, or the hook was revoked: copy it anew from the settings."
    )
