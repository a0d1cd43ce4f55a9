"""What does a service give its host, and what does the host give it?"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from prometheus_client import CollectorRegistry

from mesh.resilience import Listener, Peer, PeerPolicy, open_peer
from mesh.resilience.server_policy import ServerPolicy
from mesh.resilience.waiting import WaitListener
from services.hosting.circuit_watch import CircuitWatch
from services.hosting.clock import Clock, SystemClock, microseconds
from services.hosting.metrics import process_registry
from services.hosting.settings import HostSettings

if TYPE_CHECKING:
    from services.hosting.database import Database
    from services.hosting.http_server import Http
    from services.hosting.schema import Seed

# The contract of a service, its implementation, and the generated function that adds it to a server.
Servicer = tuple[ServiceDescriptor, Any, Callable[[Any, grpc.aio.Server], None]]

Background = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Hosted:
    """What a service gives its host: what it serves, and what it does besides.

    A background task runs until the drain, when it is cancelled; one that raises is logged, counted
    and started again.
    """

    servicers: Sequence[Servicer]
    background: Sequence[Background] = ()
    policy: ServerPolicy = field(default_factory=ServerPolicy)
    http: Http | None = None


@dataclass(frozen=True)
class Host:
    """What the host gives a service."""

    settings: HostSettings
    clock: Clock = field(default_factory=SystemClock)
    registry: CollectorRegistry = field(default_factory=process_registry)
    client_interceptors: Sequence[grpc.aio.ClientInterceptor] = ()
    peers: list[Peer] = field(default_factory=list)
    """Whom this process calls, while it may."""
    circuit_watch: CircuitWatch = field(default_factory=CircuitWatch)

    def now(self) -> int:
        """Microseconds since 1970, UTC: how services keep times."""
        return microseconds(self.clock.now())

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger(f"argosy.{self.settings.service_name}")

    @cached_property
    def _listeners(self) -> Sequence[Listener]:
        from mesh.resilience import telemetry  # noqa: PLC0415  # a service without peers does not load it

        waits = WaitListener(self.clock.monotonic)
        return (*telemetry.listeners(self.registry, self.logger), self.circuit_watch, waits)

    def database(self, migrations: Path, seed: Seed | None = None) -> AbstractAsyncContextManager[Database]:
        """The service's database as the settings want it, open while the block runs. Entering raises CannotStart."""
        from services.hosting.database import open_database  # noqa: PLC0415  # a process without one does not load it

        settings = self.settings
        return open_database(
            settings.database_url,
            migrations,
            seed=seed,
            migrating=settings.schema == "migrate",
            wait_seconds=settings.database_wait_seconds,
            connections=settings.database_connections,
        )

    @asynccontextmanager
    async def peer(self, name: str, address: str, policy: PeerPolicy) -> AsyncIterator[Peer]:
        """The service `name` at `address` (host:port), reached through the sidecar where there is one.

        With MESH_EGRESS_ADDRESS the sidecar's address is dialled, and `address` is what it routes by.
        """
        egress = self.settings.mesh_egress_address
        port = address.rpartition(":")[2]
        async with open_peer(
            name,
            target=f"{egress}:{port}" if egress else address,
            authority=address if egress else None,
            policy=policy,
            listeners=self._listeners,
            interceptors=self.client_interceptors,
            enabled=self.settings.resilience == "on",
        ) as peer:
            self.peers.append(peer)
            try:
                yield peer
            finally:
                self.peers.remove(peer)
