from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import msgspec
import pytest
from aiohttp import web
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from lightkube.models.core_v1 import LifecycleHandler, Probe

from mesh.local.node.hooks import run_hook
from mesh.local.node.pod_spec import Command
from mesh.local.node.probes import ProbeTarget, attempt_for, complaint_of
from tests.node.pods import Json

PORT = 50051


@pytest.fixture
def target(tmp_path: Path) -> ProbeTarget:
    command = Command(("true",), {"PATH": os.environ["PATH"], "WORD": "hello"}, tmp_path)
    return ProbeTarget("127.0.0.1", {PORT: tmp_path / "grpc.sock"}, {"grpc": PORT, "nobody": 1}, command)


async def complaint(probe: Json, target: ProbeTarget) -> str | None:
    return await complaint_of(attempt_for(msgspec.convert(probe, Probe), target), 5.0)


@pytest.fixture
async def servicer(target: ProbeTarget) -> AsyncIterator[health.aio.HealthServicer]:
    """A gRPC server on the application's socket."""
    server, servicer = grpc.aio.server(), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"unix:{target.sockets[PORT]}")
    await server.start()
    yield servicer
    await server.stop(0)


GRPC: Json = {"grpc": {"port": PORT}}


async def test_a_serving_server_is_healthy(servicer: health.aio.HealthServicer, target: ProbeTarget) -> None:
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    await servicer.set("slow", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert await complaint(GRPC, target) is None
    assert "NOT_SERVING" in (await complaint({"grpc": {"port": PORT, "service": "slow"}}, target) or "")
    assert "NOT_FOUND" in (await complaint({"grpc": {"port": PORT, "service": "other"}}, target) or "")


async def test_a_server_that_does_not_listen_yet_is_not(target: ProbeTarget) -> None:
    assert "does not exist yet" in (await complaint(GRPC, target) or "")
    assert "UNAVAILABLE" in (await complaint({"grpc": {"port": 1}}, target) or "")


@pytest.fixture
async def web_port(target: ProbeTarget) -> AsyncIterator[int]:
    """An HTTP server on a port and on the application's socket."""

    async def answer(request: web.Request) -> web.Response:
        assert request.headers["X-Who"] == "node"
        return web.Response(status=int(request.path.strip("/")), headers={"Location": "/500"})

    application = web.Application()
    application.add_routes([web.get("/{status}", answer)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await web.UnixSite(runner, str(target.sockets[PORT])).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (302, True), (404, False), (503, False)])
async def test_http_is_healthy_below_400(web_port: int, target: ProbeTarget, *, status: int, healthy: bool) -> None:
    headers = [{"name": "X-Who", "value": "node"}]
    for port in (web_port, PORT, "grpc"):  # the last two by the socket that stands for the port
        get = {"path": f"/{status}", "port": port, "httpHeaders": headers}
        assert (await complaint({"httpGet": get}, target) is None) is healthy


async def test_tcp_is_healthy_when_somebody_listens(web_port: int, target: ProbeTarget) -> None:
    assert await complaint({"tcpSocket": {"port": web_port}}, target) is None
    assert await complaint({"tcpSocket": {"port": "grpc"}}, target) is None
    assert "dial tcp" in (await complaint({"tcpSocket": {"port": "nobody"}}, target) or "")
    assert "no port named" in (await complaint({"tcpSocket": {"port": "unheard-of"}}, target) or "")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (["sh", "-c", 'test "$WORD" = hello'], None),
        (["sh", "-c", "echo no $WORD; exit 1"], "no hello"),
        (["false"], "exit code 1"),
        (["no-such-program"], "command cannot be run"),
    ],
)
async def test_a_command_is_healthy_when_it_succeeds(
    target: ProbeTarget, command: list[str], answer: str | None
) -> None:
    said = await complaint({"exec": {"command": command}}, target)
    assert (said or "").startswith(answer or "")
    assert (said is None) is (answer is None)


async def test_a_command_that_takes_too_long_is_ended(target: ProbeTarget, tmp_path: Path) -> None:
    probe = msgspec.convert({"exec": {"command": ["sh", "-c", "echo $$ > pid; sleep 1000"]}}, Probe)
    asking = asyncio.create_task(complaint_of(attempt_for(probe, target), 1.0))
    assert await asking == "timeout: no answer within 1s"
    pid = (tmp_path / "pid").read_text().strip()
    assert (
        await complaint({"exec": {"command": ["sh", "-c", f"while kill -0 {pid}; do sleep 0.01; done"]}}, target)
        is None
    )


async def test_hooks_sleep_run_commands_and_call(web_port: int, target: ProbeTarget, tmp_path: Path) -> None:
    get = {"port": web_port, "path": "/200", "httpHeaders": [{"name": "X-Who", "value": "node"}]}
    for hook in ({"sleep": {"seconds": 0}}, {"exec": {"command": ["touch", "ran"]}}, {"httpGet": get}):
        await run_hook(msgspec.convert(hook, LifecycleHandler), target)
    assert (tmp_path / "ran").exists()
