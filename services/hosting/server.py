"""Where and how does the process listen? One grpc.aio server, on TCP or on a private unix socket."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc

from services.hosting.errors import CannotStart

MEBIBYTE = 1024 * 1024

OPTIONS: Sequence[tuple[str, int]] = (
    # On by default: a forgotten process on the same port would silently take half of the calls.
    ("grpc.so_reuseport", 0),
    # Requests are forms of a few KiB; a page of a thousand orders is the largest answer.
    ("grpc.max_receive_message_length", MEBIBYTE),
    ("grpc.max_send_message_length", 8 * MEBIBYTE),
    # Callers may ping every 10 s, also without a call, before they are sent away as a nuisance. gRPC's
    # default is 300 s, which any keepalive that a DestinationRule gives Envoy would offend. We ping
    # idle connections each minute, so that a frozen sidecar is noticed within 80 s. Connections have
    # no greatest age: behind a sidecar there is one caller, next door, and Envoy does the balancing.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)

# Our own limit (mesh.resilience.admission) answers with details, counts and logs; gRPC's, twice as high, bounds
# what a flood can queue. It also counts probes, which is why it is not the limit itself.
_HEADROOM = 64


def create_server(interceptors: Sequence[grpc.aio.ServerInterceptor], max_concurrent_rpcs: int) -> grpc.aio.Server:
    """A server that sheds with RESOURCE_EXHAUSTED what is far beyond the `max_concurrent_rpcs` it may answer."""
    return grpc.aio.server(
        interceptors=interceptors,
        options=OPTIONS,
        maximum_concurrent_rpcs=2 * max_concurrent_rpcs + _HEADROOM,
    )


@contextmanager
def listening(server: grpc.aio.Server, address: str) -> Iterator[str]:
    """Listen at `address` (host:port or unix:/path) from the start of `server` to the end of the block.

    Yields the address, with the port that was chosen for port 0. Raises CannotStart when the
    address is in use, or its folder is missing or not ours to write.
    """
    if not address.startswith("unix:"):
        yield f"{address.rpartition(':')[0]}:{_bind(server, address)}"
        return
    path = Path(address.removeprefix("unix:"))
    remove_stale(path, "LISTEN_ADDRESS")
    before = os.umask(0o177)  # the socket is private from its first moment
    try:
        _bind(server, address)
    finally:
        os.umask(before)
    try:
        yield address
    finally:
        path.unlink(missing_ok=True)


def _bind(server: grpc.aio.Server, address: str) -> int:
    try:
        return server.add_insecure_port(address)  # mTLS is the sidecar's
    except RuntimeError:
        raise CannotStart(
            f"LISTEN_ADDRESS={address!r} cannot be bound: it is in use, or not an address of this machine"
        ) from None


def remove_stale(path: Path, setting: str) -> None:
    """Remove what a killed process left at `path`; never a socket that still answers. Raises CannotStart."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise CannotStart(f"{setting}: {path} exists and is not a socket")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            probe.connect(str(path))
        raise CannotStart(f"{setting}: another process answers at {path}")
    except ConnectionRefusedError:
        path.unlink()
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise CannotStart(f"{setting}: the folder {path.parent} does not exist") from None
