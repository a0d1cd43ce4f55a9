"""How does a program run a canary and follow it? As an operator does: `argosy canary ... --json`, line by line.

async with following("start", "catalog", "--plan", str(plan)) as run:
    await run.until(Kind.OBSERVED, step=1)
    ...
    assert await run.end() == PROMOTED
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from mesh.canary.journal.entry import Entry, Kind

ARGOSY = (sys.executable, "-m", "mesh")
LONGEST_LINE = 2**20  # bytes; a verdict tells all its evidence


class EndedBefore(Exception):
    """The command ended without what was waited for; the message has its exit code and its last words."""


class CanaryRun:
    """One `argosy canary` process, the entries it has printed so far, and what it said to people."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.entries: list[Entry] = []
        self.said = ""
        self._news = asyncio.Event()
        self._over = False

    def of(self, kind: Kind, **facts: Any) -> list[Entry]:
        """The entries of this kind whose facts include these."""
        return [each for each in self.entries if each.kind is kind and facts.items() <= each.facts.items()]

    async def until(self, kind: Kind, **facts: Any) -> Entry:
        """The first such entry, as soon as it is printed. Raises EndedBefore."""
        while not (found := self.of(kind, **facts)):
            if self._over:
                code = await self.process.wait()
                kinds = ", ".join(each.kind for each in self.entries[-5:]) or "nothing"
                raise EndedBefore(f"no {kind} {facts or ''}, exit code {code} after {kinds}: {self.said[-2000:]}")
            await self.another()
        return found[0]

    async def end(self) -> int:
        """Wait until it ends by itself; its exit code."""
        while not self._over:
            await self.another()
        return await self.process.wait()

    async def another(self) -> None:
        """Wait until another entry is printed, or the end of all."""
        self._news.clear()
        await self._news.wait()

    async def read(self) -> None:
        """Take in what the process prints, until it ends."""
        await asyncio.gather(self._read_entries(), self._read_words())

    async def _read_entries(self) -> None:
        assert self.process.stdout  # noqa: S101 - it was started with a pipe
        async for line in self.process.stdout:
            self.entries.append(Entry.parse(line.decode()))
            self._news.set()
        self._over = True
        self._news.set()

    async def _read_words(self) -> None:
        assert self.process.stderr  # noqa: S101 - the same
        async for line in self.process.stderr:
            self.said += line.decode()


@asynccontextmanager
async def following(*arguments: str, program: Sequence[str] = ARGOSY) -> AsyncIterator[CanaryRun]:
    """A canary command that runs while the block does; killed at its end when it has not ended by then."""
    process = await asyncio.create_subprocess_exec(
        *(*program, "canary", *arguments, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    run = CanaryRun(process)
    reading = asyncio.create_task(run.read())
    try:
        yield run
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await reading
        await process.wait()
