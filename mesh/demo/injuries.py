"""Step 6: what does a killed and a frozen process cost?"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress

from lightkube.resources.core_v1 import Pod

from loadtest.open_loop import MonotonicClock, OpenLoop
from mesh.demo.claims import Check, Step, at_most, exactly
from mesh.demo.stage import Stage, tally
from mesh.local.reported import ready
from mesh.running_shop import ShopError, pod_name

RATE = 40.0
BOUND = 10.0  # per cent of the calls in the ten seconds after the injury, of which each pod has half
RECOVERY = 10.0
PATIENCE = 120.0


async def run(stage: Stage) -> list[Check]:
    """Two pods of catalog under load: one is killed, then the other is frozen."""
    stage.say(f"catalog-v1 scaled to two pods, {RATE:g} calls per second")
    await stage.shop.scale("catalog-v1", 2)
    first, second = await stage.shop.pods("catalog", "v1")
    # Callers prefer pods in their own zone (decision 22), so on another node a pod may have all of them.
    bound = BOUND if _node(first) == _node(second) else 2 * BOUND
    load = stage.browsing(RATE)
    running = asyncio.create_task(load.run())
    try:
        await asyncio.sleep(1)
        checks = await _kill(stage, load, first, bound)
        checks += await _freeze(stage, load, second, bound)
        healed = MonotonicClock().now()
        await asyncio.sleep(2)
    finally:
        load.stop()
        report = await running
        await stage.shop.scale("catalog-v1", 1)
    stage.say(f"all calls: {tally(report)}")
    return [*checks, exactly("failed calls when both are back", len(report.between(healed).failures), 0)]


async def _kill(stage: Stage, load: OpenLoop, pod: Pod, bound: float) -> list[Check]:
    hit = MonotonicClock().now()
    process = await stage.processes.signal(pod, "catalog", signal.SIGKILL)
    stage.say(f"{pod_name(pod)}: process {process} has got SIGKILL; the node starts it again")
    await _until(stage, pod, lambda fresh: _restarts(fresh) > _restarts(pod) and ready(fresh))
    return await _damage(stage, load, hit, "killed", bound)


async def _freeze(stage: Stage, load: OpenLoop, pod: Pod, bound: float) -> list[Check]:
    hit = MonotonicClock().now()
    process = await stage.processes.signal(pod, "catalog", signal.SIGSTOP)
    stage.say(f"{pod_name(pod)}: process {process} has got SIGSTOP; it holds its connections and answers nobody")
    try:
        await _until(stage, pod, lambda fresh: not ready(fresh))
        checks = await _damage(stage, load, hit, "frozen", bound)
    finally:
        with suppress(ShopError):  # the liveness probe was quicker
            await stage.processes.signal(pod, "catalog", signal.SIGCONT)
    await _until(stage, pod, ready)
    return checks


async def _damage(stage: Stage, load: OpenLoop, hit: float, how: str, bound: float) -> list[Check]:
    """Count what failed in the ten seconds after `hit`, of which some may already have passed."""
    await asyncio.sleep(max(0.0, hit + RECOVERY - MonotonicClock().now()))
    after = load.report().between(hit, hit + RECOVERY)
    share = round(100 * len(after.failures) / max(1, len(after.samples)), 1)
    recovery = round(after.recovery(hit), 1)
    stage.say(f"{len(after.failures)} of {len(after.samples)} calls failed, the last {recovery} s after")
    return [
        at_most(f"failed calls, one of two pods {how}", share, bound, " %"),
        at_most(f"time to recovery, one of two pods {how}", recovery, RECOVERY / 2, " s"),
    ]


async def _until(stage: Stage, pod: Pod, reached: Callable[[Pod], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not reached(await stage.shop.client.get(Pod, pod_name(pod), namespace=stage.shop.namespace)):
            await asyncio.sleep(0.2)


def _restarts(pod: Pod) -> int:
    statuses = pod.status.containerStatuses if pod.status else None
    return sum(status.restartCount for status in statuses or [] if status.name == "catalog")


def _node(pod: Pod) -> str | None:
    return pod.spec.nodeName if pod.spec else None


STEP = Step(
    "Killed and frozen",
    f"One pod of two killed, then one frozen, under load: at most {BOUND:g} % of calls fail ({2 * BOUND:g} % on two"
    " nodes), then none.",
    run,
)
