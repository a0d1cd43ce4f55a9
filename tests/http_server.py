"""How does a test answer HTTP? With a server in its own process, until the block ends."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

OWN_ADDRESS = f"127.{34 + os.getpid() % 64}.{os.getpid() // 64 % 256}.1"
"""Where this process may let a pod listen: other workers run theirs, at the same ports."""


@asynccontextmanager
async def serving(*routes: web.RouteDef, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Answer at these routes while the block runs; yields the port, a free one where none is asked for."""
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
