"""What happened? Facts that the core reports and listeners log, count and trace.

The core itself neither logs nor counts. A listener is any callable; one that raises is reported and
changes nothing: no state, no outcome, and the other listeners still hear the event.

Facts, though not frozen ones: freezing triples what building them costs, twice in every call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from grpc import StatusCode

from mesh.resilience.bulkhead import Bulkhead
from mesh.resilience.policy import FallbackKind

Forced: TypeAlias = Literal["open", "closed"]


@dataclass(slots=True)
class AttemptEnded:
    """One try on the wire is over. CANCELLED with `local`: our side gave up, the peer did nothing wrong."""

    peer: str
    method: str
    code: StatusCode
    local: bool
    seconds: float


@dataclass(slots=True)
class CallEnded:
    """A logical call is over, after `attempts` tries (0: it never reached the wire)."""

    peer: str
    method: str
    code: StatusCode
    attempts: int
    seconds: float
    allowed: float  # seconds it was given when it began


@dataclass(slots=True)
class BulkheadRejected:
    """A try was kept off the wire: `in_flight` others are on it already."""

    peer: str
    method: str
    in_flight: int


@dataclass(slots=True)
class FallbackUsed:
    """A call failed with `code` and was answered all the same: by the last good answer or the default one."""

    peer: str
    method: str
    kind: FallbackKind
    code: StatusCode


@dataclass(slots=True)
class PeerOpened:
    """A peer exists; what can be asked of these two at any time is not told by events."""

    peer: str
    retries_left: Callable[[], int]
    bulkhead: Bulkhead


@dataclass(slots=True)
class CallRejected:
    """The breaker kept a try off the wire."""

    peer: str
    method: str
    group: str
    retry_in: float


@dataclass(slots=True)
class RetryScheduled:
    """Try number `attempt` failed with `code`; the next begins in `wait` seconds."""

    peer: str
    method: str
    attempt: int
    code: StatusCode
    wait: float


@dataclass(slots=True)
class RetryRefused:
    """A retry was worth it but not made. `reason`: attempts, deadline, circuit or budget."""

    peer: str
    method: str
    reason: str


@dataclass(slots=True)
class CircuitCreated:
    """A breaker exists, closed: gauges start from here."""

    peer: str
    group: str


@dataclass(slots=True)
class CircuitOpened:
    """Calls are rejected for `open_for` seconds: of `calls` in the window, so many failed or were slow.

    Of 1 when it was a trial.
    """

    peer: str
    group: str
    failures: int
    calls: int
    open_for: float
    slow: int = 0


@dataclass(slots=True)
class CircuitHalfOpened:
    """A few trials are let through."""

    peer: str
    group: str


@dataclass(slots=True)
class CircuitClosed:
    """Calls flow again."""

    peer: str
    group: str


@dataclass(slots=True)
class CircuitForced:
    """An operator holds the circuit `open` or `closed`, or has given it back: `automatic`, closed, with no memory."""

    peer: str
    group: str
    to: Forced | Literal["automatic"]


Event: TypeAlias = (
    AttemptEnded
    | CallEnded
    | CallRejected
    | BulkheadRejected
    | FallbackUsed
    | PeerOpened
    | RetryScheduled
    | RetryRefused
    | CircuitCreated
    | CircuitOpened
    | CircuitHalfOpened
    | CircuitClosed
    | CircuitForced
)
Listener: TypeAlias = Callable[[Event], None]


class Listeners:
    """All who want to know. Publishing never raises."""

    __slots__ = ("_listeners",)

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners = tuple(listeners)

    def publish(self, event: Event) -> None:
        """Tell every listener, whatever the others do."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a broken metric must not fail a call or hold a circuit closed
                logging.getLogger(__name__).exception("listener failed", extra={"event": type(event).__name__})
