"""How is a container asked whether it is well? gRPC health, HTTP, TCP and commands."""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from lightkube.models.core_v1 import Container, ExecAction, GRPCAction, HTTPGetAction, Probe, TCPSocketAction

from mesh.local.node.pod_spec import Command
from mesh.local.node.process import CannotStart, spawn

log = logging.getLogger(__name__)

_OK_STATUSES = range(200, 400)
_MESSAGE_LIMIT = 1024


class Unhealthy(Exception):
    """A probe's answer was no; the text says why, in the kubelet's words where it has any."""


@dataclass(frozen=True)
class ProbeTarget:
    """Where one container is reached, and how its commands are run."""

    address: str
    sockets: Mapping[int, Path]
    """The ports that its proxy took: the application itself listens on these."""
    ports: Mapping[str, int]
    command: Command

    @classmethod
    def of(cls, container: Container, address: str, sockets: Mapping[int, Path], command: Command) -> ProbeTarget:
        ports = {port.name: port.containerPort for port in container.ports or [] if port.name}
        return cls(address, sockets, ports, command)


Attempt = Callable[[], Awaitable[None]]
"""One try; raises Unhealthy."""


async def complaint_of(attempt: Attempt, seconds: float | None = None) -> str | None:
    """Why `attempt` failed, or did not end within `seconds`; None when it succeeded.

    Whatever an attempt raises is a failed attempt: a probe or hook must not be able to end its pod.
    """
    try:
        async with asyncio.timeout(seconds):
            await attempt()
    except Unhealthy as problem:
        return str(problem)
    except TimeoutError:
        return f"timeout: no answer within {seconds:g}s" if seconds else "timeout"
    except Exception as error:
        log.warning("an attempt failed in an unforeseen way", exc_info=True)
        return f"{type(error).__name__}: {error}"
    return None


def attempt_for(probe: Probe, target: ProbeTarget) -> Attempt:
    """How `probe` is tried once; each try is a fresh connection, as the kubelet's is."""

    async def attempt() -> None:
        if probe.grpc:
            await _ask_grpc(probe.grpc, target)
        elif probe.httpGet:
            await ask_http(probe.httpGet, target)
        elif probe.tcpSocket:
            await _connect(probe.tcpSocket, target)
        elif probe.exec:
            await execute(probe.exec, target)

    return attempt


async def _ask_grpc(action: GRPCAction, target: ProbeTarget) -> None:
    socket = target.sockets.get(action.port)
    if socket is not None and not socket.exists():
        raise Unhealthy(f"{socket} does not exist yet")
    address = f"unix:{socket}" if socket else f"{target.address}:{action.port}"
    request = health_pb2.HealthCheckRequest(service=action.service or "")
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            response = await health_pb2_grpc.HealthStub(channel).Check(request)
        except grpc.aio.AioRpcError as error:
            raise Unhealthy(f"{error.code().name}: {error.details()}") from error
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        name = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
        raise Unhealthy(f"service unhealthy (responded with {name!r})".replace("'", '"'))


async def ask_http(action: HTTPGetAction, target: ProbeTarget) -> None:
    """One GET; raises Unhealthy unless the answer is 2xx or 3xx."""
    port = _port(action.port, target)
    socket = target.sockets.get(port)
    host = action.host or target.address
    url = f"{(action.scheme or 'HTTP').lower()}://{host}:{port}/{(action.path or '/').lstrip('/')}"
    headers = {header.name: header.value for header in action.httpHeaders or []}
    # Probes do not verify certificates, here as on a cluster: a pod's address is in none.
    connector = aiohttp.UnixConnector(str(socket)) if socket else aiohttp.TCPConnector(ssl=False)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            if response.status not in _OK_STATUSES:
                raise Unhealthy(f"HTTP probe failed with statuscode: {response.status}")
    except aiohttp.ClientError as error:
        raise Unhealthy(f'Get "{url}": {error}') from error


async def _connect(action: TCPSocketAction, target: ProbeTarget) -> None:
    port = _port(action.port, target)
    socket = target.sockets.get(port)
    try:
        if socket:
            _, writer = await asyncio.open_unix_connection(socket)
        else:
            _, writer = await asyncio.open_connection(action.host or target.address, port)
    except OSError as error:
        raise Unhealthy(f"dial tcp {target.address}:{port}: {error}") from error
    writer.close()


async def execute(action: ExecAction, target: ProbeTarget) -> None:
    """Run a command beside the container, with its environment; raises Unhealthy unless it exits with 0."""
    command = target.command
    with tempfile.TemporaryFile() as output:
        try:
            process = spawn(
                action.command or [],
                environment=command.environment,
                working_directory=command.working_directory,
                output=output,
            )
        except CannotStart as error:
            raise Unhealthy(f"command cannot be run: {error}") from error
        try:
            ended = await process.wait()
        finally:
            process.signal_group(signal.SIGKILL)
        if ended.code != 0:
            output.seek(0)
            said = output.read(_MESSAGE_LIMIT).decode(errors="replace").strip()
            raise Unhealthy(said or f"exit code {ended.code}")


def _port(named: int | str, target: ProbeTarget) -> int:
    if isinstance(named, int):
        return named
    if named not in target.ports:
        raise Unhealthy(f"the container has no port named {named}")
    return target.ports[named]
