"""How is a port in a cluster reached from here? Through `kubectl port-forward`, started again whenever it breaks."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import cast

from mesh.kubectl import Kubectl
from mesh.local.node import launcher
from mesh.local.problems import LocalClusterError

STARTS_WITHIN = 20.0
BEFORE_THE_NEXT = 0.5
_CHUNK = 4096
_FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


class NoWayIn(LocalClusterError):
    """The port cannot be reached; the message says what there is not."""

    exit_code = 3


@asynccontextmanager
async def forwarded(kubectl: Kubectl, namespace: str, target: str, port: int) -> AsyncIterator[int]:
    """A port on 127.0.0.1 that leads to `port` of `target` (`service/gateway`) while the block runs.

    The tunnel ends when its pod does, and with the first connection the pod refuses; the next one starts by itself, on
    the same port, so its user only sees a broken connection. Raises NoWayIn when the first one does not come up.
    """
    arguments = ["port-forward", f"--namespace={namespace}", "--address=127.0.0.1", "--pod-running-timeout=10s", target]
    tunnel = await _dig(kubectl.command(*arguments, f":{port}"))
    again = kubectl.command(*arguments, f"{tunnel.port}:{port}")
    keeper = asyncio.create_task(_keep(tunnel, again))
    try:
        yield tunnel.port
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper


@dataclass(frozen=True)
class _Tunnel:
    """A running `kubectl port-forward` that listens on `port`."""

    process: asyncio.subprocess.Process
    output: asyncio.StreamReader
    port: int

    async def collapsed(self) -> None:
        """Wait for its end. What it says of every connection is read, or it would stop at a full pipe."""
        while await self.output.read(_CHUNK):
            pass
        await self.process.wait()


async def _keep(tunnel: _Tunnel, command: list[str]) -> None:
    """Dig the tunnel again whenever it has collapsed, until cancelled."""
    while True:
        try:
            await tunnel.collapsed()
        finally:
            await _end(tunnel.process)
        tunnel = await _dig_until_through(command)


async def _dig_until_through(command: list[str]) -> _Tunnel:
    while True:
        await asyncio.sleep(BEFORE_THE_NEXT)
        with suppress(NoWayIn):  # there may be no pod just now
            return await _dig(command)


async def _dig(command: list[str]) -> _Tunnel:
    process = await asyncio.create_subprocess_exec(
        # Ours to end: Ctrl-C does not reach it, and it does not outlive us, however we end.
        *(sys.executable, launcher.__file__, "-", *command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            output = cast("asyncio.StreamReader", process.stdout)  # it was asked for
            return _Tunnel(process, output, await _listening(output))
    except TimeoutError:
        await _end(process)
        raise NoWayIn(f"kubectl port-forward did not start within {STARTS_WITHIN:.0f} s") from None
    except BaseException:
        await _end(process)
        raise


async def _listening(output: asyncio.StreamReader) -> int:
    said: list[str] = []
    async for line in output:
        said.append(line.decode(errors="replace").strip())
        if found := _FORWARDING.search(said[-1]):
            return int(found[1])
    raise NoWayIn(f"kubectl port-forward: {' '.join(said)}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)  # its own kill() takes an end that asyncio waits for, which complains
    await process.communicate()  # what it has said is taken, or its pipe would stay open
