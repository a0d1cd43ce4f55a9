"""What a service's process does when it starts, is asked to stop, is killed, or cannot start."""

from __future__ import annotations

import asyncio
import socket
import stat
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from shop.catalog.v1.catalog_pb2 import GetProductRequest

from tests.hosting.four import FOUR, call
from tests.hosting.processes import Process, started

pytestmark = pytest.mark.processes

HELD = GetProductRequest(product_id="held")
HOLDING = "tests.hosting.holding"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The file that lets held calls go."""
    return tmp_path / "release"


@asynccontextmanager
async def holding(release: Path, **environment: str) -> AsyncIterator[tuple[Process, grpc.aio.Channel]]:
    async with (
        started(HOLDING, HOLD_UNTIL=str(release), **environment) as service,
        grpc.aio.insecure_channel(await service.address()) as channel,
    ):
        yield service, channel


async def test_rule_24_a_call_in_flight_at_sigterm_is_answered_and_then_the_process_ends(release: Path) -> None:
    async with holding(release) as (service, channel):
        held = asyncio.create_task(call(channel, "UnaryUnary", HELD, timeout=30))
        await service.said("holding")
        service.process.terminate()
        await service.said("draining")
        while listening(service):
            await asyncio.sleep(0.01)  # polling, bounded by the test's timeout
        await asyncio.to_thread(release.touch)
        [response] = await held
        assert response.product.id == "mug"
        assert await service.ended() == (0, "")
    told = [line["message"] for line in service.lines]
    assert told.index("stopped") < told.index("swept") < told.index("unbuilt")


async def test_rule_24_a_draining_server_fails_its_probes_first_and_still_answers(release: Path) -> None:
    async with holding(release, DRAIN_DELAY_SECONDS="60") as (service, channel):
        health = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service=FOUR.full_name), timeout=30)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        service.process.terminate()
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        whole = await health.Check(health_pb2.HealthCheckRequest(), timeout=30)
        assert whole.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert len(await call(channel, "UnaryUnary")) == 1
        watch.cancel()
        service.process.terminate()
        assert await service.ended() == (0, "")


async def test_rule_24_under_load_nobody_notices_a_drain(release: Path) -> None:
    async with holding(release, DRAIN_DELAY_SECONDS="60") as (service, channel):
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        told, answered = asyncio.Event(), 0

        async def keep_calling() -> None:
            nonlocal answered
            while not told.is_set():
                await call(channel, "UnaryUnary")  # raises when it is not answered
                answered += 1

        async with asyncio.TaskGroup() as customers:
            for _ in range(16):
                customers.create_task(keep_calling())
            while answered < 100:
                await asyncio.sleep(0)
            service.process.terminate()
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            meanwhile = answered
            while answered < meanwhile + 100:  # endpoint lists learn of it later than we do
                await asyncio.sleep(0)
            told.set()
        watch.cancel()
        service.process.terminate()
        assert await service.ended() == (0, "")


async def test_a_second_signal_ends_a_call_that_does_not_end(release: Path) -> None:
    async with holding(release, DRAIN_SECONDS="60") as (service, channel):
        held = asyncio.create_task(call(channel, "UnaryUnary", HELD, timeout=30))
        await service.said("holding")
        service.process.terminate()
        await service.said("draining")
        service.process.terminate()
        assert await service.ended() == (0, "")
        with pytest.raises(AioRpcError) as caught:
            await held
    assert caught.value.code() in {StatusCode.UNAVAILABLE, StatusCode.CANCELLED}


async def test_rule_24_running_calls_get_drain_seconds_and_no_more(release: Path) -> None:
    async with holding(release, DRAIN_SECONDS="0.2") as (service, channel):
        held = asyncio.create_task(call(channel, "UnaryUnary", HELD, timeout=30))
        await service.said("holding")
        service.process.terminate()
        assert await service.ended() == (0, "")
        with pytest.raises(AioRpcError):
            await held


async def test_wrong_settings_are_all_told_and_end_it_with_code_2() -> None:
    async with started(HOLDING, LISTEN_ADDRESS="x", DRAIN_SECONDS="soon", DATABASE_URL="s3cret") as service:
        code, errors = await service.ended()
    assert code == 2
    assert errors.splitlines() == [
        "LISTEN_ADDRESS='x' is not host:port",
        "DATABASE_URL=(hidden) is not driver://..., for example sqlite+aiosqlite:///./data/orders.db",
        "DRAIN_SECONDS='soon' is not a number",
        "HOLD_UNTIL is not set",
    ]


async def test_an_address_in_use_is_told_and_ends_it_with_code_1(release: Path) -> None:
    async with holding(release) as (first, _):
        address = str(first.lines[-1]["address"])
        for name in ("LISTEN_ADDRESS", "METRICS_ADDRESS"):
            async with started(HOLDING, HOLD_UNTIL=str(release), **{name: address}) as second:
                code, _ = await second.ended()  # gRPC itself complains on stderr, too
            assert code == 1
            assert second.lines[-1]["message"].startswith(f"cannot start: {name}='{address}' cannot be bound")


async def test_a_unix_socket_is_private_and_gone_afterwards(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    async with holding(release, LISTEN_ADDRESS=f"unix:{path}") as (service, channel):
        assert len(await call(channel, "UnaryUnary")) == 1
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        service.process.terminate()
        assert await service.ended() == (0, "")
    assert not path.exists()


async def test_a_socket_left_by_a_killed_process_is_replaced(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    async with holding(release, LISTEN_ADDRESS=f"unix:{path}") as (first, _):
        first.process.kill()
        await first.ended()
    assert path.exists()
    async with holding(release, LISTEN_ADDRESS=f"unix:{path}") as (_, channel):
        assert len(await call(channel, "UnaryUnary")) == 1


async def test_a_socket_that_another_process_answers_at_is_left_alone(release: Path, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    async with holding(release, LISTEN_ADDRESS=f"unix:{path}") as (_, channel):
        async with started(HOLDING, HOLD_UNTIL=str(release), LISTEN_ADDRESS=f"unix:{path}") as second:
            assert await second.ended() == (1, "")
        assert "another process answers" in second.lines[-1]["message"]
        assert len(await call(channel, "UnaryUnary")) == 1


@pytest.mark.parametrize("path", ["missing/app.sock", "file"])
async def test_a_socket_that_cannot_be_made_is_told(release: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("kept")
    async with started(HOLDING, HOLD_UNTIL=str(release), LISTEN_ADDRESS=f"unix:{tmp_path / path}") as service:
        assert await service.ended() == (1, "")
    assert service.lines[-1]["message"].startswith("cannot start: LISTEN_ADDRESS: ")
    assert (tmp_path / "file").read_text() == "kept"


async def test_health_is_told_by_service_and_reflection_lists_them(release: Path) -> None:
    async with holding(release) as (_, channel):
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", FOUR.full_name):
            answered = await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=30)
            assert answered.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(AioRpcError) as caught:
            await health.Check(health_pb2.HealthCheckRequest(service="another"), timeout=30)
        assert caught.value.code() == StatusCode.NOT_FOUND
        asked = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=30
        )
        [listed] = [answer async for answer in asked]
    assert {service.name for service in listed.list_services_response.service} == {
        FOUR.full_name,
        "argosy.resilience.v1.ResilienceAdminService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


async def test_metrics_are_served(release: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with holding(release, METRICS_ADDRESS=f"127.0.0.1:{port}") as (_, channel):
        await call(channel, "UnaryUnary")
        with await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics", None, 30) as page:
            text = page.read().decode()
    assert 'argosy_server_handled_total{code="OK",method="/test.v1.Four/UnaryUnary"} 1.0' in text
    assert "process_resident_memory_bytes" in text


class Collector(TraceServiceServicer):
    """An OpenTelemetry collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []

    async def Export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
        del context
        self.requests.append(request)
        return ExportTraceServiceResponse()


async def test_spans_are_exported_before_the_process_ends(release: Path) -> None:
    collector, server = Collector(), grpc.aio.server()
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with holding(release, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, POD_NAME="holding-1") as (service, channel):
        await call(channel, "UnaryUnary")
        service.process.terminate()
        assert (await service.ended())[0] == 0
    await server.stop(None)
    [exported] = [batch for request in collector.requests for batch in request.resource_spans]
    facts = {fact.key: fact.value.string_value for fact in exported.resource.attributes}
    assert (facts["service.name"], facts["service.instance.id"]) == ("holding", "holding-1")
    assert [span.name for scope in exported.scope_spans for span in scope.spans] == ["/test.v1.Four/UnaryUnary"]


def listening(service: Process) -> bool:
    """Whether it takes connections; asked without a call, which gets no answer if it arrives while gRPC closes."""
    [address] = [line["address"] for line in service.lines if line["message"] == "serving"]
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
