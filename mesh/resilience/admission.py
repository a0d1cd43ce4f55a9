"""May this call be answered now? If not, it is refused before it costs anything, and told when to come back.

    places   as many calls as the server may ever answer at once: the hard bound, for every kind of call
    limit    as many calls as it can answer without queueing (limiter.py); those of low priority are refused
             first, so that nobody's order waits behind somebody's browsing
    time     the caller will have gone before even a quick answer of this method is there (quick.py)

Streams take a place and nothing else: how long they last is their caller's choice, not a queue. Entering
a `Place` is being admitted, leaving it settles: also when the call is cancelled.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from random import random
from types import TracebackType

from mesh.resilience import waiting
from mesh.resilience.errors import NotAdmitted
from mesh.resilience.limiter import AdaptiveLimit, Usual
from mesh.resilience.quick import Quick
from mesh.resilience.server_policy import Priority, ServerPolicy

Clock = Callable[[], float]

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds that a refused caller is asked to wait, before jitter
_RECENT = 1 / 64  # the weight of the newest call in the share of refused ones


class Reason(StrEnum):
    """Why a call was not admitted."""

    PLACES = "places"
    LIMIT = "limit"
    TIME = "time"


class Admission:
    """Who may enter one server. Not `adaptive`: up to `most` calls, whoever makes them."""

    def __init__(
        self,
        policy: ServerPolicy,
        *,
        most: int,
        adaptive: bool,
        clock: Clock,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.most = most
        self.adaptive = AdaptiveLimit(policy.limit, most=most) if adaptive else None
        self.places = 0  # taken
        self.queueing = 0  # calls among them that the limit counts
        self.shed: Counter[tuple[str, Reason, Priority]] = Counter()
        self.clock = clock
        self._policy = policy
        self._jitter = jitter
        self._refused = 0.0  # the share of recent calls

    @property
    def limit(self) -> int:
        """How many calls may be answered at once."""
        return self.adaptive.limit if self.adaptive else self.most

    @property
    def in_flight(self) -> int:
        """How many are, of those that count."""
        return self.queueing if self.adaptive else self.places

    def door(self, method: str, *, streams: bool) -> Door:
        """The way in for the calls of `method`."""
        return Door(self, method, self._policy.method(method).priority, None if streams else self.adaptive)

    def admitted(self) -> None:
        """A call enters."""
        self.places += 1
        self._refused -= self._refused * _RECENT

    def refuse(self, door: Door, reason: Reason) -> NotAdmitted:
        """What to tell a caller that cannot enter."""
        self.shed[door.method, reason, door.priority] += 1
        if reason is Reason.TIME:
            return NotAdmitted(door.method, reason, retry_in=None)
        self._refused += (1 - self._refused) * _RECENT
        # In one usual latency the server answers `limit` calls, of limit / (1 - refused) that ask.
        pause = max(_SHORTEST_PAUSE, door.usual.seconds) / max(_RECENT, 1 - self._refused)
        return NotAdmitted(door.method, reason, retry_in=min(pause, _LONGEST_PAUSE) * (0.5 + self._jitter()))


class Door:
    """The way in for the calls of one method."""

    __slots__ = ("admission", "limit", "method", "priority", "quick", "usual")

    def __init__(self, admission: Admission, method: str, priority: Priority, limit: AdaptiveLimit | None) -> None:
        self.admission = admission
        self.method = method
        self.priority = priority
        self.limit = limit
        self.usual = Usual()
        self.quick = Quick()

    def place(self, left: float | None) -> Place:
        """To be entered by a call whose caller waits `left` seconds more, None for as long as it takes."""
        return Place(self, left)


class Place:
    """One call's place at the server."""

    __slots__ = ("_began", "_calm", "_door", "_left", "_trial", "_waited")

    def __init__(self, door: Door, left: float | None) -> None:
        self._door, self._left = door, left

    def __enter__(self) -> None:
        """Take it. Raises NotAdmitted."""
        door = self._door
        admission = door.admission
        if admission.places >= admission.most:
            raise admission.refuse(door, Reason.PLACES)
        if (limit := door.limit) is not None:
            if not limit.admits(door.priority, admission.queueing):
                raise admission.refuse(door, Reason.LIMIT)
            self._trial = self._left is not None and self._left < door.quick.seconds
            if self._trial and not door.quick.trial():
                raise admission.refuse(door, Reason.TIME)
            self._calm = limit.calm(door.priority, admission.queueing)
            admission.queueing += 1
            self._began = admission.clock()
            self._waited = waiting.begin()
        admission.admitted()

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        door = self._door
        admission = door.admission
        admission.places -= 1
        if (limit := door.limit) is None:
            return
        admission.queueing -= 1
        now = admission.clock()
        seconds = now - self._began
        own = seconds - self._waited.seconds
        if kind is None:
            door.quick.answered(seconds, trial=self._trial)
            limit.learn(door.usual, own, calm=self._calm, now=now)
        elif issubclass(kind, CancelledError | TimeoutError):
            # It would have taken longer than this, which says something once it is long.
            door.quick.cut_short(seconds)
            if own > door.usual.seconds:
                limit.learn(door.usual, own, calm=self._calm, now=now)
        # Refusals and failures are quicker than answers: they say nothing.
