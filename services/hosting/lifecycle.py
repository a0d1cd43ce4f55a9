"""How does a service live? Start, serve, drain.

    build           the service's own parts, its database first; a signal ends it here and now
    listen          health is SERVING from here on
    ... SIGTERM or SIGINT ...
    NOT_SERVING     probes and endpoint lists learn of it during DRAIN_DELAY_SECONDS, while calls are
                    still taken: without this wait calls are lost (measured: 111 of 700, with it none)
    stop            no new calls; running ones get DRAIN_SECONDS
    background      tasks are cancelled
    unbuild         the service's parts end, its database last

A second signal skips the waiting.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from argosy.resilience.v1.resilience_admin_pb2_grpc import add_ResilienceAdminServiceServicer_to_server
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from mesh.resilience.admission import Admission
from services.hosting import administration, logs, metrics, tracing
from services.hosting.background import running
from services.hosting.clock import SystemClock
from services.hosting.commands import Command, asked
from services.hosting.errors import CannotStart
from services.hosting.hosted import Host, Hosted
from services.hosting.interception import Interceptor
from services.hosting.observation import Observer
from services.hosting.server import create_server, listening
from services.hosting.settings import HostSettings, settings_or_exit
from services.hosting.validation import RequestRules

if TYPE_CHECKING:
    from services.hosting.http_server import HttpServer

Settings = TypeVar("Settings", bound=HostSettings)
Build = Callable[[Settings, Host], AbstractAsyncContextManager[Hosted]]

SERVING = health_pb2.HealthCheckResponse.SERVING

logger = logging.getLogger("argosy.host")


@dataclass
class Drain:
    """Asked once, a service drains; asked again, it hurries."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    hurried: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        (self.hurried if self.asked.is_set() else self.asked).set()

    async def wait(self, seconds: float) -> None:
        """Wait that long, or until hurried."""
        try:
            async with asyncio.timeout(seconds):
                await self.hurried.wait()
        except TimeoutError:
            pass


def run(kind: type[Settings], build: Build[Settings], *commands: Command) -> None:
    """Run a service until it is told to stop, or one of its commands; the whole of a service's `__main__`.

    Exit code 2 when a setting or the usage is wrong, 1 when the service cannot start, or its command cannot be
    done, or it is told to stop before it has.
    """
    wanted = asked(kind.service_name, sys.argv[1:], commands)
    settings = settings_or_exit(wanted[0].settings if wanted else kind, os.environ)
    logs.configure(settings)
    try:
        asyncio.run(_stoppable(wanted[0].run(settings, wanted[1]) if wanted else _live(settings, build)))
    except CannotStart as error:
        logger.critical("cannot %s: %s", wanted[0].name if wanted else "start", error)
        sys.exit(1)
    except asyncio.CancelledError:
        logger.warning("stopped before it %s", f"could {wanted[0].name}" if wanted else "served")
        sys.exit(1)


async def _stoppable(work: Coroutine[Any, Any, None]) -> None:
    """Do the work; a signal cancels it, until it hears them itself. As process 1, Python would ignore SIGTERM."""
    task = asyncio.ensure_future(work)
    _hear_signals(task.cancel)
    await task


def _hear_signals(told: Callable[[], object]) -> None:
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, told)


async def _live(settings: HostSettings, build: Build[Any]) -> None:
    with tracing.opened(settings) as trace:
        clock = SystemClock(settings.clock_off_by_seconds)
        host = Host(settings, clock, client_interceptors=trace.client_interceptors)
        with metrics.served(settings.metrics_address, host.registry):
            async with build(settings, host) as hosted:
                drain = Drain()
                _hear_signals(drain.ask)
                async with serving(host, hosted, trace, drain) as address:
                    # What start-up made lives as long as the process: the collector need not visit it.
                    gc.collect()
                    gc.freeze()
                    logger.info("serving", extra={"address": address})
                    await drain.asked.wait()


@asynccontextmanager
async def serving(
    host: Host, hosted: Hosted, trace: tracing.Tracing = tracing.OFF, drain: Drain | None = None
) -> AsyncIterator[str]:
    """Serve while the block runs, then drain. Yields the address. Raises CannotStart."""
    settings = host.settings
    admission = _admission(host, hosted)
    observer = _observer(host, metrics.ServerMetrics(host.registry, admission), trace)
    interceptor = _interceptor(host, hosted, admission, observer)
    server = create_server((*trace.server_interceptors, interceptor), settings.max_concurrent_rpcs)
    checks = await _add_services(server, host, hosted, admission)
    with listening(server, settings.listen_address) as address:
        await server.start()
        async with (
            _http(host, hosted, observer, admission, trace) as http,
            running(hosted.background, metrics.background_failures(host.registry)),
        ):
            try:
                yield address
            finally:
                await _drain(server, http, checks, drain or Drain(), host)


def _admission(host: Host, hosted: Hosted) -> Admission:
    settings = host.settings
    return Admission(
        hosted.policy,
        most=settings.max_concurrent_rpcs,
        adaptive=settings.adaptive_limit == "on",
        clock=host.clock.monotonic,
    )


def _observer(host: Host, numbers: metrics.ServerMetrics, trace: tracing.Tracing) -> Observer:
    settings = host.settings
    return Observer(
        numbers,
        pod=settings.pod_name,
        version=settings.service_version,
        monotonic=host.clock.monotonic,
        trace_id=trace.trace_id,
    )


def _interceptor(host: Host, hosted: Hosted, admission: Admission, observer: Observer) -> Interceptor:
    return Interceptor(
        RequestRules([*(contract for contract, _, _ in hosted.servicers), administration.CONTRACT]),
        observer,
        admission,
        hosted.policy,
        default_deadline=host.settings.default_deadline_seconds,
    )


@asynccontextmanager
async def _http(
    host: Host, hosted: Hosted, observer: Observer, admission: Admission, trace: tracing.Tracing
) -> AsyncIterator[HttpServer | None]:
    """What is served over HTTP, if anything is."""
    if hosted.http is None:
        yield None
        return
    from services.hosting import http_requests, http_server  # noqa: PLC0415  # and uvicorn, which few services need

    settings = host.settings
    app = trace.http(
        http_requests.Requests(hosted.http, observer, admission, seconds=settings.default_deadline_seconds)
    )
    async with http_server.http_served(hosted.http, app, settings.drain_seconds) as server:
        yield server


async def _add_services(
    server: grpc.aio.Server, host: Host, hosted: Hosted, admission: Admission
) -> health.aio.HealthServicer:
    """Add the hosted services, each with its health, the operators' service, and reflection of all of them."""
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    names = [contract.full_name for contract, _, _ in hosted.servicers]
    for _, servicer, add in hosted.servicers:
        add(servicer, server)
    for name in names:
        await checks.set(name, SERVING)
    add_ResilienceAdminServiceServicer_to_server(administration.Administrator(host, admission, host.logger), server)
    names += [administration.CONTRACT.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server)
    return checks


async def _drain(
    server: grpc.aio.Server, http: HttpServer | None, checks: health.aio.HealthServicer, drain: Drain, host: Host
) -> None:
    settings = host.settings
    await checks.enter_graceful_shutdown()
    if http:
        http.leave()
    if drain.asked.is_set():
        logger.info("draining")
        await drain.wait(settings.drain_delay_seconds)
    host.circuit_watch.end()  # or an operator's watch would be waited for like a customer
    if http:
        http.stop()
    stopping = asyncio.ensure_future(server.stop(settings.drain_seconds))
    hurried = asyncio.ensure_future(drain.hurried.wait())
    await asyncio.wait({stopping, hurried}, return_when=asyncio.FIRST_COMPLETED)
    hurried.cancel()
    if not stopping.done():
        await server.stop(None)
    if http and drain.hurried.is_set():
        http.hurry()
    await stopping
    logger.info("stopped")
