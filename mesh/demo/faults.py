"""Step 4: what do retries and breakers buy, when dependencies fail?"""

from __future__ import annotations

from contextlib import AsyncExitStack

from loadtest.report import Report
from mesh.demo.claims import Check, Step, at_least, at_most
from mesh.demo.stage import Stage, tally
from mesh.policy.faults import FAULTS

DEADLINE = 2.5
ORDERS = 120
RATE = 12
PROMISED = 90.0
UNPROTECTED = 75.0


async def run(stage: Stage) -> list[Check]:
    """The same faults twice: with the client policies, and with RESILIENCE=off as negative control."""
    protected = await _under_faults(stage, "with retries and breakers")
    stage.say("negative control: orders-v1 restarted with RESILIENCE=off")
    async with stage.shop.variables("orders-v1", {"RESILIENCE": "off"}):
        naked = await _under_faults(stage, "without")
    return [
        at_least("orders confirmed, protected", _confirmed(protected), PROMISED, " %"),
        at_most("orders confirmed, unprotected", _confirmed(naked), UNPROTECTED, " %"),
    ]


async def _under_faults(stage: Stage, how: str) -> Report:
    # The breakers' windows start with calls that went well, as in a shop that was open before the incident.
    steady = await stage.orders(30, rate=15)
    stage.say(f"before the fault: {tally(steady)}")
    stage.say(f"30 % UNAVAILABLE into catalog, 3 s delay into 10 % of inventory; {ORDERS} orders {how}")
    async with AsyncExitStack() as injected:
        for service, fault in FAULTS.items():
            await injected.enter_async_context(stage.shop.fault(service, fault))
        report = await stage.orders(ORDERS, rate=RATE, timeout=DEADLINE)
    stage.say(f"{how}: {tally(report)}; p50 {report.quantile(0.5):.2f} s, p99 {report.quantile(0.99):.2f} s")
    return report


def _confirmed(report: Report) -> float:
    return round(100 * report.codes["OK"] / len(report.samples), 1)


STEP = Step(
    "Injected faults",
    f"With 30 % of catalog failing and inventory slow, {PROMISED:g} % of orders are confirmed within {DEADLINE:g} s;"
    " with retries and breakers off they are not.",
    run,
)
