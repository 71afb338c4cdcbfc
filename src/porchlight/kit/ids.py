"""Identifiers: UUID version 7, so that keys grow with time and indexes stay compact."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last_ms = 0
_counter = 0


def uuid7() -> UUID:
    """A time-ordered identifier (RFC 9562, section 5.7), strictly increasing within this process.

    The 12 bits after the version hold a counter (method 1 of section 6.2); when more than 4,096 are asked for in one
    millisecond, the timestamp runs ahead rather than the order breaking.
    """
    global _last_ms, _counter
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            _last_ms, _counter = now_ms, 0
        else:
            _counter += 1
            if _counter > 0xFFF:
                _last_ms, _counter = _last_ms + 1, 0
        ms, counter = _last_ms, _counter
    random_bits = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=(ms << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | random_bits)
