"""What does a command gate say? It runs beside the run, which watches the canary meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from mesh.canary.plan import Gate
from mesh.canary.run.moves import name_of
from mesh.canary.run.sight import Answer

_OUTPUT = 2000  # the last characters of what a command says are kept


class Gates:
    """The command gates that were asked, by name."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    def ask(self, gate: Gate, facts: Mapping[str, str]) -> None:
        """Start the gate's command; its environment tells it about the run. A manual gate asks a person."""
        if gate.kind == "cmd":
            environ = {**self._environ, **{f"ARGOSY_CANARY_{name.upper()}": value for name, value in facts.items()}}
            self._asked[name_of(gate)] = asyncio.create_task(_answer(gate, environ))

    def answers(self) -> dict[str, Answer]:
        """Those that have been answered."""
        return {name: task.result() for name, task in self._asked.items() if task.done()}

    def forget(self, name: str) -> None:
        """Its answer has been taken."""
        self._asked.pop(name, None)

    async def close(self) -> None:
        """End the commands that still run."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


async def _answer(gate: Gate, environ: Mapping[str, str]) -> Answer:
    """Passed when the command ends with 0 in time."""
    try:
        process = await asyncio.create_subprocess_shell(
            gate.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        return Answer(passed=False, output=f"`{gate.command}` could not be started: {error}")
    try:
        async with asyncio.timeout(gate.timeout):
            output, _ = await process.communicate()
    except TimeoutError:
        return Answer(passed=False, output=f"`{gate.command}` did not end within {gate.timeout:.0f} s")
    finally:
        await _ended(process)
    said = output.decode(errors="replace").strip()[-_OUTPUT:]
    return Answer(process.returncode == 0, said or f"`{gate.command}` ended with {process.returncode}")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """The command and all it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
