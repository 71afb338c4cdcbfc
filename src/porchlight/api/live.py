"""Live frames over WebSockets: one hub per process, fed by the bus, for any number of clients.

A client that falls behind is cut off rather than waited for: it comes back with the last number it saw and the feed
table fills the gap.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
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

#: How long a socket lives. Whoever may look no more gets no new token, so this is how long they can still watch.
LONGEST_SECONDS = 900.0

#: How long to wait when the feed could not be read.
FILL_AGAIN_SECONDS = 1.0

#: What is left of a connection is dropped when its client does not even take the closing in so long.
CLOSE_SECONDS = 2.0

#: Close codes (RFC 6455, private use): the token is bad; the client was too slow; it is time for a new token.
TOKEN_INVALID, TOO_SLOW, RENEW = 4401, 4408, 4410

router = APIRouter(prefix="/api/v1", tags=["live"])


@dataclass(eq=False, slots=True)
class Client:
    """One socket. `sent` is the last number given to it, so that nothing goes out twice."""

    claim: LiveClaim
    frames: asyncio.Queue[NumberedFrame] = field(default_factory=lambda: asyncio.Queue(MOST_BEHIND))
    sent: int = 0
    behind: asyncio.Event = field(default_factory=asyncio.Event)

    def sees(self, frame: NumberedFrame) -> bool:
        owners = self.claim.owners
        return owners is None or frame.audience is None or not owners.isdisjoint(frame.audience)

    def offer(self, frame: NumberedFrame) -> None:
        """Queue a frame. Once one did not fit, none may follow: the client comes back for all of them."""
        if frame.seq <= self.sent or self.behind.is_set():
            return
        try:
            self.frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.behind.set()


class Hub:
    """Hands every notice to the tenant's clients, in order and without gaps.

    `_heard` is the last number handed out for a tenant that has clients. A notice that does not follow it, or that came
    without its frames, is filled from the feed table, as is whatever was said while nobody listened.
    """

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

    def knows(self, tenant_id: UUID, head: int) -> None:
        """A client of the tenant was told that the feed stands at `head`: what comes after is to be handed out."""
        if tenant_id in self._clients:
            self._heard.setdefault(tenant_id, head)

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
        heard = self._heard.setdefault(notice.tenant_id, notice.first - 1)
        if notice.frames is not None and notice.first == heard + 1 and self._notices.empty():
            self._hand_out(notice.tenant_id, notice.frames)
        else:
            self._notices.put_nowait(notice)

    def _hand_out(self, tenant_id: UUID, frames: Sequence[NumberedFrame]) -> None:
        self._heard[tenant_id] = max(self._heard[tenant_id], frames[-1].seq)
        for client in self._clients[tenant_id]:
            for frame in frames:
                client.offer(frame)

    async def _fill(self) -> None:
        """Take up what did not come in the notice itself: large batches, and what was missed while not listening."""
        while True:
            notice = await self._notices.get()
            for tenant_id in list(self._clients) if notice is None else [notice.tenant_id]:
                if notice is not None and notice.last <= self._heard.get(tenant_id, 0):
                    continue
                try:
                    await self._fill_up(tenant_id)
                except Exception:
                    log.exception("live.fill_failed", tenant_id=str(tenant_id))
                    # Not now is not never: nothing else may ever happen to this tenant that would bring it up.
                    await asyncio.sleep(FILL_AGAIN_SECONDS)
                    self._notices.put_nowait(notice)

    async def _fill_up(self, tenant_id: UUID) -> None:
        heard = self._heard.get(tenant_id)
        while heard is not None:
            async with self._database.unit_of_work(tenant_id) as uow:
                frames = await read_frames(uow.connection, tenant_id, after=heard)
            if not frames or tenant_id not in self._heard:
                return
            self._hand_out(tenant_id, frames)
            heard = frames[-1].seq


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
    """Frames as they happen. With `after`, first everything since that number; a `reset` says that it is too old.

    The socket is closed with 4401 when the token is bad, 4408 when the client is too slow, and 4410 when it is time to
    fetch a new token; a client that then comes back with the last number it saw has missed nothing.
    """
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
    gone = asyncio.create_task(_until_gone(socket))
    behind = asyncio.create_task(client.behind.wait())
    sender = asyncio.create_task(_send(runtime.database, hub, socket, client, after))
    tasks = (gone, behind, sender)
    try:
        await asyncio.wait(tasks, timeout=LONGEST_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hub.leave(client)
        over = not gone.done() and not sender.done()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | RuntimeError):
                log.error("live.failed", exc_info=result)
    if over:
        code, reason = (TOO_SLOW, "too slow") if client.behind.is_set() else (RENEW, "time for a new token")
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            await asyncio.wait_for(socket.close(code, f"{reason}: reconnect with the last seq"), CLOSE_SECONDS)


async def _until_gone(socket: WebSocket) -> None:
    """Clients have nothing to say; reading is how their leaving is noticed."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _send(database: Database, hub: Hub, socket: WebSocket, client: Client, after: int | None) -> None:
    await _greet(database, hub, socket, client, after)
    while True:
        await _give(socket, client, await client.frames.get())


async def _give(socket: WebSocket, client: Client, frame: NumberedFrame) -> None:
    if frame.seq > client.sent and client.sees(frame):
        await socket.send_text(frame.text)
        LIVE_FRAMES.inc()
    client.sent = max(client.sent, frame.seq)


async def _greet(database: Database, hub: Hub, socket: WebSocket, client: Client, after: int | None) -> None:
    """Say where the feed stands, then catch up; what is announced meanwhile waits in the client's queue."""
    tenant_id = client.claim.tenant_id
    async with database.unit_of_work(tenant_id) as uow:
        oldest, head = await feed_bounds(uow.connection, tenant_id)
    hub.knows(tenant_id, head)
    lost = after is not None and (after < oldest - 1 or after > head)
    client.sent = head if after is None or lost else after
    hello = {"seq": client.sent, "kind": "reset" if lost else "hello", "head": head}
    await socket.send_text(orjson.dumps(hello).decode())
    while client.sent < head:
        # No connection is held while a client takes its time.
        async with database.unit_of_work(tenant_id) as uow:
            frames = await read_frames(uow.connection, tenant_id, after=client.sent, up_to=head)
        if not frames:
            return
        for frame in frames:
            await _give(socket, client, frame)
