"""What do operators see of it? Metric names, log messages and span attributes: all of them, here.

Listeners for `open_peer(listeners=...)`. One of each serves all peers of a process.

    argosy_client_attempts_total        peer method code     tries on the wire; `code` LOCAL_CANCEL: we gave up
    argosy_client_calls_total           peer method code     logical calls, as they ended before any fallback
    argosy_client_call_seconds          peer method          how long those took, retries and waits included
    argosy_client_deadline_seconds      peer method          how long they were allowed when they began
    argosy_client_retries_total         peer method code     retries made, by the status that caused them
    argosy_client_retry_refused_total   peer method reason   retries not made: attempts deadline circuit budget
    argosy_client_retries_left          peer                 retries its budget would pay for now
    argosy_client_rejected_total        peer method          tries an open circuit kept off the wire
    argosy_client_bulkhead_rejected_total  peer method       tries a full bulkhead kept off the wire
    argosy_client_bulkhead_limit        peer                 tries that may be on the wire at once; absent: no bound
    argosy_client_in_flight             peer                 tries on the wire
    argosy_client_fallbacks_total       peer method kind     failed calls that were answered all the same
    argosy_breaker_state                peer group           0 closed, 1 half-open, 2 open
    argosy_breaker_transitions_total    peer group state     state: open, half-open, closed, forced
    argosy_breaker_forced               peer group           0 automatic, 1 held closed, 2 held open by an operator

Log messages: "circuit opened", "circuit half-open", "circuit closed", with peer and group. What an
operator forces is logged by whoever takes the order: he knows who gave it, and why.
On the caller's span: attribute rpc.retry.count, events "retry", "retry refused", "circuit open",
"bulkhead full", "fallback".
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from grpc import StatusCode
from opentelemetry import trace
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from mesh.resilience.durations import Durations
from mesh.resilience.events import (
    AttemptEnded,
    BulkheadRejected,
    CallEnded,
    CallRejected,
    CircuitClosed,
    CircuitCreated,
    CircuitForced,
    CircuitHalfOpened,
    CircuitOpened,
    Event,
    FallbackUsed,
    Listener,
    PeerOpened,
    RetryRefused,
    RetryScheduled,
)

_OK = StatusCode.OK
_PEER, _METHOD, _CIRCUIT = ("peer",), ("peer", "method"), ("peer", "group")
Labels = tuple[str, ...]
Counts = dict[Labels, int]
Family = TypeVar("Family", CounterMetricFamily, GaugeMetricFamily)


def listeners(registry: CollectorRegistry, logger: logging.Logger) -> tuple[Listener, ...]:
    """Metrics, logs and spans: made once per process, passed to all its peers.

    Raises ValueError for a registry that has these metrics already.
    """
    metrics, log = Metrics(), Log(logger)
    registry.register(metrics)
    heard_by: Mapping[type[Event], tuple[Callable[[Any], None], ...]] = {
        AttemptEnded: (metrics.attempt_ended,),
        CallEnded: (metrics.call_ended,),
        CallRejected: (metrics.call_rejected, _span_call_rejected),
        RetryScheduled: (metrics.retry_scheduled, _span_retry_scheduled),
        RetryRefused: (metrics.retry_refused, _span_retry_refused),
        BulkheadRejected: (metrics.bulkhead_rejected, _span_bulkhead_rejected),
        FallbackUsed: (metrics.fallback_used, _span_fallback_used),
        PeerOpened: (metrics.peer_opened,),
        CircuitCreated: (metrics.circuit_created,),
        CircuitOpened: (metrics.circuit_opened, log.circuit_opened),
        CircuitHalfOpened: (metrics.circuit_half_opened, log.circuit_half_opened),
        CircuitClosed: (metrics.circuit_closed, log.circuit_closed),
        CircuitForced: (metrics.circuit_forced,),
    }

    def route(event: Event) -> None:
        for hear in heard_by[type(event)]:
            hear(event)

    return (route,)


class Metrics(Collector):
    """Counts what happens; Prometheus reads the counts when it scrapes.

    prometheus_client's own counters take a lock for each increment. Five of them in every call would cost as
    much as breaker, budget and deadline together.
    """

    def __init__(self) -> None:
        self._attempts: Counts = defaultdict(int)
        self._calls: Counts = defaultdict(int)
        self._retries: Counts = defaultdict(int)
        self._refused: Counts = defaultdict(int)
        self._rejected: Counts = defaultdict(int)
        self._full: Counts = defaultdict(int)
        self._fallbacks: Counts = defaultdict(int)
        self._transitions: Counts = defaultdict(int)
        self._state: Counts = {}
        self._forced: Counts = {}
        self._peers: dict[str, PeerOpened] = {}
        self._seconds: defaultdict[Labels, Durations] = defaultdict(Durations)
        self._allowed: defaultdict[Labels, Durations] = defaultdict(Durations)

    def attempt_ended(self, event: AttemptEnded) -> None:
        self._attempts[event.peer, event.method, "LOCAL_CANCEL" if event.local else _name(event.code)] += 1

    def call_ended(self, event: CallEnded) -> None:
        labels = (event.peer, event.method)
        self._calls[*labels, _name(event.code)] += 1
        self._seconds[labels].add(event.seconds)
        self._allowed[labels].add(event.allowed)

    def call_rejected(self, event: CallRejected) -> None:
        self._rejected[event.peer, event.method] += 1

    def bulkhead_rejected(self, event: BulkheadRejected) -> None:
        self._full[event.peer, event.method] += 1

    def fallback_used(self, event: FallbackUsed) -> None:
        self._fallbacks[event.peer, event.method, event.kind] += 1

    def peer_opened(self, event: PeerOpened) -> None:
        self._peers[event.peer] = event

    def retry_scheduled(self, event: RetryScheduled) -> None:
        self._retries[event.peer, event.method, event.code.name] += 1

    def retry_refused(self, event: RetryRefused) -> None:
        self._refused[event.peer, event.method, event.reason] += 1

    def circuit_created(self, event: CircuitCreated) -> None:
        self._state[event.peer, event.group] = 0
        self._forced[event.peer, event.group] = 0

    def circuit_forced(self, event: CircuitForced) -> None:
        circuit = (event.peer, event.group)
        self._state[circuit] = 2 if event.to == "open" else 0
        self._forced[circuit] = {"automatic": 0, "closed": 1, "open": 2}[event.to]
        self._transitions[*circuit, "forced"] += 1

    def circuit_closed(self, event: CircuitClosed) -> None:
        self._state[event.peer, event.group] = 0
        self._transitions[event.peer, event.group, "closed"] += 1

    def circuit_half_opened(self, event: CircuitHalfOpened) -> None:
        self._state[event.peer, event.group] = 1
        self._transitions[event.peer, event.group, "half-open"] += 1

    def circuit_opened(self, event: CircuitOpened) -> None:
        self._state[event.peer, event.group] = 2
        self._transitions[event.peer, event.group, "open"] += 1

    def describe(self) -> Iterator[Metric]:
        """The same: the registry compares the names, and takes each once."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """What a scrape reads; called from the scraping thread."""
        for name, about, label, counts in (
            ("argosy_client_attempts", "Tries on the wire.", "code", self._attempts),
            ("argosy_client_calls", "Logical calls.", "code", self._calls),
            ("argosy_client_retries", "Retries made.", "code", self._retries),
            ("argosy_client_retry_refused", "Retries not made.", "reason", self._refused),
            ("argosy_client_fallbacks", "Failed calls answered all the same.", "kind", self._fallbacks),
        ):
            yield _filled(CounterMetricFamily(name, about, labels=(*_METHOD, label)), counts)
        for name, about, counts in (
            ("argosy_client_rejected", "Tries an open circuit kept off the wire.", self._rejected),
            ("argosy_client_bulkhead_rejected", "Tries a full bulkhead kept off the wire.", self._full),
        ):
            yield _filled(CounterMetricFamily(name, about, labels=_METHOD), counts)
        yield from self._gauges()
        yield from self._histograms()
        transitions = ("argosy_breaker_transitions", "Changes of state.")
        yield _filled(CounterMetricFamily(*transitions, labels=(*_CIRCUIT, "state")), self._transitions)

    def _gauges(self) -> Iterator[Metric]:
        peers = self._peers.copy().items()
        bounds: Counts = {(peer,): seen.bulkhead.limit for peer, seen in peers if seen.bulkhead.limit is not None}
        in_flight: Counts = {(peer,): seen.bulkhead.in_flight for peer, seen in peers}
        retries_left: Counts = {(peer,): seen.retries_left() for peer, seen in peers}
        for name, about, labels, values in (
            ("argosy_breaker_state", "0 closed, 1 half-open, 2 open.", _CIRCUIT, self._state),
            ("argosy_breaker_forced", "0 automatic, 1 held closed, 2 held open.", _CIRCUIT, self._forced),
            ("argosy_client_bulkhead_limit", "Tries that may be on the wire.", _PEER, bounds),
            ("argosy_client_in_flight", "Tries on the wire.", _PEER, in_flight),
            ("argosy_client_retries_left", "Retries the budget would pay for.", _PEER, retries_left),
        ):
            yield _filled(GaugeMetricFamily(name, about, labels=labels), values)

    def _histograms(self) -> Iterator[Metric]:
        for name, about, durations in (
            ("argosy_client_call_seconds", "How long calls took.", self._seconds),
            ("argosy_client_deadline_seconds", "How long calls were allowed.", self._allowed),
        ):
            family = HistogramMetricFamily(name, about, labels=_METHOD)
            for labels, seen in durations.copy().items():
                family.add_metric(labels, seen.buckets(), seen.total)
            yield family


def _name(code: StatusCode) -> str:
    return "OK" if code is _OK else code.name  # the one that is asked for all the time, without Enum's detour


def _filled(family: Family, counts: Counts) -> Family:
    for labels, count in counts.copy().items():  # a copy: calls go on while we are scraped
        family.add_metric(labels, count)
    return family


class Log:
    """Writes what an operator acts on. Never a line per call: in an outage that would be thousands a second."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def circuit_opened(self, event: CircuitOpened) -> None:
        facts = {"failures": event.failures, "slow": event.slow, "calls": event.calls}
        where = {"peer": event.peer, "group": event.group, "open_for": round(event.open_for, 3)}
        self._logger.warning("circuit opened", extra={**where, **facts})

    def circuit_half_opened(self, event: CircuitHalfOpened) -> None:
        self._logger.info("circuit half-open", extra={"peer": event.peer, "group": event.group})

    def circuit_closed(self, event: CircuitClosed) -> None:
        self._logger.info("circuit closed", extra={"peer": event.peer, "group": event.group})


# On the caller's span, what no attempt's span can show. A call that went well touches no span.


def _span_call_rejected(event: CallRejected) -> None:
    _note("circuit open", {"peer": event.peer, "group": event.group, "retry_in": event.retry_in})


def _span_bulkhead_rejected(event: BulkheadRejected) -> None:
    _note("bulkhead full", {"peer": event.peer, "in_flight": event.in_flight})


def _span_fallback_used(event: FallbackUsed) -> None:
    _note("fallback", {"peer": event.peer, "kind": event.kind, "code": event.code.name})


def _span_retry_scheduled(event: RetryScheduled) -> None:
    trace.get_current_span().set_attribute("rpc.retry.count", event.attempt)
    _note("retry", {"peer": event.peer, "attempt": event.attempt, "code": event.code.name, "wait": event.wait})


def _span_retry_refused(event: RetryRefused) -> None:
    _note("retry refused", {"peer": event.peer, "reason": event.reason})


def _note(name: str, facts: Mapping[str, str | int | float]) -> None:
    trace.get_current_span().add_event(name, facts)
