"""Live frames over WebSockets: one hub per process, fed by the bus, for any number of clients.

A client that falls behind is cut off rather than waited for: it comes back with the last number it saw and the feed
table fills the gap.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

from porchlight.accounts.caller import Caller
from porchlight.accounts.http import RuntimeDep, allowed
from porchlight.accounts.live_token import LiveClaim, issue, read
from porchlight.accounts.permissions import Permission
from porchlight.kit.bus import Bus
from porchlight.kit.database import Database
from porchlight.kit.errors import PorchlightError
from porchlight.kit.feed import Notice, NumberedFrame, feed_bounds, read_frames
from porchlight.kit.telemetry import LIVE_CLIENTS, LIVE_FRAMES

log = structlog.get_logger(__name__)

#: Frames a client may lag behind before it is cut off; it then resumes from the feed.
MOST_BEHIND = 2_000

#: Close codes (RFC 6455, private use): the token is bad; the client was too slow.
TOKEN_INVALID, TOO_SLOW = 4401, 4408

router = APIRouter(prefix="/api/v1", tags=["live"])


@dataclass(eq=False, slots=True)
class Client:
    """One socket. `sent` is the last number given to it, so that nothing goes out twice."""

    claim: LiveClaim
    frames: asyncio.Queue[NumberedFrame | None] = field(default_factory=lambda: asyncio.Queue(MOST_BEHIND))
    sent: int = 0

    def sees(self, frame: NumberedFrame) -> bool:
        owners = self.claim.owners
        return owners is None or frame.audience is None or not owners.isdisjoint(frame.audience)

    def offer(self, frame: NumberedFrame) -> None:
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            # Whoever lags this far is told to come back; the oldest frame makes room for the word.
            self.frames.get_nowait()
            self.frames.put_nowait(None)


class Hub:
    """Hands every notice to the tenant's clients, in order and without gaps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clients: dict[UUID, set[Client]] = defaultdict(set)
        self._heard: dict[UUID, int] = {}
        self._notices: asyncio.Queue[Notice | None] = asyncio.Queue()
        self._bus = Bus(database, on_notice=self._on_notice, on_gap=lambda: self._notices.put_nowait(None))
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._bus.start()
        self._task = asyncio.create_task(self._fill(), name="live hub")

    async def stop(self) -> None:
        await self._bus.stop()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def listening(self) -> bool:
        return self._bus.listening.is_set()

    def join(self, client: Client) -> None:
        self._clients[client.claim.tenant_id].add(client)
        LIVE_CLIENTS.inc()

    def leave(self, client: Client) -> None:
        clients = self._clients[client.claim.tenant_id]
        clients.discard(client)
        if not clients:
            del self._clients[client.claim.tenant_id]
            self._heard.pop(client.claim.tenant_id, None)
        LIVE_CLIENTS.dec()

    def _on_notice(self, notice: Notice) -> None:
        if notice.tenant_id not in self._clients:
            return
        heard = self._heard.get(notice.tenant_id)
        whole = notice.frames is not None and (heard is None or notice.first == heard + 1)
        if whole and self._notices.empty():
            self._hand_out(notice.tenant_id, notice.frames or ())
        else:
            self._notices.put_nowait(notice)

    def _hand_out(self, tenant_id: UUID, frames: tuple[NumberedFrame, ...] | list[NumberedFrame]) -> None:
        if frames:
            self._heard[tenant_id] = frames[-1].seq
        for client in self._clients.get(tenant_id, ()):
            for frame in frames:
                client.offer(frame)

    async def _fill(self) -> None:
        """Take up what did not come in the notice itself: large batches, and what was missed while not listening."""
        while True:
            notice = await self._notices.get()
            tenants = list(self._clients) if notice is None else [notice.tenant_id]
            for tenant_id in tenants:
                heard = self._heard.get(tenant_id)
                if heard is None and notice is not None:
                    heard = notice.first - 1
                if heard is None or (notice is not None and notice.last <= heard):
                    continue
                try:
                    async with self._database.unit_of_work(tenant_id) as uow:
                        while frames := await read_frames(uow.connection, tenant_id, after=heard):
                            self._hand_out(tenant_id, frames)
                            heard = frames[-1].seq
                except Exception:
                    log.exception("live.fill_failed", tenant_id=str(tenant_id))


class LiveToken(BaseModel):
    """Good for one connection within its short life."""

    token: str
    expires_in: int


@router.post("/live/token", summary="A token for the live socket")
async def live_token(caller: Annotated[Caller, allowed(Permission.LIVE_READ)], runtime: RuntimeDep) -> LiveToken:
    return LiveToken(token=issue(runtime, caller), expires_in=runtime.settings.live_token_seconds)


@router.websocket("/live")
async def live(
    socket: WebSocket, token: Annotated[str, Query()] = "", after: Annotated[int | None, Query(ge=0)] = None
) -> None:
    """Frames as they happen. With `after`, first everything since that number; a `reset` says that it is too old."""
    runtime, hub = socket.app.state.runtime, socket.app.state.hub
    await socket.accept()
    try:
        claim = read(runtime, token)
    except PorchlightError as error:
        await socket.send_text(orjson.dumps({"kind": "error", **error.problem()}).decode())
        await socket.close(TOKEN_INVALID, error.code)
        return
    client = Client(claim)
    hub.join(client)
    watcher = asyncio.create_task(_until_gone(socket))
    sender = asyncio.create_task(_send(runtime.database, socket, client, after))
    try:
        await asyncio.wait({watcher, sender}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.leave(client)
        for task in (watcher, sender):
            task.cancel()
        for result in await asyncio.gather(watcher, sender, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | RuntimeError):
                log.error("live.failed", exc_info=result)


async def _until_gone(socket: WebSocket) -> None:
    """Clients have nothing to say; reading is how their leaving is noticed."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _send(database: Database, socket: WebSocket, client: Client, after: int | None) -> None:
    await _greet(database, socket, client, after)
    while True:
        frame = await client.frames.get()
        if frame is None:
            await socket.close(TOO_SLOW, "too slow: reconnect with the last seq")
            return
        if frame.seq > client.sent and client.sees(frame):
            await socket.send_text(frame.text)
            LIVE_FRAMES.inc()
        client.sent = max(client.sent, frame.seq)


async def _greet(database: Database, socket: WebSocket, client: Client, after: int | None) -> None:
    """Say where the feed stands, then catch up; what is announced meanwhile waits in the client's queue."""
    tenant_id = client.claim.tenant_id
    async with database.unit_of_work(tenant_id) as uow:
        oldest, head = await feed_bounds(uow.connection, tenant_id)
        lost = after is not None and (after < oldest - 1 or after > head)
        start = head if after is None or lost else after
        await socket.send_text(
            orjson.dumps({"seq": start, "kind": "reset" if lost else "hello", "head": head}).decode()
        )
        client.sent = start
        while frames := await read_frames(uow.connection, tenant_id, after=client.sent, up_to=head):
            for frame in frames:
                if client.sees(frame):
                    await socket.send_text(frame.text)
                    LIVE_FRAMES.inc()
            client.sent = frames[-1].seq
