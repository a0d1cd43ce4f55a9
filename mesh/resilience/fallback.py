"""What is answered instead of a peer that cannot answer? The outermost layer: a call that failed all the others.

Only where the peer could not answer. A business code is an answer, and a caller who left wants none. What is
answered instead is marked, or nobody would know: an event, and a note for whoever answers the caller (degraded.py).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from copy import deepcopy
from operator import attrgetter
from typing import Any, Protocol

from google.protobuf import json_format
from grpc.aio import AioRpcError

from mesh.resilience import degraded
from mesh.resilience.errors import PolicyInvalid
from mesh.resilience.events import FallbackUsed
from mesh.resilience.guard import Guard
from mesh.resilience.policy import FallbackPolicy
from mesh.resilience.verdicts import HEALTHY, VERDICTS

Unary = Callable[..., Awaitable[Any]]
Serializer = Callable[[Any], bytes]
Deserializer = Callable[[bytes], Any]


def covered(
    call: Unary,
    guard: Guard,
    request_serializer: Serializer | None = None,
    response_deserializer: Deserializer | None = None,
    **_: object,
) -> Unary:
    """`call` with its policy's fallback; `call` itself when it has none. The rest is what a stub gives its channel.

    Raises PolicyInvalid for a default that is not the JSON of the method's response.
    """
    policy = guard.policy.fallback
    if policy is None:
        return call
    stand_in, key_of = _stand_in(guard.method, policy, request_serializer, response_deserializer)

    async def answer(request: Any, **options: Any) -> Any:
        key = key_of(request)
        try:
            response = await call(request, **options)
        except AioRpcError as failure:
            unable = VERDICTS[failure.code()].health is not HEALTHY
            instead = stand_in.recall(key, guard.clock()) if unable else None
            if instead is None:
                raise
            guard.listeners.publish(FallbackUsed(guard.peer, guard.method, policy.kind, failure.code()))
            degraded.note(guard.peer)
            return instead
        stand_in.remember(key, response, guard.clock())
        return response

    return answer


class _StandIn(Protocol):
    def remember(self, request: Any, response: Any, now: float) -> None: ...
    def recall(self, request: Any, now: float) -> Any | None: ...


def _stand_in(
    method: str, policy: FallbackPolicy, serializer: Serializer | None, deserializer: Deserializer | None
) -> tuple[_StandIn, Callable[[Any], Any]]:
    """Who answers instead, and by what it knows a request."""
    if policy.parts:
        return LastGoodParts(policy), attrgetter(policy.parts.partition("=")[0])
    known_by: Callable[[Any], Any] = serializer or bytes
    return LastGood(policy) if policy.kind == "last_good" else _Default(method, policy, deserializer), known_by


class LastGood:
    """The last answer to each of the latest requests. Copies go in and out: answers are their callers' to change."""

    def __init__(self, policy: FallbackPolicy) -> None:
        self._policy = policy
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()  # oldest first

    def remember(self, request: Hashable, response: Any, now: float) -> None:
        """Keep an answer, and let go of the oldest."""
        self._kept[request] = (now, deepcopy(response))
        self._kept.move_to_end(request)
        if len(self._kept) > self._policy.entries:
            self._kept.popitem(last=False)

    def recall(self, request: Hashable, now: float) -> Any | None:
        """The answer kept for a request, if it is not too old."""
        kept = self._kept.get(request)
        return deepcopy(kept[1]) if kept and now - kept[0] <= self._policy.max_age else None


class LastGoodParts:
    """The last answer about each of the latest things asked for, in whatever batch (`FallbackPolicy.parts`)."""

    def __init__(self, policy: FallbackPolicy) -> None:
        self._parts = LastGood(policy)
        self._field, _, self._key = policy.parts.partition("=")[2].partition(".")
        self._response: type[Any] | None = None

    def remember(self, _: Iterable[Hashable], response: Any, now: float) -> None:
        """Keep every part of an answer."""
        self._response = type(response)
        for part in getattr(response, self._field):
            self._parts.remember(getattr(part, self._key), part, now)

    def recall(self, asked: Iterable[Hashable], now: float) -> Any | None:
        """An answer of the parts kept, if there is one for each thing asked for and none is too old."""
        parts = [self._parts.recall(each, now) for each in asked]
        if self._response is None or any(part is None for part in parts):
            return None
        response = self._response()
        getattr(response, self._field).extend(parts)
        return response


class _Default:
    """The same answer always."""

    def __init__(self, method: str, policy: FallbackPolicy, deserialize: Deserializer | None) -> None:
        if deserialize is None:
            raise PolicyInvalid([f"{method}: raw bytes have no default"])
        try:
            self._response = json_format.Parse(policy.default, deserialize(b""))
        except json_format.ParseError as problem:
            raise PolicyInvalid([f"{method}: fallback default={policy.default!r}: {problem}"]) from problem

    def remember(self, request: bytes, response: Any, now: float) -> None:
        """Nothing: the answer was declared."""

    def recall(self, request: bytes, now: float) -> Any:  # noqa: ARG002 - as LastGood
        return deepcopy(self._response)
