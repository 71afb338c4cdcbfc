"""Keyed hashes and random tokens. Every comparison of a secret goes through `same`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

_URL_SAFE = re.compile(r"[A-Za-z0-9_-]*")


def derive_key(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that a token made for one can never be used for another (HKDF-like, HMAC-SHA256)."""
    return hmac.new(key, b"porchlight/" + purpose.encode(), hashlib.sha256).digest()


def keyed_hash(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in time that does not depend on where they differ."""
    return hmac.compare_digest(left, right)


def token_hash(token: str) -> bytes:
    """How a random token of 256 bits is stored; it is not guessable, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def random_token() -> str:
    """256 bits of randomness, safe in a URL."""
    return secrets.token_urlsafe(32)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Reverse of `b64`. Raises ValueError on anything else."""
    if not _URL_SAFE.fullmatch(text):  # the library would take the other alphabet's two letters as well
        raise ValueError("not URL-safe base64 without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
