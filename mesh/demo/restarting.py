"""Step 7: can everything be replaced while customers shop?"""

from __future__ import annotations

import asyncio

from mesh.demo.claims import Check, Step, at_least, exactly
from mesh.demo.stage import Stage, tally
from mesh.running_shop import pod_name

DEPLOYMENTS = tuple(
    f"{service}-v1"
    for service in ("cart", "catalog", "inventory", "orders", "payments", "recommendations", "storefront", "users")
)


async def run(stage: Stage) -> list[Check]:
    """Every deployment of the shop is restarted at once, under browsing and ordering."""
    loads = [stage.browsing(30), stage.ordering(6)]
    running = [asyncio.create_task(load.run()) for load in loads]
    try:
        await asyncio.sleep(1)
        stage.say(f"kubectl rollout restart of {', '.join(DEPLOYMENTS)}")
        before = await _pods(stage)
        await asyncio.gather(*(stage.shop.restart(deployment) for deployment in DEPLOYMENTS))
        after = await _pods(stage)
        await asyncio.sleep(3)  # the old pods are still draining
    finally:
        for load in loads:
            load.stop()
        reports = await asyncio.gather(*running)
    stage.say(f"browsing: {tally(reports[0])}; orders: {tally(reports[1])}")
    return [
        exactly("pods left from before", len(before & after), 0),
        at_least("calls made meanwhile", sum(len(report.samples) for report in reports), 100),
        exactly("failed calls", sum(len(report.failures) for report in reports), 0),
    ]


async def _pods(stage: Stage) -> set[str]:
    names = [name.removesuffix("-v1") for name in DEPLOYMENTS]
    return {pod_name(pod) for name in names for pod in await stage.shop.pods(name, "v1")}


STEP = Step("Rolling restart", "Every deployment is restarted under load with zero failed calls.", run)
