"""Step 6: what does a killed and a frozen process cost?"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from lightkube.resources.core_v1 import Pod

from loadtest.open_loop import MonotonicClock, OpenLoop
from mesh.demo.claims import Check, Step, at_most, exactly
from mesh.demo.stage import Stage, tally
from mesh.running_shop import pod_name

RATE = 40.0
BOUND = 10.0  # per cent of the calls in the ten seconds after the injury
RECOVERY = 10.0
PATIENCE = 60.0


async def run(stage: Stage) -> list[Check]:
    """Two pods of catalog under load: one is killed, then the other is frozen."""
    stage.say(f"catalog-v1 scaled to two pods, {RATE:g} calls per second")
    await stage.shop.scale("catalog-v1", 2)
    first, second = await stage.shop.pods("catalog", "v1")
    load = stage.browsing(RATE)
    running = asyncio.create_task(load.run())
    try:
        await asyncio.sleep(1)
        checks = await _kill(stage, load, first)
        checks += await _freeze(stage, load, second)
        healed = MonotonicClock().now()
        await asyncio.sleep(2)
    finally:
        load.stop()
        report = await running
        await stage.shop.scale("catalog-v1", 1)
    stage.say(f"all calls: {tally(report)}")
    return [*checks, exactly("failed calls when both are back", len(report.between(healed).failures), 0)]


async def _kill(stage: Stage, load: OpenLoop, pod: Pod) -> list[Check]:
    process = stage.process_of(pod, "catalog")
    stage.say(f"{pod_name(pod)}: process {process} gets SIGKILL; the node starts it again")
    hit = MonotonicClock().now()
    os.kill(process, signal.SIGKILL)
    await _until(stage, pod, lambda fresh: _restarts(fresh) > _restarts(pod) and _ready(fresh))
    return await _damage(stage, load, hit, "killed")


async def _freeze(stage: Stage, load: OpenLoop, pod: Pod) -> list[Check]:
    process = stage.process_of(pod, "catalog")
    stage.say(f"{pod_name(pod)}: process {process} gets SIGSTOP; it holds its connections and answers nobody")
    hit = MonotonicClock().now()
    os.kill(process, signal.SIGSTOP)
    try:
        await _until(stage, pod, lambda fresh: not _ready(fresh))
        checks = await _damage(stage, load, hit, "frozen")
    finally:
        with suppress(ProcessLookupError):  # the liveness probe was quicker
            os.kill(process, signal.SIGCONT)
    await _until(stage, pod, _ready)
    return checks


async def _damage(stage: Stage, load: OpenLoop, hit: float, how: str) -> list[Check]:
    """Count what failed in the ten seconds after `hit`, of which some may already have passed."""
    await asyncio.sleep(max(0.0, hit + RECOVERY - MonotonicClock().now()))
    after = load.report().between(hit, hit + RECOVERY)
    share = round(100 * len(after.failures) / max(1, len(after.samples)), 1)
    recovery = round(after.recovery(hit), 1)
    stage.say(f"{len(after.failures)} of {len(after.samples)} calls failed, the last {recovery} s after")
    return [
        at_most(f"failed calls, one of two pods {how}", share, BOUND, " %"),
        at_most(f"time to recovery, one of two pods {how}", recovery, RECOVERY / 2, " s"),
    ]


async def _until(stage: Stage, pod: Pod, reached: Callable[[Pod], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not reached(await stage.shop.client.get(Pod, pod_name(pod), namespace=stage.shop.namespace)):
            await asyncio.sleep(0.2)


def _restarts(pod: Pod) -> int:
    statuses = pod.status.containerStatuses if pod.status else None
    return sum(status.restartCount for status in statuses or [] if status.name == "catalog")


def _ready(pod: Pod) -> bool:
    conditions = (pod.status.conditions if pod.status else None) or []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)


STEP = Step(
    "Killed and frozen",
    f"One pod of two killed, then one frozen, under load: at most {BOUND:g} % of calls fail, then none.",
    run,
)
