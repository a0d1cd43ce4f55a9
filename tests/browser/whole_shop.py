"""The whole shop as processes of this machine, on SQLite files and without a mesh, for whoever uses its page.

async with opened(folder, SOLD) as shop:
    shop.page       http://127.0.0.1:PORT
    async with shop.without("recommendations"): ...
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.hosting.processes import QUICK, mortal

SOLD = Path(__file__).parents[2] / "k8s" / "base" / "products" / "products.json"
# Each wave calls only those before it.
WAVES = (("catalog", "inventory", "payments", "users", "cart"), ("orders",), ("recommendations",), ("storefront",))
SEEDED = ("catalog", "inventory")
STARTS_WITHIN = 60.0  # seconds, on a busy machine


class Service:
    """One service's process, which can be stopped and started again where it was."""

    def __init__(self, name: str, log: Path, environment: Mapping[str, str]) -> None:
        self.name, self._log, self._environment = name, log, dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self.address = ""

    async def start(self) -> None:
        """Run until it serves."""
        with self._log.open("ab") as log:
            began = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *mortal(f"services.{self.name}"),
                env={**os.environ, **QUICK, **self._environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        async with asyncio.timeout(STARTS_WITHIN):
            while not (address := self._said("serving", began)):
                assert self._process.returncode is None, self._log.read_text()[-3000:]
                await asyncio.sleep(0.05)
        self.address = self._environment["LISTEN_ADDRESS"] = address

    async def stop(self) -> None:
        """Kill it, as a machine that fails would."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self.process.send_signal(number)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """What runs; signals reach the service itself."""
        assert self._process
        return self._process

    async def command(self, *words: str) -> None:
        """Run one of its commands, on its database."""
        environment = {**os.environ, **QUICK, **self._environment}
        command = [sys.executable, "-m", f"services.{self.name}", *words]
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
        assert await process.wait() == 0

    @property
    def page(self) -> str:
        """Where it speaks HTTP."""
        return f"http://{self._said('serving http', 0)}"

    def _said(self, message: str, since: int) -> str:
        """The address in a line of its log, once there is one."""
        for line in self._log.read_bytes()[since:].splitlines():
            if line.startswith(b"{") and line.endswith(b"}") and (entry := json.loads(line))["message"] == message:
                return str(entry["address"])
        return ""


@dataclass(frozen=True)
class WholeShop:
    """Every service, by name."""

    services: Mapping[str, Service]
    folder: Path

    @property
    def page(self) -> str:
        """The storefront's address."""
        return self.services["storefront"].page

    @asynccontextmanager
    async def without(self, name: str) -> AsyncIterator[None]:
        """A service is gone while the block runs."""
        await self.services[name].stop()
        try:
            yield
        finally:
            await self.services[name].start()


@asynccontextmanager
async def opened(folder: Path, products: Path) -> AsyncIterator[WholeShop]:
    """Every service, started; killed at the end of the block."""
    services: dict[str, Service] = {}
    async with AsyncExitStack() as stack:
        for wave in WAVES:
            addresses = {f"{name.upper()}_SERVICE_ADDR": service.address for name, service in services.items()}
            begun = {
                name: Service(name, folder / f"{name}.log", _told(name, folder, products) | addresses) for name in wave
            }
            for service in begun.values():
                stack.push_async_callback(service.stop)
            async with asyncio.TaskGroup() as starting:
                for service in begun.values():
                    starting.create_task(service.start())
            services |= begun
        yield WholeShop(services, folder)


def _told(name: str, folder: Path, products: Path) -> dict[str, str]:
    told = {
        "POD_NAME": f"{name}-1",
        "HTTP_ADDRESS": "127.0.0.1:0",
        "JWKS_ADDRESS": "127.0.0.1:0",
        "OTEL_SDK_DISABLED": "true",
    }
    if name != "storefront":
        told["DATABASE_URL"] = f"sqlite+aiosqlite:///{folder}/{name}.db"
    return told | ({"SEED_FILE": str(products)} if name in SEEDED else {})
