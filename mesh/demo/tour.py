"""In which order are the claims shown, and what if one breaks?"""

from __future__ import annotations

import time

from mesh.demo import bookkeeping, breaking, buying, faults, identity, injuries, ordering, restarting, shifting
from mesh.demo.claims import Check, Result, Skipped, Step
from mesh.demo.page import Page
from mesh.demo.stage import Stage

STEPS: tuple[Step, ...] = (
    ordering.STEP,
    identity.STEP,
    shifting.STEP,
    faults.STEP,
    breaking.STEP,
    injuries.STEP,
    restarting.STEP,
    buying.STEP,
    bookkeeping.STEP,
)


async def tour(stage: Stage, page: Page) -> list[Result]:
    """Show every step in order; one that breaks fails, and the next one is shown all the same."""
    results = []
    for number, step in enumerate(STEPS, start=1):
        page.begin(number, len(STEPS), step)
        result = await _show(stage, number, step)
        page.end(result)
        results.append(result)
    return results


async def _show(stage: Stage, number: int, step: Step) -> Result:
    began = time.monotonic()
    checks, error, skipped = list[Check](), "", ""
    try:
        checks = await step.run(stage)
    except Skipped as why:
        skipped = str(why)
    except Exception as failure:  # noqa: BLE001 - the tour reports what broke, as FAIL, and goes on
        error = f"{type(failure).__name__}: {failure}"
    return Result(number, step.title, step.claim, checks, round(time.monotonic() - began, 1), error, skipped)
