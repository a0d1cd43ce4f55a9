"""What does a generator call when it is the generator that is measured? A server that does next to nothing.

A gRPC server in Python takes more of a processor for a call than whoever calls, so it would be what is measured. This
one speaks just enough HTTP/2 (RFC 9113): whatever is asked, it answers with the same ready bytes, a message whose first
field is a product. To every RPC of the catalog that is an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from struct import Struct

from shop.catalog.v1.catalog_pb2 import ListProductsResponse

from loadtest.bench.target import MUG, Catalog

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE = 0, 1, 4, 6, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
HEAD = Struct("!BHBBL")  # the length's first byte and its other two, type, flags, stream
WINDOW = 2**30  # bytes that a client may send before it would wait for more room: for millions of calls

# HPACK (RFC 7541): an indexed field, literals with and without an indexed name; nothing that has to be remembered.
ANSWER = b"\x88" + b"\x0f\x10" + b"\x10application/grpc"  # :status 200, content-type
TRAILERS = b"\x00" + b"\x0bgrpc-status" + b"\x010"
MESSAGE = ListProductsResponse(products=[MUG]).SerializeToString()
BODY = b"\x00" + len(MESSAGE).to_bytes(4, "big") + MESSAGE


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame of HTTP/2."""
    return HEAD.pack(len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, stream) + payload


def answer(stream: int) -> bytes:
    """The whole answer on one stream."""
    return (
        frame(HEADERS, END_HEADERS, stream, ANSWER)
        + frame(DATA, 0, stream, BODY)
        + frame(HEADERS, END_HEADERS | END_STREAM, stream, TRAILERS)
    )


class Connection(asyncio.Protocol):
    """One connection: every request that has ended is answered, and counted in the catalog."""

    def __init__(self, catalog: Catalog, connected: set[asyncio.Transport]) -> None:
        self._catalog, self._connected = catalog, connected
        self._unread = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Says what has to be said first."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of TCP
        self._transport = transport
        self._connected.add(transport)
        room = frame(WINDOW_UPDATE, 0, 0, WINDOW.to_bytes(4, "big"))
        transport.write(frame(SETTINGS, 0, 0, b"") + room)
        self._begun = False

    def connection_lost(self, _exc: Exception | None) -> None:
        """Is forgotten."""
        self._connected.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answers what has arrived in full."""
        self._unread += data
        if not self._begun:
            if len(self._unread) < len(PREFACE):
                return
            del self._unread[: len(PREFACE)]
            self._begun = True
        answers = []
        while len(self._unread) >= HEAD.size:
            high, low, kind, flags, stream = HEAD.unpack_from(self._unread)
            end = HEAD.size + (high << 16) + low
            if len(self._unread) < end:
                break
            answers.append(self._answered(kind, flags, stream, bytes(self._unread[HEAD.size : end])))
            del self._unread[:end]
        self._transport.write(b"".join(answers))

    def _answered(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        if kind in {DATA, HEADERS} and flags & END_STREAM:
            self._catalog.calls += 1
            return answer(stream)
        if kind in {SETTINGS, PING} and not flags & ACK:
            return frame(kind, ACK, 0, payload if kind == PING else b"")
        return b""


@asynccontextmanager
async def null(catalog: Catalog) -> AsyncIterator[str]:
    """The server, which counts where `another_process` looks; yields its address."""
    connected: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(catalog, connected), "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            server.close()
            for transport in connected:
                transport.abort()
            await asyncio.sleep(0)  # what is aborted is closed by the loop
