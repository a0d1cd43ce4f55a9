"""Which numbers does a service keep about its RPCs, and where are they read?

    argosy_server_started_total      method                   calls that arrived
    argosy_server_handled_total      method code              calls that ended, by gRPC status
    argosy_server_handling_seconds   method                   how long they took, without the network
    argosy_server_in_flight          method                   calls that are being answered
    argosy_server_shed_total         method reason priority   calls that were not admitted
    argosy_server_limit                                       calls that may be answered at once
    argosy_server_limited                                     calls being answered that count against it
    argosy_background_failures_total task                     background tasks that raised and were started again

Calls are counted in plain numbers, which Prometheus reads when it scrapes: its own counters take a lock for
each increment (docs/decisions/0008-tenacity-after-the-first-failure.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from mesh.resilience.admission import Admission
from mesh.resilience.durations import Durations
from services.hosting.errors import CannotStart


class MethodMetrics:
    """The numbers of one method."""

    __slots__ = ("handled", "in_flight", "seconds", "started")

    def __init__(self) -> None:
        self.started = 0
        self.in_flight = 0
        self.seconds = Durations()
        self.handled: dict[str, int] = {}  # by the status' name

    def begin(self) -> None:
        """A call arrives."""
        self.started += 1
        self.in_flight += 1

    def end(self, code: str, seconds: float) -> None:
        """A call ends with this status, after so long."""
        self.in_flight -= 1
        self.seconds.add(seconds)
        self.handled[code] = self.handled.get(code, 0) + 1


class ServerMetrics(Collector):
    """The numbers of one server process, in `registry`."""

    def __init__(self, registry: CollectorRegistry, admission: Admission) -> None:
        self._methods: dict[str, MethodMetrics] = {}
        self._admission = admission
        registry.register(self)

    def method(self, name: str) -> MethodMetrics:
        """Where the calls of a method are counted."""
        return self._methods.setdefault(name, MethodMetrics())

    def collect(self) -> Iterator[Metric]:
        """What a scrape reads; called from the scraping thread, while calls go on: hence the copies."""
        started = CounterMetricFamily("argosy_server_started", "Calls that arrived", labels=["method"])
        handled = CounterMetricFamily("argosy_server_handled", "Calls that ended", labels=["method", "code"])
        in_flight = GaugeMetricFamily("argosy_server_in_flight", "Calls being answered", labels=["method"])
        seconds = HistogramMetricFamily(
            "argosy_server_handling_seconds", "Seconds from arrival to answer", labels=["method"]
        )
        for name, seen in self._methods.copy().items():
            started.add_metric([name], seen.started)
            in_flight.add_metric([name], seen.in_flight)
            seconds.add_metric([name], seen.seconds.buckets(), seen.seconds.total)
            for code, count in seen.handled.copy().items():
                handled.add_metric([name, code], count)
        yield from (started, handled, in_flight, seconds)
        yield from self._admitted()

    def _admitted(self) -> Iterator[Metric]:
        admission = self._admission
        yield GaugeMetricFamily("argosy_server_limit", "Calls that may be answered at once", admission.limit)
        yield GaugeMetricFamily("argosy_server_limited", "Calls that count against the limit", admission.in_flight)
        shed = CounterMetricFamily("argosy_server_shed", "Calls not admitted", labels=["method", "reason", "priority"])
        for (method, reason, priority), count in admission.shed.copy().items():
            shed.add_metric([method, reason, priority.name.lower()], count)
        yield shed


def background_failures(registry: CollectorRegistry) -> Counter:
    """What counts the background tasks that raised."""
    about = "Background tasks that raised and were started again"
    return Counter("argosy_background_failures", about, ["task"], registry=registry)


def process_registry() -> CollectorRegistry:
    """A registry that already tells of memory, CPU, file descriptors and garbage collection."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@contextmanager
def served(address: str, registry: CollectorRegistry) -> Iterator[int]:
    """Answer GET /metrics at `address` (host:port) while the block runs; yields the port.

    Raises CannotStart when the address is taken or not ours.
    """
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise CannotStart(f"METRICS_ADDRESS={address!r} cannot be bound: {error.strerror or error}") from None
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
