"""How does an operator see what protects this process, and overrule a breaker? As argosy.resilience.v1 says.

The mesh lets only the operator in (AuthorizationPolicy); this is asked again here, of the identity that the
sidecar vouches for, so that a policy written too wide opens nobody's circuit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from argosy.resilience.v1 import resilience_admin_pb2 as pb
from argosy.resilience.v1.resilience_admin_pb2_grpc import ResilienceAdminServiceServicer
from google.protobuf.duration_pb2 import Duration
from grpc.aio import ServicerContext

from mesh.resilience import Peer
from mesh.resilience.breaker import CLOSED, HALF_OPEN, OPEN, Breaker
from services.hosting.caller import caller_of
from services.hosting.errors import Forbidden, NotFound
from services.hosting.hosted import Host

Context = ServicerContext[Any, Any]

CONTRACT = pb.DESCRIPTOR.services_by_name["ResilienceAdminService"]
LOOK_AGAIN_SECONDS = 1.0
"""How often a watched state is sent although no circuit has changed: counts and limits move all the time."""

_STATES = {
    CLOSED: pb.CIRCUIT_STATE_CLOSED,
    HALF_OPEN: pb.CIRCUIT_STATE_HALF_OPEN,
    OPEN: pb.CIRCUIT_STATE_OPEN,
}
_ACTIONS: Mapping[int, tuple[Callable[[Breaker], None], str]] = {
    pb.BREAKER_ACTION_OPEN: (Breaker.force_open, "circuit forced open"),
    pb.BREAKER_ACTION_CLOSE: (Breaker.force_closed, "circuit forced closed"),
    pb.BREAKER_ACTION_RESET: (Breaker.reset, "circuit reset"),
}


class Limited(Protocol):
    """What bounds the calls that a server answers at once."""

    @property
    def in_flight(self) -> int: ...
    @property
    def limit(self) -> int: ...


class Administrator(ResilienceAdminServiceServicer):
    """The protections of one process."""

    def __init__(self, host: Host, limiter: Limited, logger: logging.Logger) -> None:
        self._host, self._limiter, self._logger = host, limiter, logger

    async def GetState(self, _: pb.GetStateRequest, context: Context) -> pb.GetStateResponse:
        self._operator(context)
        return pb.GetStateResponse(state=self._state())

    async def WatchState(self, _: pb.WatchStateRequest, context: Context) -> AsyncIterator[pb.WatchStateResponse]:
        self._operator(context)
        watch = self._host.circuit_watch
        while not watch.ended:
            change = watch.change
            yield pb.WatchStateResponse(state=self._state())
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                    await change.wait()

    async def SetBreaker(self, request: pb.SetBreakerRequest, context: Context) -> pb.SetBreakerResponse:
        by = self._operator(context)
        peer = self._peer(request.callee)
        act, done = _ACTIONS[request.action]
        for breaker in _breakers(peer, request.group):
            before = breaker.forced, breaker.state, breaker.counts(peer.clock())
            act(breaker)
            if before != (breaker.forced, breaker.state, breaker.counts(peer.clock())):  # said once, asked often
                facts = {"peer": peer.name, "group": breaker.group, "by": by, "reason": request.reason}
                self._logger.warning(done, extra=facts)
        return pb.SetBreakerResponse(state=self._state())

    def _operator(self, context: Context) -> str:
        """The caller's identity. Raises Forbidden unless it is an operator's."""
        identity = caller_of(context.invocation_metadata())
        if identity not in self._host.settings.admins:
            who = identity or "a caller without an identity"
            raise Forbidden("NOT_AN_OPERATOR", f"{who} may not look behind {self._host.settings.service_name}")
        return identity

    def _peer(self, name: str) -> Peer:
        peers = {peer.name: peer for peer in self._host.peers}
        if name not in peers:
            service = self._host.settings.service_name
            calls = f"it calls {_listed(peers)}" if peers else "it calls nobody"
            raise NotFound("NO_SUCH_CALLEE", f"{service} does not call {name}: {calls}", field="callee")
        return peers[name]

    def _state(self) -> pb.State:
        settings = self._host.settings
        return pb.State(
            service=settings.service_name,
            version=settings.service_version,
            pod=settings.pod_name,
            callees=[_callee(peer) for peer in self._host.peers],
            limit=pb.Limit(in_flight=self._limiter.in_flight, limit=self._limiter.limit),
        )


def _breakers(peer: Peer, group: str) -> list[Breaker]:
    """The breaker of `group`, or all of them. Raises NotFound."""
    if group and group not in peer.breakers:
        there = f"there are {_listed(peer.breakers)}" if peer.breakers else "it has none"
        raise NotFound("NO_SUCH_GROUP", f"{peer.name} has no breaker {group}: {there}", field="group")
    return [peer.breakers[group]] if group else list(peer.breakers.values())


def _callee(peer: Peer) -> pb.Callee:
    now = peer.clock()
    return pb.Callee(
        name=peer.name,
        breakers=[_breaker(breaker, now) for breaker in peer.breakers.values()],
        retry_budget=pb.RetryBudget(ratio=peer.budget.ratio, left=peer.budget.left(now)),
        bulkhead=pb.Bulkhead(in_flight=peer.bulkhead.in_flight, limit=peer.bulkhead.limit or 0),
    )


def _breaker(breaker: Breaker, now: float) -> pb.Breaker:
    seen = breaker.counts(now)
    reopens_in = None
    if breaker.state == OPEN and breaker.forced is None:
        reopens_in = Duration()
        reopens_in.FromMilliseconds(round(breaker.reopens_in(now) * 1000))
    return pb.Breaker(
        group=breaker.group,
        state=_STATES[breaker.state],
        forced=breaker.forced is not None,
        calls=seen.calls,
        failures=seen.failures,
        slow=seen.slow,
        reopens_in=reopens_in,
    )


def _listed(names: Mapping[str, object]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} and {last}" if most else last
