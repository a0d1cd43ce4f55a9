"""Step 1: does the shop sell?"""

from __future__ import annotations

from mesh.demo.claims import Check, Step, exactly
from mesh.demo.stage import Stage, tally

ORDERS = 100


async def run(stage: Stage) -> list[Check]:
    """A hundred orders from outside, each through the gateway and six sidecars."""
    stage.say(f"{ORDERS} orders, 20 per second, through the gateway at {stage.gateway}")
    report = await stage.orders(ORDERS, rate=20)
    stage.say(f"answers: {tally(report)}; p50 {report.quantile(0.5):.3f} s, p99 {report.quantile(0.99):.3f} s")
    order_ids = {sample.outcome.order_id for sample in report.samples} - {""}
    return [
        exactly("orders confirmed", report.codes["OK"], ORDERS),
        exactly("different order ids", len(order_ids), ORDERS),
    ]


STEP = Step("Orders", "A hundred orders through the gateway are all confirmed.", run)
