"""Tokens in unsubscribe links: opaque, signed, good for ever, and naming nobody.

RFC 8058 asks for an address that needs neither cookies nor a sign-in, and that nobody can make up for another person.
The token never expires, because CAN-SPAM wants the way out to work for 30 days at least and no harm comes of longer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

from porchlight.delivery.kinds import CONTACT_KINDS, ContactKind
from porchlight.kit.crypto import b64, keyed_hash, same, unb64

ADDRESS_HASH_BYTES = 16
_MAC_BYTES = 16
_BODY = struct.Struct(f">B16s16s{ADDRESS_HASH_BYTES}s")


@dataclass(frozen=True, slots=True)
class OptOutClaim:
    """Whose contact point is to be left alone, by the keyed hash under which it would be suppressed."""

    tenant_id: UUID
    lead_id: UUID
    kind: ContactKind
    address_hash: bytes


def make_token(key: bytes, claim: OptOutClaim) -> str:
    """The claim, signed with `key`; 87 characters that are safe in a URL."""
    body = _BODY.pack(CONTACT_KINDS.index(claim.kind), claim.tenant_id.bytes, claim.lead_id.bytes, claim.address_hash)
    return b64(body + keyed_hash(key, body)[:_MAC_BYTES])


def read_token(key: bytes, token: str) -> OptOutClaim | None:
    """The claim in a token that `make_token` signed with the same key; None for anything else."""
    try:
        raw = unb64(token)
    except ValueError:
        return None
    if len(raw) != _BODY.size + _MAC_BYTES:
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if not same(keyed_hash(key, body)[:_MAC_BYTES], mac):
        return None
    kind, tenant_id, lead_id, address_hash = _BODY.unpack(body)
    return OptOutClaim(UUID(bytes=tenant_id), UUID(bytes=lead_id), CONTACT_KINDS[kind], address_hash)
