"""How do tests run a service? In this process, on a real port, with everything around it that a pod has.

async with serve(Hosted(servicers=[...])) as channel:
    stub = CatalogServiceStub(channel)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.hosting import Host, Hosted, HostSettings
from services.hosting.lifecycle import serving


@dataclass
class FakeClock:
    """A clock that moves when told to."""

    seconds: float = 1000.0
    began: datetime = field(default_factory=lambda: datetime(2026, 1, 1, tzinfo=UTC))

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds - 1000.0)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


def settings(**given: Any) -> HostSettings:
    """Settings for a test: a port of its own on loopback, no waiting at the end."""
    quick: dict[str, Any] = {"listen_address": "127.0.0.1:0", "drain_delay_seconds": 0.0, "drain_seconds": 0.0}
    return HostSettings(**quick | given)


@asynccontextmanager
async def serve(hosted: Hosted, host: Host | None = None, **given: Any) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to `hosted`, which is served as in a pod; `given` are settings."""
    host = host or Host(settings(**given))
    async with serving(host, hosted) as address, grpc.aio.insecure_channel(address) as channel:
        yield channel


def access_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """The lines of the access log, as far as it was captured."""
    return [vars(record) for record in caplog.records if record.name == "argosy.access"]


def reason(error: grpc.aio.AioRpcError) -> str:
    """The reason in the error's google.rpc.ErrorInfo."""
    return str(info(error).reason)


def info(error: grpc.aio.AioRpcError) -> error_details_pb2.ErrorInfo:
    """The error's google.rpc.ErrorInfo."""
    found = error_details_pb2.ErrorInfo()
    detail(error, found)
    return found


def blamed(error: grpc.aio.AioRpcError) -> list[str]:
    """The fields named in the error's google.rpc.BadRequest, in its order."""
    return [violation.field for violation in detail(error, error_details_pb2.BadRequest()).field_violations]


def detail(error: grpc.aio.AioRpcError, into: Any) -> Any:
    """The detail of that type in the error's google.rpc.Status; as empty as it was when there is none."""
    status = rpc_status.from_call(error)
    for packed in status.details if status else ():
        packed.Unpack(into)
    return into
