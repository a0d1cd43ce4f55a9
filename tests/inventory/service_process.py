"""How do tests run a service as a process of its own, which can be killed? Also used by tests/payments."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.hosting.processes import mortal

READY_WITHIN = 30.0  # seconds; a start takes about one


@dataclass(frozen=True)
class ServiceProcess:
    """A running service, a channel to it, and the file its output goes to."""

    process: asyncio.subprocess.Process
    channel: grpc.aio.Channel
    log: Path

    async def kill(self) -> None:
        """SIGKILL, if it still runs: it gets no chance to finish anything."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def running(service: str, url: str, **environ: str) -> AsyncIterator[ServiceProcess]:
    """`python -m services.<service>` on the database at `url`, ready; ended with the block, if it still runs."""
    with tempfile.TemporaryDirectory() as folder:
        address, log = f"unix:{folder}/socket", Path(folder) / "log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *mortal(f"services.{service}"),
                stdout=output,
                stderr=output,
                env={
                    **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
                    "LISTEN_ADDRESS": address,
                    "METRICS_ADDRESS": "127.0.0.1:0",
                    "DATABASE_URL": url,
                    "DRAIN_DELAY_SECONDS": "0",
                    "MAX_CONCURRENT_RPCS": "1000",
                    "ADAPTIVE_LIMIT": "off",
                    "DEFAULT_DEADLINE_SECONDS": "60",  # these tests are about deaths, not about a busy machine
                    **environ,
                },
            )
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                await _ready(process, channel, log)
                yield ServiceProcess(process, channel, log)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _ready(process: asyncio.subprocess.Process, channel: grpc.aio.Channel, log: Path) -> None:
    ended = asyncio.create_task(process.wait())
    answer = asyncio.ensure_future(
        health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=READY_WITHIN
        )
    )
    await asyncio.wait({ended, answer}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        answer.cancel()
        said = await asyncio.to_thread(log.read_text)
        raise AssertionError(f"the service ended with {process.returncode}: {said}")
    ended.cancel()
    assert (await answer).status == health_pb2.HealthCheckResponse.SERVING
