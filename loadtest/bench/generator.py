"""How many calls a second can the open loop make before it is the generator that is measured? And Locust?

Both at a server that answers at once, with that server on the same two cores. The open loop is asked for a rate, and
has to send it on time; Locust's users ask again as soon as they are answered, and the server counts how often.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtest.bench.null_server import null
from loadtest.bench.placing import CORES, pinned
from loadtest.bench.row import BenchUnavailable, Row
from loadtest.bench.target import another_process
from loadtest.generator.plan import Plan
from loadtest.generator.processes import run
from loadtest.generator.seen import Seen

RATE = 2000.0  # calls a second, of one process
OFFERED = 1.02 * RATE  # so that chance does not decide: arrivals come by it
SECONDS, TRIES = 10.0, 3  # of a run, and of runs: a machine hiccups
ON_TIME, LATE_SHARE = 0.005, 1.0  # seconds, and the percentage that may be later than that
LOCUST_FILE = Path(__file__).with_name("locust_ceiling.py")
USERS, LOCUST_SECONDS = 20, 8


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The open loop's best run of a few, and Locust's ceiling. Raises BenchUnavailable."""
    with pinned(CORES):
        async with another_process(null) as server:
            tries: list[Seen] = []
            while len(tries) < TRIES and not any(holds(seen) for seen in tries):
                say(f"{OFFERED:g} calls a second for {SECONDS:g} s, try {len(tries) + 1} of {TRIES}")
                tries.append(await _open_loop(server.address))
            say(f"{USERS} users of Locust, who never rest")
            before = (await server.usage()).calls
            await _locust(server.address)
            ceiling = ((await server.usage()).calls - before) / LOCUST_SECONDS
    best = min(tries, key=late)
    return [*rows(best), Row.context("generator: Locust's own ceiling, one process", round(ceiling), "/s")]


def rows(seen: Seen) -> list[Row]:
    """What a run says of its generator."""
    punctuality = seen.punctuality
    sent = punctuality.achieved * punctuality.due / SECONDS
    return [
        Row.at_least("generator: calls a second sent by one process, two cores", round(sent), RATE, "/s"),
        Row.at_most("generator: sent more than 5 ms late", round(late(seen), 2), LATE_SHARE, "%"),
        Row.context("generator: p99 of being late", round(1000 * punctuality.lateness.quantile(0.99), 2), "ms"),
        Row.context("generator: of its core", round(100 * seen.busiest), "%"),
    ]


def late(seen: Seen) -> float:
    """The percentage of the calls that were sent too late."""
    return 100 * seen.punctuality.lateness.above(ON_TIME)


def holds(seen: Seen) -> bool:
    """Whether another run would show no more."""
    return all(row.holds for row in rows(seen))


async def _open_loop(target: str) -> Seen:
    plan = Plan(target, "catalog", OFFERED, SECONDS, warm_up=2.0)
    with TemporaryDirectory() as folder:
        return await run(plan, Path(folder), lambda _seconds: None)


async def _locust(target: str) -> None:
    locust = (sys.executable, "-m", "locust", "-f", str(LOCUST_FILE), "--headless", "--host", target)
    load = ("--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", f"{LOCUST_SECONDS}s", "--only-summary")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*locust, *load, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    said, _ = await process.communicate()
    if process.returncode:
        raise BenchUnavailable(f"Locust ended with exit code {process.returncode}: {said.decode()[-1000:]}")
