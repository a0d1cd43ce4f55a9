"""A service that speaks HTTP beside gRPC: the same beginning, limit, numbers, lines and end."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mesh.resilience import deadline, degraded
from services.hosting import Host, Hosted, http_server
from services.hosting.errors import CannotStart
from services.hosting.http_server import Http
from services.hosting.lifecycle import Drain, serving
from services.hosting.tracing import OFF, Tracing, recording, traced
from tests.hosting.running import access_lines, settings

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Desk:
    """An application that waits, fails and streams as it is told."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.leaving = asyncio.Event()
        self.arrived = asyncio.Event()

    async def thing(self, request: Request) -> Response:
        return PlainTextResponse(request.path_params["name"])

    async def wait(self, _: Request) -> Response:
        self.arrived.set()
        await self.go_on.wait()
        return PlainTextResponse("waited")

    async def broken(self, _: Request) -> Response:
        raise RuntimeError("the secret of the harbour")

    async def partly(self, _: Request) -> Response:
        degraded.note("cart")
        return PlainTextResponse(f"{deadline.remaining():.0f}")

    async def stream(self, _: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"begun"
            await self.leaving.wait()

        assert deadline.remaining() is None
        return StreamingResponse(pieces())

    def http(self, address: str) -> Http:
        routes = {
            "/things/{name}": self.thing,
            "/wait": self.wait,
            "/broken": self.broken,
            "/partly": self.partly,
            "/stream": self.stream,
        }
        app = Starlette(routes=[Named(path, handler) for path, handler in routes.items()])
        return Http(app, address, lambda path: path == "/stream", leaving=self.leaving)


class Named(Route):
    """A route that the scope knows, as FastAPI's are."""

    def matches(self, scope: Any) -> Any:
        match, child = super().matches(scope)
        return match, {**child, "route": self}


@asynccontextmanager
async def served(
    desk: Desk, path: Path, trace: Tracing = OFF, drain: Drain | None = None, **given: Any
) -> AsyncIterator[tuple[httpx2.AsyncClient, Host, str]]:
    host = Host(settings(pod_name="desk-1", service_version="v7", **given))
    hosted = Hosted(servicers=[], http=desk.http(f"unix:{path}"))
    async with serving(host, hosted, trace, drain) as grpc_address:
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(transport=transport, base_url="http://desk", timeout=30.0) as client:
            yield client, host, grpc_address


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "http"


async def test_every_answer_says_who_gave_it_and_without_whom(path: Path) -> None:
    async with served(Desk(), path) as (client, _, _):
        answer = await client.get("/things/rope")
        assert (answer.headers["argosy-pod"], answer.headers["argosy-version"]) == ("desk-1", "v7")
        assert "argosy-degraded" not in answer.headers
        assert (await client.get("/partly")).headers["argosy-degraded"] == "cart"


async def test_a_request_is_one_line_and_one_number_under_its_route(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with served(Desk(), path) as (client, host, _):
        await client.get("/things/a-private-id?q=secret", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
        await client.get("/made-up")
        handled = host.registry.get_sample_value
        names = {"method": "GET /things/{name}", "code": "200"}
        assert handled("argosy_server_handled_total", names) == 1
        assert handled("argosy_server_handled_total", {"method": "unknown", "code": "404"}) == 1
    first, second = access_lines(caplog)
    assert (first["method"], first["code"]) == ("GET /things/{name}", 200)
    assert second["method"] == "unknown"
    assert "a-private-id" not in str(first)
    assert "secret" not in str(first)


async def test_what_breaks_is_written_down_here_and_told_to_nobody(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(Desk(), path) as (client, _, _):
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert "harbour" not in answer.text
    assert "the secret of the harbour" in caplog.text


async def test_a_page_has_one_deadline_and_a_stream_has_none(path: Path) -> None:
    desk = Desk()
    async with served(desk, path, default_deadline_seconds=7.0) as (client, _, _):
        assert (await client.get("/partly")).text == "7"
        async with client.stream("GET", "/stream") as answer:
            desk.leaving.set()
            assert await answer.aread() == b"begun"


async def test_a_request_inherits_nothing_of_the_one_before_it_on_its_connection(path: Path) -> None:
    desk = Desk()
    async with served(desk, path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        # Sent together, the second is begun from within the first; it is the stream, which may have no deadline.
        writer.write(b"".join(b"GET %s HTTP/1.1\r\nhost: desk\r\n\r\n" % name for name in (b"/partly", b"/stream")))
        said = b""
        while said.count(b"HTTP/1.1 ") < 2 and (more := await reader.read(4096)):
            said += more
        desk.leaving.set()
        writer.close()
        await writer.wait_closed()
    assert said.count(b"HTTP/1.1 200 OK") == 2


async def test_more_than_may_be_answered_at_once_is_refused_with_a_time_to_come_back(path: Path) -> None:
    desk = Desk()
    async with served(desk, path, max_concurrent_rpcs=1, adaptive_limit="off") as (client, _, _):
        waiting = asyncio.create_task(client.get("/wait"))
        await desk.arrived.wait()
        refused = await client.get("/things/rope")
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        desk.go_on.set()
        assert (await waiting).text == "waited"
        assert (await client.get("/things/rope")).status_code == 200


async def test_probes_are_answered_over_grpc(path: Path) -> None:
    async with served(Desk(), path) as (_, _, address):
        import grpc  # noqa: PLC0415

        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=30)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_drain_ends_streams_asks_connections_to_close_and_lets_requests_end(path: Path) -> None:
    desk, drain = Desk(), Drain()
    transport = httpx2.AsyncHTTPTransport(uds=str(path))
    async with httpx2.AsyncClient(transport=transport, base_url="http://desk", timeout=30.0) as client:
        serving_now = served(desk, path, drain=drain, drain_delay_seconds=3600.0, drain_seconds=30.0)
        await serving_now.__aenter__()
        begun = asyncio.create_task(client.get("/wait"))
        await desk.arrived.wait()
        assert "connection" not in (await client.get("/things/rope")).headers
        async with client.stream("GET", "/stream") as stream:
            drain.ask()
            ending = asyncio.create_task(serving_now.__aexit__(None, None, None))
            assert await stream.aread() == b"begun"
        late = await client.get("/things/rope")
        assert (late.status_code, late.headers["connection"]) == (200, "close")
        desk.go_on.set()
        assert (await begun).text == "waited"
        drain.ask()  # the wait for endpoint lists is an hour here
        await ending
    assert not path.exists()  # noqa: ASYNC240  # the loop has nothing else to do


async def test_the_socket_is_private_and_one_that_answers_is_not_taken(path: Path) -> None:
    async with served(Desk(), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600  # noqa: ASYNC240  # the same
        with pytest.raises(CannotStart, match="HTTP_ADDRESS: another process answers"):
            async with served(Desk(), path):
                pass


async def test_a_port_that_is_taken_is_named_with_its_setting() -> None:
    async def start(address: str) -> None:
        async with serving(Host(settings()), Hosted(servicers=[], http=Desk().http(address))):
            pass

    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(CannotStart, match="HTTP_ADDRESS="):
            await start(f"127.0.0.1:{port}")


async def test_a_request_is_a_span_of_its_caller_s_trace(path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = recording(settings(), SimpleSpanProcessor(exporter))
    try:
        async with served(Desk(), path, traced(provider)) as (client, _, _):
            await client.get("/things/rope", headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
            await client.get("/broken")
    finally:
        provider.shutdown()
    first, second = exporter.get_finished_spans()
    assert first.name == "GET /things/{name}"
    assert f"{first.context.trace_id:032x}" == TRACE
    assert (first.attributes or {})["http.response.status_code"] == 200
    assert not second.status.is_ok


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_no_answer_waits_for_the_acknowledgement_of_its_headers(host: str) -> None:
    with http_server.bound(f"{host}:0", "HTTP_ADDRESS") as (listener, address):
        # What asyncio's transports look at before they set TCP_NODELAY.
        assert listener.proto == socket.IPPROTO_TCP
        assert not address.endswith(":0")
