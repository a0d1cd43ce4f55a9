"""What the API server asks the node when somebody types `kubectl logs`: the kubelet's HTTPS endpoint.

Only the API server is answered: the caller shows a certificate of the cluster's authority with its common name.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from aiohttp import web

from mesh.local.node.config import NodeConfig
from mesh.local.node.log_files import LogFile
from mesh.local.node.log_requests import BadLogRequest, LogRequest, tail_offset

_FOLLOW_SECONDS = 0.1
_CHUNK = 64 * 1024


class ContainerLogs(Protocol):
    """How the endpoint sees one container."""

    def log(self, *, previous: bool) -> LogFile | None:
        """A run's file."""

    def writing(self, file: LogFile) -> bool:
        """Whether more may be written to it."""


FindContainer = Callable[[str, str, str], ContainerLogs | None]
"""By namespace, pod and container."""


class LogsEndpoint:
    """Serves logs over mutual TLS."""

    def __init__(self, config: NodeConfig, find: FindContainer) -> None:
        self._config, self._find = config, find
        application = web.Application(middlewares=[self._require_api_server])
        application.add_routes(
            [
                web.get("/containerLogs/{namespace}/{pod}/{container}", self._logs),
                web.get("/healthz", self._healthy),
                web.route("*", "/{other:.*}", self._unsupported),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)

    async def serve(self) -> None:
        """Serve until cancelled."""
        await self._runner.setup()
        host, _, port = self._config.log_address.rpartition(":")
        site = web.TCPSite(self._runner, host, int(port), ssl_context=self._tls(), reuse_address=True)
        try:
            await site.start()
            await asyncio.Event().wait()
        finally:
            await self._runner.cleanup()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self._config.log_client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self._config.log_certificate, self._config.log_key)
        return context

    @web.middleware
    async def _require_api_server(
        self, request: web.Request, handler: Callable[[web.Request], object]
    ) -> web.StreamResponse:
        certificate = request.get_extra_info("peercert") or {}
        names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
        if names != [self._config.log_client_name]:
            raise web.HTTPForbidden(text="only the API server may ask")
        response: web.StreamResponse = await handler(request)  # type: ignore[misc]  # aiohttp's Handler is awaitable
        return response

    async def _healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _unsupported(self, request: web.Request) -> web.Response:
        text = f"the local node does not offer {request.path}: pods are processes, there is nothing to enter\n"
        return web.Response(status=501, text=text)

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        where = request.match_info
        found = self._find(where["namespace"], where["pod"], where["container"])
        try:
            wanted = LogRequest.of(request.query, time.time())
        except BadLogRequest as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        file = found.log(previous=wanted.previous) if found else None
        if found is None or file is None:
            which = "previous terminated container" if wanted.previous else "container"
            raise web.HTTPNotFound(text=f'{which} "{where["container"]}" in pod "{where["pod"]}" not found')
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        async for chunk in _chunks(found, file, wanted):
            await response.write(chunk)
        return response


async def _chunks(container: ContainerLogs, file: LogFile, wanted: LogRequest) -> AsyncIterator[bytes]:
    """The asked-for part of `file`, then what is added to it while somebody follows."""
    left = wanted.limit_bytes
    async for offset, chunk in _read(container, file, _first_offset(file, wanted), follow=wanted.follow):
        text = _stamped(file, offset, chunk) if wanted.timestamps else chunk
        if left is not None:
            text = text[:left]
            left -= len(text)
        yield text
        if left == 0:
            return


def _first_offset(file: LogFile, wanted: LogRequest) -> int:
    if file.size() == 0:
        return 0
    offsets = [0]
    if wanted.since is not None:
        offsets.append(file.offset_at(wanted.since))
    if wanted.tail_lines is not None:
        offsets.append(tail_offset(file.path, wanted.tail_lines))
    return max(offsets)


async def _read(
    container: ContainerLogs, file: LogFile, offset: int, *, follow: bool
) -> AsyncIterator[tuple[int, bytes]]:
    """Whole lines as they come, with the offset each chunk begins at."""
    while True:
        more_may_come = follow and container.writing(file)
        if file.size() < offset:
            offset = 0  # it was cut
        chunk = _whole_lines(file, offset, to_the_end=not more_may_come)
        if chunk:
            yield offset, chunk
            offset += len(chunk)
        elif more_may_come:
            await asyncio.sleep(_FOLLOW_SECONDS)
        else:
            return


def _whole_lines(file: LogFile, offset: int, *, to_the_end: bool) -> bytes:
    if file.size() <= offset:
        return b""
    with file.path.open("rb") as handle:
        handle.seek(offset)
        chunk = handle.read(_CHUNK)
    full = len(chunk) == _CHUNK
    if to_the_end and not full:
        return chunk  # with its last line, finished or not
    end = chunk.rfind(b"\n") + 1
    return chunk[: end or _CHUNK] if end or full else b""


def _stamped(file: LogFile, offset: int, chunk: bytes) -> bytes:
    lines = []
    for line in chunk.splitlines(keepends=True):
        moment = file.time_of(offset, time.time())
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1e9):09d}Z "
        lines.append(stamp.encode() + line)
        offset += len(line)
    return b"".join(lines)
