"""A real orders process, to be killed, frozen and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from shop.orders.v1.orders_pb2_grpc import OrdersServiceStub

from tests.hosting.processes import mortal
from tests.orders.relay import Answer, Deed, forever
from tests.orders.shop import Shop

CHECKOUT = Path(__file__).parents[2]


@dataclass
class Victim:
    """The process, and what a relay can do to it when one of its calls arrives."""

    process: asyncio.subprocess.Process
    orders: OrdersServiceStub
    late: list[tuple[bytes, Answer]] = field(default_factory=list)
    _thawed: asyncio.Event = field(default_factory=asyncio.Event)

    def kill_before(self) -> Deed:
        """It dies as its call arrives, which comes to nothing."""

        async def deed(_: bytes, __: Answer) -> bytes:
            self.process.kill()
            await forever()
            raise AssertionError

        return deed

    def kill_after(self) -> Deed:
        """It dies when its call has been done, before the answer arrives."""

        async def deed(request: bytes, answer: Answer) -> bytes:
            with suppress(grpc.aio.AioRpcError):  # a refusal is an answer, too
                await answer(request)
            return await self.kill_before()(request, answer)

        return deed

    def kill_and_deliver_late(self) -> Deed:
        """It dies as its call arrives; the call is done when everything is over (`deliver_late`)."""

        async def deed(request: bytes, answer: Answer) -> bytes:
            self.late.append((request, answer))
            return await self.kill_before()(request, answer)

        return deed

    def freeze_before(self) -> Deed:
        """It is stopped as its call arrives; the call goes on, if anybody still waits for it, at `thaw`."""

        async def deed(request: bytes, answer: Answer) -> bytes:
            self.process.send_signal(signal.SIGSTOP)
            await self._thawed.wait()
            return await answer(request)

        return deed

    def thaw(self) -> None:
        """Let it run again, however long ago its calls reached their deadlines."""
        self.process.send_signal(signal.SIGCONT)
        self._thawed.set()

    async def deliver_late(self) -> None:
        """Let what was on its way arrive; it may be refused."""
        for request, answer in self.late:
            try:
                await answer(request)
            except grpc.aio.AioRpcError as error:
                assert error.code() is grpc.StatusCode.FAILED_PRECONDITION  # noqa: PT017  # other codes are failures


DEATHS: Mapping[str, Callable[[Victim], Deed]] = {
    "never arrives": Victim.kill_before,
    "is done": Victim.kill_after,
    "arrives late": Victim.kill_and_deliver_late,
}
"""What becomes of the call during which it dies."""


@asynccontextmanager
async def orders_process(shop: Shop, **given: str) -> AsyncIterator[Victim]:
    """`python -m services.orders` on the shop's database, ready; killed in the end if it still lives."""
    with tempfile.TemporaryDirectory(prefix="orders-") as folder:  # a socket's path must be short
        socket = f"unix:{folder}/orders.sock"
        told = {
            "listen_address": socket,
            "metrics_address": "127.0.0.1:0",
            # Others need not wait long for what it leaves; it takes nothing over itself, not even what is slow.
            "order_lease_seconds": "0.5",
            "recovery_interval_seconds": "0",
        }
        environment = {name.upper(): value for name, value in (shop.orders_environment() | told | given).items()}
        process = await asyncio.create_subprocess_exec(
            *mortal("services.orders"), cwd=CHECKOUT, env={**os.environ, **environment}
        )
        try:
            async with grpc.aio.insecure_channel(socket, [("grpc.initial_reconnect_backoff_ms", 50)]) as channel:
                await channel.channel_ready()
                yield Victim(process, OrdersServiceStub(channel))
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
