"""How many orders a second does the whole shop place on two cores, and what do they spend the processors on?

Everything shares the two: services, sidecars, control plane, databases, and what makes the load. An open loop goes up
step by step; the knee is the last step at which nearly every order is confirmed, and soon. Then one rate is kept up for
a minute, and the auditor looks at the books.
"""

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grpc import StatusCode

from loadtest.bench.cpu_shares import Seconds, used
from loadtest.bench.local_cluster import LocalCluster, local_cluster
from loadtest.bench.row import BenchUnavailable, Row
from loadtest.capacity.stepping import climb, knee
from loadtest.open_loop import OpenLoop
from loadtest.outcome import Outcome
from loadtest.shopper import Shopper, open_shopper
from mesh.gateway import known

CORES = 2
STEPS = range(20, 201, 10)  # orders per second
STEP_SECONDS = 10.0
PATIENCE, CONFIRMED = 0.5, 0.99  # seconds at the 99th percentile, and the share of orders, up to which a step holds
TARGET = 60.0  # orders per second, kept up
OFFERED = 1.03 * TARGET  # so that a few that are refused do not decide
SUSTAINED_SECONDS = 60.0
DEADLINE = 5.0  # seconds that a customer waits


@dataclass(frozen=True)
class Step:
    """What came of one rate."""

    offered: float  # orders per second
    confirmed: float
    p99: float  # seconds, of all answers
    cpu: Mapping[str, float]  # milliseconds per order that was asked for, by role
    others: Mapping[str, int] = field(default_factory=dict)  # what was answered instead, by reason

    @property
    def holds(self) -> bool:
        """Whether the shop keeps up."""
        return self.confirmed >= CONFIRMED * self.offered and self.p99 <= PATIENCE

    def __str__(self) -> str:
        """One line of progress."""
        others = "".join(f", {reason} {count}" for reason, count in self.others.items())
        rates = f"{self.offered:g} orders a second: {self.confirmed:.1f} confirmed"
        return f"{rates}, p99 {1000 * self.p99:.0f} ms, {sum(self.cpu.values()):.1f} ms CPU each{others}"


async def measure(say: Callable[[str], None]) -> list[Row]:
    """The knee, the shares there, and a minute at the target. Raises BenchUnavailable when somebody's cluster runs."""
    cluster = local_cluster()
    if await cluster.status() is not None:
        raise BenchUnavailable(
            "a local cluster is running; stop it with `argosy down` to have it measured on two cores"
        )
    with pinned(CORES):
        async with _started(cluster, say), open_shopper(known()) as shopper:
            at_knee = await _knee(cluster, shopper, say)
            say(f"{OFFERED:g} orders a second for {SUSTAINED_SECONDS:g} s")
            kept_up = await _step(cluster, shopper, OFFERED, SUSTAINED_SECONDS)
            say(str(kept_up))
            say("the auditor reads the books")
            discrepancies = await cluster.audit()
    return rows(at_knee, kept_up, discrepancies)


def rows(knee: Step, kept_up: Step, discrepancies: int) -> list[Row]:
    """What is reported."""
    total = sum(knee.cpu.values())
    shares = [
        Row.context(f"placing: share of {role}", round(100 * ms / total, 1), "%") for role, ms in knee.cpu.items()
    ]
    return [
        Row.context("placing: orders a second at the knee, two cores", knee.offered, "/s"),
        Row.context("placing: p99 at the knee", round(1000 * knee.p99), "ms"),
        Row.context("placing: CPU of an order at the knee", round(total, 1), "ms"),
        *shares,
        Row.at_least("placing: confirmed, kept up for a minute", round(kept_up.confirmed, 1), TARGET, "/s"),
        Row.context("placing: p99 of that minute", round(1000 * kept_up.p99), "ms"),
        Row.at_most("placing: discrepancies afterwards", discrepancies, 0, ""),
    ]


@contextmanager
def pinned(cores: int) -> Iterator[None]:
    """Run this process, and all it starts, on so many processors while the block runs. Raises BenchUnavailable."""
    before = os.sched_getaffinity(0)
    if len(before) < cores:
        raise BenchUnavailable(f"{cores} cores are needed; this process may use {len(before)}")
    _pin(set(sorted(before)[-cores:]))
    try:
        yield
    finally:
        _pin(before)


def _pin(processors: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), processors)


@asynccontextmanager
async def _started(cluster: LocalCluster, say: Callable[[str], None]) -> AsyncIterator[None]:
    say("starting the local cluster on two cores")
    await cluster.up()
    try:
        yield
    finally:
        say("stopping the local cluster")
        await cluster.down()


async def _knee(cluster: LocalCluster, shopper: Shopper, say: Callable[[str], None]) -> Step:
    """The last step that holds before one that does not. Raises BenchUnavailable when the first one does not hold."""
    await _step(cluster, shopper, STEPS[0], STEP_SECONDS)  # warms up

    async def measured(rate: float) -> Step:
        step = await _step(cluster, shopper, rate, STEP_SECONDS)
        say(str(step))
        return step

    last = knee(await climb(STEPS, measured))
    if last is None:
        raise BenchUnavailable(f"not even {STEPS[0]} orders a second are confirmed in time: is the machine busy?")
    return last


async def _step(cluster: LocalCluster, shopper: Shopper, rate: float, seconds: float) -> Step:
    status = await cluster.status()
    if status is None:
        raise BenchUnavailable("the local cluster has stopped")
    load = OpenLoop(lambda _: shopper.place_order(timeout=DEADLINE), rate=rate, max_in_flight=4096)
    before = used(status)
    report = await load.run(duration=seconds)
    spent = _grown(before, used(status))
    orders = len(report.samples) + len(report.dropped)
    return Step(
        offered=rate,
        confirmed=report.codes["OK"] / seconds,
        p99=report.quantile(0.99),
        cpu={role: 1000 * cpu / orders for role, cpu in spent.items()},
        others=Counter(_short(each.outcome) for each in report.samples if each.outcome.code is not StatusCode.OK),
    )


def _short(outcome: Outcome) -> str:
    return outcome.reason or outcome.code.name


def _grown(before: Seconds, after: Seconds) -> Seconds:
    return {role: after[role] - before[role] for role in after}
