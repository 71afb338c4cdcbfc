"""Identifiers: UUID version 7, so that keys grow with time and indexes stay compact."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from struct import iter_unpack
from uuid import UUID

_lock = threading.Lock()
_last_ms = 0
_counter = 0
_DRAWN_BYTES = 4096
"""Randomness is drawn for 512 identifiers at a time: a system call for each also hands the interpreter to others."""


def _drawing() -> Iterator[int]:
    while True:
        for (number,) in iter_unpack("Q", os.urandom(_DRAWN_BYTES)):
            yield number


_random = _drawing()


def _draw_anew() -> None:
    global _random
    _random = _drawing()


# A child process must not draw the same randomness as its parent.
os.register_at_fork(after_in_child=_draw_anew)


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
        ms, counter, random_bits = _last_ms, _counter, next(_random) >> 2
    return UUID(int=(ms << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | random_bits)
