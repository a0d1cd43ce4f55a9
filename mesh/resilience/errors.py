"""What can go wrong here, beyond what the peer answers?

    grpc.aio.AioRpcError
    +-- NotAttempted            the call failed before it reached the wire; nothing was sent
        +-- CircuitOpen         UNAVAILABLE: the breaker rejected it
        +-- BulkheadFull        RESOURCE_EXHAUSTED: as many attempts as allowed are on the wire
        +-- DeadlineSpent       DEADLINE_EXCEEDED: no time was left
    Exception
    +-- NotAdmitted             a server refuses a call before it begins the work (admission.py)
    ValueError
    +-- PolicyInvalid           a policy contradicts itself; raised where it is written, all problems at once

What fails a call is an AioRpcError, so that whoever handles a peer's failures handles it with the same lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from mesh.resilience.pushback import PUSHBACK

_UNAVAILABLE, _RESOURCE_EXHAUSTED = StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED
_NOTHING = Metadata()
# Should the error travel on as it is: nobody above retries either (gRFC A6).
_DO_NOT_RETRY = Metadata((PUSHBACK, "-1"))


class NotAttempted(AioRpcError):
    """The call failed before it reached the wire. `peer` says to whom it was meant to go."""

    peer: str

    def __str__(self) -> str:
        return self.details() or ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class CircuitOpen(NotAttempted):
    """The breaker rejected the call.

    It admits a trial in `retry_in` seconds: 0.0 when one is under way, infinite when an operator holds it open.
    """

    def __init__(self, peer: str, group: str, retry_in: float) -> None:
        super().__init__(_UNAVAILABLE, _NOTHING, _DO_NOT_RETRY)
        self.peer, self.group, self.retry_in = peer, group, retry_in

    def details(self) -> str:
        # Put into words when somebody reads it: an open circuit rejects thousands of calls a second.
        if self.retry_in == math.inf:
            return f"circuit to {self.peer}/{self.group} is held open by an operator"
        return f"circuit to {self.peer}/{self.group} is open; next trial in {self.retry_in:.1f}s"

    def __reduce__(self) -> tuple[type[CircuitOpen], tuple[str, str, float]]:
        return CircuitOpen, (self.peer, self.group, self.retry_in)


class BulkheadFull(NotAttempted):
    """`in_flight` attempts are on the wire to the peer, as many as may be."""

    def __init__(self, peer: str, in_flight: int) -> None:
        super().__init__(_RESOURCE_EXHAUSTED, _NOTHING, _DO_NOT_RETRY)
        self.peer, self.in_flight = peer, in_flight

    def details(self) -> str:
        return f"{self.in_flight} attempts are under way to {self.peer}, no more are allowed"

    def __reduce__(self) -> tuple[type[BulkheadFull], tuple[str, int]]:
        return BulkheadFull, (self.peer, self.in_flight)


class DeadlineSpent(NotAttempted):
    """No time was left to begin the call of `method`."""

    def __init__(self, peer: str, method: str) -> None:
        super().__init__(StatusCode.DEADLINE_EXCEEDED, _NOTHING, _DO_NOT_RETRY)
        self.peer, self.method = peer, method

    def details(self) -> str:
        return f"no time left to call {self.peer} {self.method}"

    def __reduce__(self) -> tuple[type[DeadlineSpent], tuple[str, str]]:
        return DeadlineSpent, (self.peer, self.method)


class NotAdmitted(Exception):
    """A server cannot take the call of `method`, for this `reason` (admission.Reason).

    It may come again in `retry_in` seconds; None: never with so little time.
    """

    def __init__(self, method: str, reason: str, *, retry_in: float | None) -> None:
        super().__init__(f"{method} is not admitted: {reason}")
        self.method, self.reason, self.retry_in = method, reason, retry_in


class PolicyInvalid(ValueError):
    """A policy that cannot be obeyed; `problems` names each contradiction."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))
