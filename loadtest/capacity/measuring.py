"""How is a curve measured? A run of the open loop for each step, up to the knee and around it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtest.capacity.curve import Curve, Step, step_of
from loadtest.capacity.stepping import climb, growing, narrowed
from loadtest.generator.plan import Plan, processes_for
from loadtest.generator.processes import run
from loadtest.profiles import PROFILES
from mesh.objectives.reading import Objective

FACTOR = 1.5  # from one step to the next
HALVINGS = 2  # of the last gap: what is found is within a tenth
WARMING = 3.0  # seconds, before the first step
REST = 3.0  # seconds after a step that did not hold: queues run empty, circuits close
FIRST: Mapping[str, float] = {"orders": 10.0}  # calls per second; of all others:
FIRST_OF_OTHERS = 60.0


async def curve(
    profile: str, target: str, seconds: float, promises: Mapping[str, Objective], say: Callable[[str], None]
) -> Curve:
    """The curve of a profile at the gateway. Raises GeneratorLost."""

    async def measure(rate: float) -> Step:
        step = await _step(Plan(target, profile, rate, seconds, processes=_processes(rate)), promises)
        say(str(step))
        if not step.holds:
            await asyncio.sleep(REST)
        return step

    first = FIRST.get(profile, FIRST_OF_OTHERS)
    await _step(Plan(target, profile, first, WARMING), promises)  # connections are made, code is loaded
    climbed = await climb(growing(first, FACTOR), measure)
    steps = await narrowed(climbed, measure, halvings=HALVINGS)
    return Curve(profile, PROFILES[profile].about, tuple(steps))


async def _step(plan: Plan, promises: Mapping[str, Objective]) -> Step:
    with TemporaryDirectory(prefix="argosy-capacity-") as folder:
        seen = await run(plan, Path(folder), lambda _: None)
    return step_of(plan.rate, plan.seconds, seen, promises)


def _processes(rate: float) -> int:
    return processes_for(rate, os.cpu_count() or 1)
