"""`python -m loadtest.generator PLAN FILE`: does one process's part of a run, and leaves what it has seen in the file.

It ends early when its standard input does: whoever started it is gone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from loadtest.crowd import open_crowd
from loadtest.generator.plan import Plan
from loadtest.generator.seen import Seen
from loadtest.open_loop import MonotonicClock, OpenLoop
from loadtest.outcome import Outcome
from loadtest.profiles import PROFILES
from loadtest.punctuality import lag_watched
from loadtest.timeline import Timeline


async def generate(plan: Plan, call: Callable[[int], Awaitable[Outcome]]) -> Seen:
    """Make the calls of the plan, the warm-up first."""
    seen = Seen(Timeline(plan.seconds))
    if plan.warm_up:
        warming = OpenLoop(
            call,
            rate=plan.own_rate,
            arrivals=plan.arrivals(),
            max_in_flight=plan.in_flight,
            keep=lambda sample: seen.answers.count(sample.outcome),
        )
        await warming.run(duration=plan.warm_up)
    settle()
    clock, cpu = MonotonicClock(), time.process_time()
    began = clock.now()
    load = OpenLoop(
        call,
        rate=plan.own_rate,
        arrivals=plan.arrivals(),
        max_in_flight=plan.in_flight,
        keep=lambda sample: seen.keep(sample, began),
    )
    async with lag_watched(load.punctuality.lag, clock):
        await load.run(duration=plan.seconds)
    seen.busiest = (time.process_time() - cpu) / (clock.now() - began)
    seen.punctuality = load.punctuality
    return seen


def settle() -> None:
    """Spare the run the search through everything that was loaded before it, each time garbage is collected."""
    gc.collect()
    gc.freeze()


async def main(plan: Plan, file: Path) -> None:
    """The part of this process."""
    work = asyncio.current_task()
    assert work  # noqa: S101 - it runs in one
    asyncio.get_running_loop().add_reader(sys.stdin, work.cancel)
    async with open_crowd(
        plan.target, PROFILES[plan.profile].journeys, rate=plan.own_rate, seed=plan.own_seed
    ) as crowd:
        seen = await generate(plan, crowd)
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(seen.to_json()))
    draft.replace(file)


if __name__ == "__main__":
    with suppress(asyncio.CancelledError):
        asyncio.run(main(Plan.parse(sys.argv[1]), Path(sys.argv[2])))
