"""How do we call another service? Through a Peer; `open_peer` is the one way to open a channel to one.

Everything calls of this process to one callee share is here: the channel, the retry budget, the bulkhead, the breakers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar, cast

import grpc

from mesh.resilience import propagation
from mesh.resilience.breaker import Breaker, NoBreaker
from mesh.resilience.bulkhead import Bulkhead
from mesh.resilience.call import Method
from mesh.resilience.deadline import Clock
from mesh.resilience.errors import PolicyInvalid
from mesh.resilience.events import Listener, Listeners, PeerOpened
from mesh.resilience.guard import Guard, Sleep
from mesh.resilience.policy import PeerPolicy
from mesh.resilience.retry_budget import RetryBudget
from mesh.resilience.stub import GuardedChannel

Stub = TypeVar("Stub")

_CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # No service config: no retryPolicy (it would multiply ours) and no timeout (it fires early, grpc#40633),
    # neither from us nor from DNS. Transparent retries of what was never sent stay on (grpc.enable_retries).
    ("grpc.service_config_disable_resolution", 1),
    # A channel that backs off longer than the breaker stays shut after the breaker has opened its door.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 3000),
)


class Peer:
    """Another service, as seen from this process. Belongs to the event loop that made it.

    What its methods share is open to sight and hand of operators: `breakers` by group (none when not
    enabled), `budget`, `bulkhead`. Times are those of `clock`.
    """

    def __init__(
        self,
        name: str,
        channel: grpc.aio.Channel,
        policy: PeerPolicy,
        *,
        listeners: Iterable[Listener] = (),
        enabled: bool = True,
        withheld: frozenset[str] = frozenset(),
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self._channel, self._policy, self._enabled, self._withheld = channel, policy, enabled, withheld
        self._listeners = Listeners(listeners)
        self.clock, self._sleep = clock, sleep
        self.budget = RetryBudget(policy.budget)
        self.bulkhead = Bulkhead(name, policy.bulkhead if enabled else None)
        self._listeners.publish(PeerOpened(name, lambda: self.budget.left(clock()), self.bulkhead))
        self.breakers: Mapping[str, Breaker] = {
            group: Breaker(name, group, policy.breaker(group), listeners=self._listeners)
            for group in sorted(policy.groups() if enabled else ())
        }

    def stub(self, stub_class: Callable[[grpc.aio.Channel], Stub]) -> Stub:
        """A generated stub whose every method obeys the policy. Raises PolicyInvalid.

        A policy for a method that its service does not have is a misspelling, and found here.
        """
        asked: set[str] = set()

        def find(name: str, replayable: bool) -> Method:  # noqa: FBT001 - one caller, one file
            asked.add(name)
            return self._method(name, replayable=replayable)

        stub = stub_class(cast("grpc.aio.Channel", GuardedChannel(self._channel, find, withheld=self._withheld)))
        services = {name.rpartition("/")[0] for name in asked}
        ours = {name for name in self._policy.methods if name.rpartition("/")[0] in services}
        if unknown := sorted(ours - asked):
            raise PolicyInvalid(f"{self.name} has no method {name}" for name in unknown)
        return stub

    def _method(self, name: str, *, replayable: bool) -> Method:
        policy = self._policy.method(name)
        if not replayable:
            policy = policy.once()
        if not self._enabled:
            policy = policy.unprotected()
        return Method(
            Guard(
                peer=self.name,
                method=name,
                policy=policy,
                breaker=self.breakers[policy.group] if self._enabled else NoBreaker(),
                bulkhead=self.bulkhead,
                budget=self.budget,
                listeners=self._listeners,
                clock=self.clock,
                sleep=self._sleep,
            )
        )


@asynccontextmanager
async def open_peer(
    name: str,
    *,
    target: str,
    policy: PeerPolicy,
    authority: str | None = None,
    listeners: Iterable[Listener] = (),
    interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
    credentials: grpc.ChannelCredentials | None = None,
    enabled: bool = True,
) -> AsyncIterator[Peer]:
    """Open the channel to a service, and close it.

    `name` is the callee's name in metrics and logs. `authority` is its name on the wire when `target` is a
    proxy's address. `interceptors` trace: they are innermost, see every attempt of a call whose span is
    sampled (sampled.py), and send its trace context themselves. `enabled=False` leaves only the deadline:
    the negative control.
    """
    options = [*_CHANNEL_OPTIONS, *([("grpc.default_authority", authority)] if authority else [])]

    def opened(interceptors: Sequence[grpc.aio.ClientInterceptor]) -> grpc.aio.Channel:
        if credentials is None:
            return grpc.aio.insecure_channel(target, options, interceptors=interceptors)
        return grpc.aio.secure_channel(target, credentials, options, interceptors=interceptors)

    async with AsyncExitStack() as stack:
        channel, withheld = await stack.enter_async_context(opened(())), frozenset[str]()
        if interceptors:
            from mesh.resilience.sampled import SampledChannel  # noqa: PLC0415  # and OpenTelemetry's propagators

            traced = await stack.enter_async_context(opened(interceptors))
            channel, withheld = cast("grpc.aio.Channel", SampledChannel(channel, traced)), propagation.TRACE
        yield Peer(name, channel, policy, listeners=listeners, enabled=enabled, withheld=withheld)
