"""The connection that everything uses: psycopg's, which sends what it is given to the end."""

from __future__ import annotations

import socket
from typing import Any, TypeVar

from psycopg import AsyncConnection, waiting
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow

T = TypeVar("T")

_SENT_AHEAD = 1 << 21
"""Bytes on their way to the server, so that a batch can be prepared while it still writes the one before."""


async def connect(*arguments: Any, **named: Any) -> Connection:
    """A connection as `psycopg.AsyncConnection.connect` makes it, with room for large statements on their way."""
    made = await Connection.connect(*arguments, **named)
    ours = socket.socket(fileno=made.pgconn.socket)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT_AHEAD)
    ours.detach()
    return made


class Connection(AsyncConnection[TupleRow]):
    """In a pipeline, psycopg 3.3 hands the system what its buffer takes of a large statement and leaves the rest.

    The server then waits for the rest while it could be working; and where the pipeline ends with a commit, the client
    waits for the commit's answer and never sends it. So whatever is left is sent before anything else is done.
    """

    async def wait(self, gen: PQGen[T], *arguments: Any, **named: Any) -> T:
        result = await super().wait(gen, *arguments, **named)
        if self.pgconn.status == ConnStatus.OK and self.pgconn.flush():
            await super().wait(_the_rest(self.pgconn), *arguments, **named)
        return result


def _the_rest(pgconn: PGconn) -> PQGen[None]:
    while pgconn.flush():
        ready = yield waiting.WAIT_RW
        if ready & waiting.READY_R:
            # What the server has to say is taken meanwhile, or it would stop reading.
            pgconn.consume_input()
