"""How long may this work still take? One instant per request, which only ever moves closer.

The server adopts the caller's remaining time when a request arrives; every call made on the
request's behalf is bounded by it (see call.py). The instant lives in a context variable, so it
follows the request through awaits and into the tasks it starts, and no signature has to carry it.

Instants are seconds of the monotonic clock; they mean nothing outside this process. On the wire
gRPC sends the remaining time instead (`grpc-timeout`), so no clocks are compared between hosts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

from mesh.resilience.scoped import Scoped

Clock = Callable[[], float]

# What a server keeps back for itself: time to turn a dependency's DEADLINE_EXCEEDED into an answer
# that still reaches the caller, instead of both giving up at the same instant.
MARGIN_SECONDS = 0.02

_instant: ContextVar[float | None] = ContextVar("deadline", default=None)


def current() -> float | None:
    """The instant at which this work must be over, on the monotonic clock; None if nobody set one."""
    return _instant.get()


def remaining(clock: Clock = time.monotonic) -> float | None:
    """Seconds left, never negative; None if nobody set a deadline."""
    instant = _instant.get()
    return None if instant is None else max(0.0, instant - clock())


def adopt(seconds: float, *, margin: float = MARGIN_SECONDS, clock: Clock = time.monotonic) -> Scoped[float | None]:
    """Bound a block by `seconds` from now, less `margin`; a deadline already closer stays."""
    instant = clock() + seconds - margin
    inherited = _instant.get()
    return Scoped(_instant, instant if inherited is None else min(instant, inherited))


def detached() -> Scoped[float | None]:
    """Free a block from its request's deadline: for work that must be finished even when the caller has left.

    A refund or the release of a reservation is owed after the customer's deadline has passed.
    Each call in the block is still bounded by its own policy.
    """
    return Scoped(_instant, None)
