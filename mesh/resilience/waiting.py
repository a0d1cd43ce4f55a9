"""How long did this work wait for other services? That part of a call's time is not a queue of its own server.

A server begins to count when a request arrives; every call made on its behalf adds the time it took, also
from tasks the request started: they share the one count. Calls side by side count once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from mesh.resilience.events import CallEnded, Event

Clock = Callable[[], float]


class Waited:
    """Seconds spent waiting so far."""

    __slots__ = ("_until", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._until = 0.0

    def add(self, began: float, ended: float) -> None:
        """A wait is over. What an earlier one has covered is not counted again."""
        began = max(began, self._until)
        if ended > began:
            self.seconds += ended - began
            self._until = ended


_waited: ContextVar[Waited | None] = ContextVar("waited", default=None)


def begin() -> Waited:
    """Count for the task at hand, and the tasks it starts, until they end: a request has a task of its own."""
    waited = Waited()
    _waited.set(waited)
    return waited


class WaitListener:
    """Hears calls end, and adds each to what its request has waited."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, event: Event) -> None:
        if type(event) is CallEnded and (waited := _waited.get()) is not None:
            now = self._clock()
            waited.add(now - event.seconds, now)
