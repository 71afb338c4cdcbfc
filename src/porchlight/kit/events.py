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
Condition = Callable[[Any], bool]


class Events:
    """Which handlers follow which event, in the order of their registration."""

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[tuple[Handler, Condition | None]]] = defaultdict(list)

    def on(self, event: type[Event], handler: Handler, *, when: Condition | None = None) -> None:
        """Have `handler` follow every event of that type, or only those for which `when` holds."""
        self._handlers[event].append((handler, when))

    def handlers_of(self, event: Event) -> list[Handler]:
        return [handler for handler, when in self._handlers[type(event)] if when is None or when(event)]
