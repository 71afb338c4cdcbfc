"""Typed events: how a lower layer tells the layers above what happened, without knowing them.

Handlers run inside the unit of work that announced the event, just before it commits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from porchlight.kit.database import UnitOfWork


class Event:
    """Base of all events; subclasses are frozen dataclasses."""

    __slots__ = ()


Handler = Callable[["UnitOfWork", Any], Awaitable[None]]


class Events:
    """Which handlers follow which event, in the order of their registration."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = defaultdict(list)

    def on(self, event: type[Event], handler: Handler) -> None:
        self._handlers[event].append(handler)

    async def dispatch(self, uow: UnitOfWork, event: Event) -> None:
        for handler in self._handlers[type(event)]:
            await handler(uow, event)
