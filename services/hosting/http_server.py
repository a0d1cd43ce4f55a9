"""How does a service speak HTTP beside gRPC? One uvicorn in the same event loop, with the same beginning and end.

uvicorn hears no signals here and writes no log: the life cycle tells it when to stop (lifecycle.py), and what is
written down about a request is what is written down about a call (http_requests.py).
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from services.hosting.errors import CannotStart
from services.hosting.server import remove_stale

Asgi = Callable[[Any, Any, Any], Any]
"""An ASGI application: https://asgi.readthedocs.io/en/latest/specs/main.html."""

# A sidecar keeps connections to us for an hour. Whoever closes first while the other sends loses a request:
# so it is never we.
KEEP_ALIVE_SECONDS = 3660
LARGEST_HEAD = 16 * 1024  # request line and headers; cookies with two tokens are the largest part

logger = logging.getLogger("argosy.host")


@dataclass(frozen=True)
class Http:
    """What a service serves over HTTP, and where."""

    app: Asgi
    address: str  # host:port or unix:/path
    endless: Callable[[str], bool] = lambda _: False
    """Whether the answer at this path lasts as long as its reader likes."""
    setting: str = "HTTP_ADDRESS"  # where the address comes from
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the drain begins: what is endless ends, and answers say that they are the last of their connection."""


class HttpServer(uvicorn.Server):
    """A uvicorn that is told when to start and to stop."""

    def __init__(self, config: uvicorn.Config, leaving: asyncio.Event) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self._leaving = leaving

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a generator's type there
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def leave(self) -> None:
        """Go on answering, and say with each answer that others should be asked from now on."""
        self._leaving.set()

    def stop(self) -> None:
        """Take no more connections; let running requests end, for as long as the configuration says."""
        self.should_exit = True

    def hurry(self) -> None:
        """Wait for nothing."""
        self.should_exit = self.force_exit = True


@asynccontextmanager
async def http_served(http: Http, app: Asgi, drain_seconds: float) -> AsyncIterator[HttpServer]:
    """Serve `app` at the address of `http`; when the block ends, so does the server. Raises CannotStart."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    server = HttpServer(
        uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # uvicorn starts a connection's next request from within the last one, whose deadline it would inherit.
            reset_contextvars=True,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, math.ceil(drain_seconds)),
            h11_max_incomplete_event_size=LARGEST_HEAD,
        ),
        http.leaving,
    )
    with bound(http.address, http.setting) as (listener, address):
        task = asyncio.create_task(server.serve([listener]))
        await server.listening.wait()
        logger.info("serving http", extra={"address": address})
        try:
            yield server
        finally:
            server.stop()
            await task


@contextmanager
def bound(address: str, setting: str) -> Iterator[tuple[socket.socket, str]]:
    """A socket at `address`, and the address with the port that was chosen for port 0."""
    if not address.startswith("unix:"):
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Only where the protocol is named does asyncio switch off Nagle's algorithm, which costs 40 ms a page.
        with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the last process' connections linger
            _bind(listener, (host, int(port)), setting)
            yield listener, f"{address.rpartition(':')[0]}:{listener.getsockname()[1]}"
        return
    path = Path(address.removeprefix("unix:"))
    remove_stale(path, setting)
    with socket.socket(socket.AF_UNIX) as listener:
        before = os.umask(0o177)  # the socket is private from its first moment
        try:
            _bind(listener, str(path), setting)
        finally:
            os.umask(before)
        try:
            yield listener, address
        finally:
            path.unlink(missing_ok=True)


def _bind(listener: socket.socket, where: Any, setting: str) -> None:
    try:
        listener.bind(where)
    except OSError as error:
        raise CannotStart(f"{setting}={where!r} cannot be bound: {error.strerror or error}") from None
