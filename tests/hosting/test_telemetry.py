"""What operators see of a call: one line, the numbers, a span; and never what the customer sent."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from shop.catalog.v1.catalog_pb2 import GetProductRequest, GetProductResponse
from shop.payments.v1 import payments_pb2, payments_pb2_grpc

from services.hosting import Host, Hosted, logs, tracing
from services.hosting.errors import NotFound
from services.hosting.lifecycle import serving
from tests.hosting.four import FOUR, KINDS, Behaviour, Servicer, add_four, answer, call, raising, refused
from tests.hosting.running import serve, settings

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The process's log, as a pod writes it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(settings(service_name="four", pod_name="four-1", log_level="DEBUG"), written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def access(lines: io.StringIO) -> list[dict[str, Any]]:
    parsed = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in parsed if line["message"] == "rpc"]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_call_is_one_line_of_json(kind: str, lines: io.StringIO) -> None:
    certificate = "By=spiffe://me;URI=spiffe://cluster.local/ns/shop/sa/orders"
    metadata = (("x-forwarded-client-cert", certificate), ("traceparent", TRACEPARENT))
    async with serve(Hosted([(FOUR, Servicer(answer), add_four)])) as channel:
        await call(channel, kind, metadata=metadata)
    [line] = access(lines)
    assert line.pop("duration_ms") >= 0
    assert line.pop("time")
    assert line == {
        "level": "INFO",
        "logger": "argosy.access",
        "message": "rpc",
        "service": "four",
        "version": "v1",
        "pod": "four-1",
        "method": f"/test.v1.Four/{kind}",
        "code": "OK",
        "caller": "spiffe://cluster.local/ns/shop/sa/orders",
        "trace_id": TRACE,
    }


async def test_a_refusal_s_line_says_why(lines: io.StringIO) -> None:
    async with serve(Hosted([(FOUR, Servicer(raising(NotFound("NO_MUG", "text"))), add_four)])) as channel:
        await refused(channel, "UnaryUnary")
    [line] = access(lines)
    assert (line["code"], line["reason"], line["caller"], "trace_id" in line) == ("NOT_FOUND", "NO_MUG", "", False)


async def test_calls_are_counted_by_method_and_code() -> None:
    host = Host(settings())
    async with serve(Hosted([(FOUR, Servicer(answer), add_four)]), host) as channel:
        await call(channel, "UnaryUnary")
        await call(channel, "UnaryUnary")
        await refused(channel, "UnaryUnary", GetProductRequest())
    method = {"method": "/test.v1.Four/UnaryUnary"}

    def value(name: str, **labels: str) -> float | None:
        return host.registry.get_sample_value(f"argosy_server_{name}", method | labels)

    assert value("started_total") == 3
    assert value("handled_total", code="OK") == 2
    assert value("handled_total", code="INVALID_ARGUMENT") == 1
    assert value("handling_seconds_count") == 3
    assert value("in_flight") == 0


@asynccontextmanager
async def traced(servicer: Any, exporter: InMemorySpanExporter) -> AsyncIterator[grpc.aio.Channel]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace = tracing.traced(provider)
    host = Host(settings(), client_interceptors=trace.client_interceptors)
    async with (
        serving(host, Hosted([(FOUR, servicer, add_four)]), trace) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        yield channel


def spans(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return list(exporter.get_finished_spans())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_traced_call_is_a_span_of_its_caller_s_trace(kind: str, lines: io.StringIO) -> None:
    exporter = InMemorySpanExporter()
    async with traced(Servicer(answer), exporter) as channel:
        await call(channel, kind, metadata=(("traceparent", TRACEPARENT),))
    [span] = spans(exporter)
    assert span.context
    assert (f"{span.context.trace_id:032x}", span.name) == (TRACE, f"/test.v1.Four/{kind}")
    assert access(lines)[0]["trace_id"] == TRACE


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refused_call_s_span_has_its_code(kind: str) -> None:
    exporter = InMemorySpanExporter()
    async with traced(Servicer(raising(NotFound("NO_MUG", "text"))), exporter) as channel:
        await refused(channel, kind)
    [span] = spans(exporter)
    assert (span.attributes or {})["rpc.grpc.status_code"] == grpc.StatusCode.NOT_FOUND.value[0]


async def test_without_a_trace_of_its_caller_a_traced_call_begins_one(lines: io.StringIO) -> None:
    exporter = InMemorySpanExporter()
    async with traced(Servicer(answer), exporter) as channel:
        await call(channel, "UnaryUnary")
    [span] = spans(exporter)
    assert span.context
    assert access(lines)[0]["trace_id"] == f"{span.context.trace_id:032x}"


@asynccontextmanager
async def calling(behave: Behaviour, exporter: InMemorySpanExporter) -> AsyncIterator[grpc.aio.Channel]:
    """A channel whose calls are traced, to a server that is not."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    interceptors = tracing.traced(provider).client_interceptors
    async with (
        serving(Host(settings()), Hosted([(FOUR, Servicer(behave), add_four)])) as address,
        grpc.aio.insecure_channel(address, interceptors=interceptors) as channel,
    ):
        yield channel


@pytest.mark.parametrize("kind", KINDS)
async def test_an_outgoing_call_is_a_span_and_carries_its_trace(kind: str, lines: io.StringIO) -> None:
    exporter = InMemorySpanExporter()
    async with calling(answer, exporter) as channel:
        await call(channel, kind)
    [span] = spans(exporter)
    assert span.context
    assert access(lines)[0]["trace_id"] == f"{span.context.trace_id:032x}"


@pytest.mark.parametrize("kind", KINDS)
async def test_rule_19_an_outgoing_call_that_is_cancelled_leaves_a_finished_span(kind: str) -> None:
    began = asyncio.Event()

    async def hold(_: Any, __: Any) -> GetProductResponse:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    exporter = InMemorySpanExporter()
    async with calling(hold, exporter) as channel:
        task = asyncio.create_task(call(channel, kind))
        await began.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        while not spans(exporter):
            await asyncio.sleep(0)
    [span] = spans(exporter)
    if kind.endswith("Unary"):  # of a stream nobody says whether its reader had enough
        assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize("kind", ["UnaryUnary", "StreamUnary"])
async def test_a_request_that_cannot_be_sent_fails_at_once_and_leaves_a_finished_span(kind: str) -> None:
    exporter = InMemorySpanExporter()
    async with calling(answer, exporter) as channel:
        with pytest.raises((AttributeError, AioRpcError)):
            await call(channel, kind, None, timeout=None)  # type: ignore[arg-type]
    [span] = spans(exporter)
    assert span.status.status_code is StatusCode.ERROR


@pytest.mark.parametrize(
    ("given", "on"),
    [
        ({}, False),
        ({"otel_traces_exporter": "console"}, True),
        ({"otel_traces_exporter": "none", "otel_exporter_otlp_endpoint": "http://127.0.0.1:1"}, False),
        ({"otel_traces_exporter": "console", "otel_sdk_disabled": True}, False),
    ],
)
def test_tracing_is_off_unless_asked_for(given: dict[str, Any], *, on: bool) -> None:
    with tracing.opened(settings(**given)) as opened:
        assert (opened is not tracing.OFF) is on


# Not inside a longer number: times and span ids hold any digits.
CARD_DATA = re.compile(r"4242[ -]?4242|(?<![0-9a-f.])0987(?![0-9a-f])")  # four digits alone are in many a trace id
CARD = payments_pb2.Card(number="4242424242424242", expiry_month=12, expiry_year=2099, security_code="0987")


class Payments(payments_pb2_grpc.PaymentsServiceServicer):
    """Fails in every way a servicer can, while it holds a card."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def Charge(self, request: payments_pb2.ChargeRequest, context: Any) -> payments_pb2.ChargeResponse:
        del context
        card = request.card.number
        assert card
        raise self._error


@pytest.mark.parametrize("valid", [True, False], ids=["valid", "invalid"])
@pytest.mark.parametrize("error", [KeyError("unexpected"), NotFound("NO_MUG", "text")], ids=["unexpected", "refused"])
async def test_card_data_is_in_no_log_line_no_span_and_no_error(
    error: Exception, *, valid: bool, lines: io.StringIO
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    contract = payments_pb2.DESCRIPTOR.services_by_name["PaymentsService"]
    servicer = Payments(error)  # type: ignore[abstract]  # one method is enough
    hosted = Hosted([(contract, servicer, payments_pb2_grpc.add_PaymentsServiceServicer_to_server)])
    request = payments_pb2.ChargeRequest(card=CARD)
    if valid:
        request.idempotency_key = request.order_id = "0b7e54f2-3b1c-4a68-9d2e-5f1a6b0c7d8e"
        request.amount.currency_code = "EUR"
    else:
        request.card.number += "x"
    async with (
        serving(Host(settings(log_level="DEBUG")), hosted, tracing.traced(provider)) as address,
        grpc.aio.insecure_channel(address) as channel,
    ):
        with pytest.raises(AioRpcError) as caught:
            await payments_pb2_grpc.PaymentsServiceStub(channel).Charge(request, timeout=20)
    told = [lines.getvalue(), repr(caught.value), str(caught.value.trailing_metadata())]
    told += [span.to_json() for span in spans(exporter)]
    assert len(spans(exporter)) == 1
    assert len(access(lines)) == 1
    assert not any(CARD_DATA.search(text) for text in told)


async def test_a_trace_context_nobody_can_read_is_not_repeated(lines: io.StringIO) -> None:
    async with serve(Hosted([(FOUR, Servicer(answer), add_four)])) as channel:
        await call(channel, "UnaryUnary", metadata=(("traceparent", "nonsense"),))
    assert "trace_id" not in access(lines)[0]


def test_a_record_that_cannot_be_put_into_words_stops_nobody_s_work(capsys: pytest.CaptureFixture[str]) -> None:
    written = io.StringIO()
    record = logging.makeLogRecord({"msg": "%d pieces", "args": ("many",)})
    logs.JsonLines(settings(), written).handle(record)
    assert written.getvalue() == ""
    assert "Logging error" in capsys.readouterr().err
