"""How does the gateway answer whoever comes? One request at a time, of gRPC or of HTTP, with whatever headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

import grpc

DEADLINE = 10.0


@dataclass(frozen=True)
class Answer:
    """What came back, and from which pod; a proxy that answered for it is none."""

    code: grpc.StatusCode
    body: bytes = b""
    pod: str = ""
    details: str = ""


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def rpc(gateway: str, path: str, body: bytes = b"", metadata: Mapping[str, str] | None = None) -> Answer:
    """The answer to one call on a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(gateway, options=options) as channel:
        call = channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
        try:
            answer, said = call.with_call(body, timeout=DEADLINE, metadata=tuple((metadata or {}).items()))
        except grpc.RpcError as error:
            return Answer(error.code(), pod=_pod(error.trailing_metadata()), details=error.details() or "")
        return Answer(grpc.StatusCode.OK, answer, _pod(said.trailing_metadata()))


def _pod(metadata: Iterable[Any] | None) -> str:
    return str(dict(metadata or ()).get("argosy-pod", ""))


@contextmanager
def browser(gateway: str, address: str = "") -> Iterator[HTTPConnection]:
    """One connection of HTTP/1.1, from a local address of one's own choice."""
    host, port = gateway.rsplit(":", 1)
    with closing(HTTPConnection(host, int(port), timeout=DEADLINE, source_address=(address, 0))) as connection:
        yield connection


def status(
    connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> int:
    """The status of one answer, which is read to its end."""
    connection.request(method, path, body or None, dict(headers or {}))
    with connection.getresponse() as response:
        response.read()
        return response.status
