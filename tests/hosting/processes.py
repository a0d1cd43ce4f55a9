"""How do tests run a service as the process it is in a pod?

async with started("services.catalog", DATABASE_URL=...) as service:
    await service.said("serving")
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mesh.local.node import launcher

QUICK = {
    "LISTEN_ADDRESS": "127.0.0.1:0",
    "METRICS_ADDRESS": "127.0.0.1:0",
    "DRAIN_DELAY_SECONDS": "0",
    "DRAIN_SECONDS": "30",
    "PYTHONUNBUFFERED": "1",
}


class Process:
    """A running service: its log lines so far, and the process itself."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def said(self, message: str) -> dict[str, Any]:
        """Wait for a log line with this message."""
        output = self.process.stdout
        assert output
        while raw := await output.readline():
            self.lines.append(json.loads(raw))
            if self.lines[-1]["message"] == message:
                return self.lines[-1]
        raise AssertionError(f"it ended without saying {message!r}: {self.lines}")

    async def address(self) -> str:
        """Where it listens, once it does."""
        return str((await self.said("serving"))["address"])

    async def ended(self) -> tuple[int, str]:
        """Exit code and what it wrote to stderr, once it has ended; the rest of its log is in `lines`."""
        output, errors = await self.process.communicate()
        self.lines += [json.loads(line) for line in output.splitlines()]
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


def mortal(module: str, *arguments: str) -> list[str]:
    """The command that runs `module` until it ends, or this process does, in whatever way."""
    dies_with_us = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid())]
    return [*dies_with_us, sys.executable, "-m", module, *arguments]


@asynccontextmanager
async def started(module: str, *arguments: str, **environment: str) -> AsyncIterator[Process]:
    """The service `module`, or its command in `arguments`, killed at the end of the block unless it has ended."""
    process = await asyncio.create_subprocess_exec(
        *mortal(module, *arguments),
        env={**os.environ, **QUICK, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
