"""A whole shop in this process, served from a thread of its own, and how the fuzz calls it with bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
from anyio.from_thread import BlockingPortal, start_blocking_portal
from google.protobuf.descriptor import MethodDescriptor
from grpc.aio import AioRpcError

from services.hosting import Host
from services.hosting.lifecycle import serving
from tests.fuzz.verdict import Answer
from tests.hosting.databases import Databases

CALLEES_FIRST = ("catalog", "inventory", "payments", "users", "cart", "orders", "recommendations")
ADMINISTERED = "recommendations"  # breakers forced open there stand in nobody's way
PATIENCE = 30.0

Metadata = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Target:
    """The services, by name, as a caller without a thread of its own sees them."""

    portal: BlockingPortal
    channels: Mapping[str, grpc.aio.Channel]

    def call(self, method: MethodDescriptor, content: bytes, metadata: Metadata = ()) -> Answer:
        """Send these bytes to this method; of a stream only the first answer is read."""
        return self.portal.call(self._call, method, content, metadata)

    async def _call(self, method: MethodDescriptor, content: bytes, metadata: Metadata) -> Answer:
        service = method.containing_service
        name = service.file.package.split(".")[1]
        channel = self.channels.get(name, self.channels[ADMINISTERED])
        path = f"/{service.full_name}/{method.name}"
        return await answered(channel, path, content, metadata, streaming=method.server_streaming)


async def answered(channel: Any, path: str, content: bytes, metadata: Metadata, *, streaming: bool) -> Answer:
    """What comes back for these bytes."""
    how = {"timeout": PATIENCE, "metadata": tuple(metadata)}
    try:
        if streaming:
            stream = channel.unary_stream(path)(content, **how)
            await stream.read()
            stream.cancel()
        else:
            await channel.unary_unary(path)(content, **how)
    except AioRpcError as error:
        return Answer(error.code(), "\n".join([error.details() or "", *_trailers(error)]))
    return Answer(grpc.StatusCode.OK, "")


def _trailers(error: AioRpcError) -> Iterator[str]:
    for _, value in error.trailing_metadata() or ():
        yield value if isinstance(value, str) else value.decode(errors="replace")


@contextmanager
def opened(databases: Databases, seed: Path) -> Iterator[Target]:
    """Every service on databases of its own, with the products in `seed`."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_services(databases, seed)) as channels,
    ):
        yield Target(portal, channels)


@asynccontextmanager
async def _services(databases: Databases, seed: Path) -> AsyncIterator[Mapping[str, grpc.aio.Channel]]:
    addresses: dict[str, str] = {}
    channels = {}
    async with AsyncExitStack() as stack:
        for name in CALLEES_FIRST:
            addresses[name] = await stack.enter_async_context(_service(name, databases, seed, addresses))
            channels[name] = await stack.enter_async_context(grpc.aio.insecure_channel(addresses[name]))
        yield channels


@asynccontextmanager
async def _service(name: str, databases: Databases, seed: Path, addresses: Mapping[str, str]) -> AsyncIterator[str]:
    module = import_module(f"services.{name}.__main__")
    kind = getattr(module, f"{name.capitalize()}Settings")
    told = {
        "listen_address": "127.0.0.1:0",
        "jwks_address": "127.0.0.1:0",
        "drain_delay_seconds": 0.0,
        "drain_seconds": 0.0,
        "adaptive_limit": "off",
        "database_url": databases.url(name),
        "seed_file": seed,
        **{f"{callee}_service_addr": address for callee, address in addresses.items()},
    }
    settings = kind(**{field.name: told[field.name] for field in fields(kind) if field.name in told})
    host = Host(settings)
    async with module.build(settings, host) as hosted, serving(host, hosted) as address:
        yield address
