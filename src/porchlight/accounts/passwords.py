"""Passwords: argon2id with the library's current parameters, checked off the event loop."""

from __future__ import annotations

import asyncio
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from porchlight.kit.errors import PorchlightError

SHORTEST, LONGEST = 10, 256

_hasher = PasswordHasher()


#: Checked when there is no such user, so that the time to answer does not tell which addresses exist.
@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def new_password() -> str:
    """A password to hand over, of 80 random bits in letters and digits that nobody mistakes for one another."""
    letters = [secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


async def hash_password(password: str) -> str:
    """The password as it is stored. Raises `request_invalid` when it is too short or absurdly long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise PorchlightError(
            "request_invalid", f"Choose a password of {SHORTEST} to {LONGEST} characters.", field="password"
        )
    return await asyncio.to_thread(_hasher.hash, password)


async def password_matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one stored; takes as long when nothing is stored."""
    return await asyncio.to_thread(_verify, stored, password[:LONGEST])


def _verify(stored: str | None, password: str) -> bool:
    try:
        _hasher.verify(stored or _nobody(), password)
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None
