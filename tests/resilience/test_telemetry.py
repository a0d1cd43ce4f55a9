import logging
from typing import Any, get_args

import pytest
from grpc import StatusCode
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from mesh.resilience.bulkhead import Bulkhead
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
    PeerOpened,
    RetryRefused,
    RetryScheduled,
)
from mesh.resilience.telemetry import listeners

UNAVAILABLE, OK = StatusCode.UNAVAILABLE, StatusCode.OK
LOGGER = logging.getLogger("test.telemetry")
OPENED = CircuitOpened("catalog", "reads", failures=10, calls=20, open_for=5.0)
ONE_OF_EACH: tuple[Event, ...] = (
    AttemptEnded("catalog", "/m", OK, local=False, seconds=0.25),
    CallEnded("catalog", "/m", OK, attempts=2, seconds=0.3, allowed=2.0),
    CallRejected("catalog", "/m", "reads", 1.0),
    RetryScheduled("catalog", "/m", 1, UNAVAILABLE, 0.1),
    RetryRefused("catalog", "/m", "budget"),
    BulkheadRejected("catalog", "/m", in_flight=64),
    FallbackUsed("catalog", "/m", "last_good", UNAVAILABLE),
    PeerOpened("catalog", retries_left=lambda: 7, bulkhead=Bulkhead("catalog", 64)),
    CircuitCreated("catalog", "reads"),
    OPENED,
    CircuitHalfOpened("catalog", "reads"),
    CircuitClosed("catalog", "reads"),
    CircuitForced("catalog", "reads", "open"),
)


CIRCUITS = (CircuitOpened, CircuitHalfOpened, CircuitClosed, CircuitForced)


class Told:
    """What the listeners made of some events."""

    def __init__(self, *events: Event) -> None:
        self.registry = CollectorRegistry()
        (listener,) = listeners(self.registry, LOGGER)
        for event in events:
            listener(event)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


def span_of(*events: Event) -> ReadableSpan:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("PlaceOrder"):
        Told(*events)
    provider.shutdown()
    (span,) = exporter.get_finished_spans()
    return span


def test_every_event_is_heard() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(Event))
    Told(*ONE_OF_EACH)


def test_rule_22_attempts_and_calls_are_counted_apart() -> None:
    told = Told(
        AttemptEnded("catalog", "/m", UNAVAILABLE, local=False, seconds=0.1),
        AttemptEnded("catalog", "/m", OK, local=False, seconds=0.1),
        CallEnded("catalog", "/m", OK, attempts=2, seconds=0.3, allowed=2.0),
    )
    of = {"peer": "catalog", "method": "/m"}
    assert told.value("argosy_client_attempts_total", **of, code="UNAVAILABLE") == 1
    assert told.value("argosy_client_attempts_total", **of, code="OK") == 1
    assert told.value("argosy_client_calls_total", **of, code="OK") == 1
    assert told.value("argosy_client_call_seconds_count", **of) == 1
    assert told.value("argosy_client_call_seconds_sum", **of) == 0.3
    assert told.value("argosy_client_call_seconds_bucket", **of, le="0.25") == 0
    assert told.value("argosy_client_call_seconds_bucket", **of, le="0.5") == 1
    assert told.value("argosy_client_deadline_seconds_sum", **of) == 2.0


def test_what_we_gave_up_is_not_the_peers_cancel() -> None:
    told = Told(
        AttemptEnded("catalog", "/m", StatusCode.CANCELLED, local=True, seconds=0.1),
        AttemptEnded("catalog", "/m", StatusCode.CANCELLED, local=False, seconds=0.1),
    )
    of = {"peer": "catalog", "method": "/m"}
    assert told.value("argosy_client_attempts_total", **of, code="LOCAL_CANCEL") == 1
    assert told.value("argosy_client_attempts_total", **of, code="CANCELLED") == 1


def test_durations_are_summed() -> None:
    told = Told(*[CallEnded("catalog", "/m", OK, attempts=1, seconds=0.5, allowed=2.0)] * 3)
    of = {"peer": "catalog", "method": "/m"}
    assert told.value("argosy_client_call_seconds_sum", **of) == 1.5
    assert told.value("argosy_client_deadline_seconds_sum", **of) == 6.0


def test_a_duration_beyond_the_last_bucket_is_counted() -> None:
    told = Told(CallEnded("catalog", "/m", OK, attempts=1, seconds=99.0, allowed=2.0))
    of = {"peer": "catalog", "method": "/m"}
    assert told.value("argosy_client_call_seconds_bucket", **of, le="10.0") == 0
    assert told.value("argosy_client_call_seconds_bucket", **of, le="+Inf") == 1


def test_retries_refusals_and_rejections_are_counted() -> None:
    told = Told(*ONE_OF_EACH)
    of = {"peer": "catalog", "method": "/m"}
    assert told.value("argosy_client_retries_total", **of, code="UNAVAILABLE") == 1
    assert told.value("argosy_client_retry_refused_total", **of, reason="budget") == 1
    assert told.value("argosy_client_rejected_total", **of) == 1


def test_bulkheads_and_fallbacks_are_counted() -> None:
    told = Told(*ONE_OF_EACH)
    assert told.value("argosy_client_bulkhead_rejected_total", peer="catalog", method="/m") == 1
    assert told.value("argosy_client_fallbacks_total", peer="catalog", method="/m", kind="last_good") == 1


def test_what_a_peer_has_left_is_read_when_it_is_asked_for() -> None:
    bulkhead, retries = Bulkhead("catalog", 64), [7]
    told = Told(PeerOpened("catalog", retries_left=lambda: retries[0], bulkhead=bulkhead))
    bulkhead.enter()
    retries[0] = 3
    assert told.value("argosy_client_in_flight", peer="catalog") == 1
    assert told.value("argosy_client_bulkhead_limit", peer="catalog") == 64
    assert told.value("argosy_client_retries_left", peer="catalog") == 3


def test_an_unbounded_bulkhead_has_no_limit_to_show() -> None:
    told = Told(PeerOpened("catalog", retries_left=lambda: 0, bulkhead=Bulkhead("catalog", None)))
    assert told.value("argosy_client_bulkhead_limit", peer="catalog") is None
    assert told.value("argosy_client_in_flight", peer="catalog") == 0


@pytest.mark.parametrize(("to", "state", "forced"), [("open", 2, 2), ("closed", 0, 1), ("automatic", 0, 0)])
def test_the_gauges_show_who_decides(to: Any, state: int, forced: int) -> None:
    told = Told(CircuitCreated("catalog", "reads"), OPENED, CircuitForced("catalog", "reads", to))
    of = {"peer": "catalog", "group": "reads"}
    assert told.value("argosy_breaker_state", **of) == state
    assert told.value("argosy_breaker_forced", **of) == forced
    assert told.value("argosy_breaker_transitions_total", **of, state="forced") == 1


def test_nobody_decides_for_a_circuit_at_first() -> None:
    told = Told(CircuitCreated("catalog", "reads"), OPENED)
    assert told.value("argosy_breaker_forced", peer="catalog", group="reads") == 0


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([], 0),
        ([OPENED], 2),
        ([OPENED, CircuitHalfOpened("catalog", "reads")], 1),
        ([OPENED, CircuitHalfOpened("catalog", "reads"), CircuitClosed("catalog", "reads")], 0),
    ],
)
def test_the_gauge_shows_the_state(events: list[Event], state: int) -> None:
    told = Told(CircuitCreated("catalog", "reads"), *events)
    assert told.value("argosy_breaker_state", peer="catalog", group="reads") == state
    for transition in ("open", "half-open", "closed")[: len(events)]:
        of = {"peer": "catalog", "group": "reads", "state": transition}
        assert told.value("argosy_breaker_transitions_total", **of) == 1


def test_prometheus_can_read_it() -> None:
    text = generate_latest(Told(*ONE_OF_EACH).registry).decode()
    assert 'argosy_client_calls_total{code="OK",method="/m",peer="catalog"} 1.0' in text


def test_a_registry_takes_the_metrics_once() -> None:
    registry = CollectorRegistry()
    listeners(registry, LOGGER)
    with pytest.raises(ValueError, match="argosy_"):
        listeners(registry, LOGGER)


def test_circuits_are_logged_with_their_facts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Told(*ONE_OF_EACH)
    lines: list[Any] = caplog.records
    assert [line.message for line in lines] == [
        "circuit opened",
        "circuit half-open",
        "circuit closed",
    ]
    assert [(line.peer, line.group) for line in lines] == [("catalog", "reads")] * 3
    assert (lines[0].failures, lines[0].slow, lines[0].calls, lines[0].open_for) == (10, 0, 20, 5.0)


def test_ordinary_calls_write_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Told(*(event for event in ONE_OF_EACH if not isinstance(event, CIRCUITS)))
    assert caplog.records == []


def test_the_span_shows_what_no_attempt_span_can() -> None:
    span = span_of(*ONE_OF_EACH)
    assert [event.name for event in span.events] == [
        "circuit open",
        "retry",
        "retry refused",
        "bulkhead full",
        "fallback",
    ]
    assert dict(span.attributes or {}) == {"rpc.retry.count": 1}


def test_a_call_that_went_well_leaves_the_span_alone() -> None:
    span = span_of(ONE_OF_EACH[0], CallEnded("catalog", "/m", OK, attempts=1, seconds=0.3, allowed=2.0))
    assert (span.events, dict(span.attributes or {})) == ((), {})


def test_without_tracing_nothing_happens() -> None:
    assert not trace.get_current_span().is_recording()
    Told(*ONE_OF_EACH)
