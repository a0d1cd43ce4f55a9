"""Step 5: does the breaker open, can it be seen, and does it close again?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from loadtest.open_loop import OpenLoop
from mesh.demo.claims import Check, Step, at_least, at_most, exactly
from mesh.demo.stage import Stage, tally
from mesh.running_shop import LogLine

OPENED, HALF_OPEN, CLOSED = "circuit opened", "circuit half-open", "circuit closed"
CHARGE = "/shop.payments.v1.PaymentsService/Charge"
PATIENCE = 45.0
UNDER_WAY = 0.5  # seconds that a charge sent before the trip may still take to be logged
OPEN_FOR = 1.6  # seconds: two at first, a fifth more or less (services/payments/policy.yaml)


async def run(stage: Stage) -> list[Check]:
    """Every payment goes to a version that fails; then back to the good one."""
    stage.say("payments v2 fails every charge (FAILURE_RATE=1); all payments are routed to it")
    async with stage.shop.variables("payments-v2", {"FAILURE_RATE": "1"}):
        return await _break_and_mend(stage)


async def _break_and_mend(stage: Stage) -> list[Check]:
    began = datetime.now(UTC)
    load = stage.ordering(8)
    running = asyncio.create_task(load.run())
    try:
        opened, reached = await _break(stage, began)
        stage.say("payments are routed to v1 again; waiting for a half-open probe to succeed")
        closed = await _await_event(stage, CLOSED, since=opened.at)
    finally:
        await stage.shop.set_weights("payments", {"v1": 100, "v2": 0})
        load.stop()
        report = await running
    stage.say(f"orders meanwhile: {tally(report)}; open for {(closed.at - opened.at).total_seconds():.1f} s in all")
    return [*await _verdict(stage, began, load), at_most("charges that reached payments while open", reached, 3)]


async def _break(stage: Stage, began: datetime) -> tuple[LogLine, int]:
    """Route payments to v2 until the circuit is open; how many charges still arrive then, and route back."""
    await stage.shop.set_weights("payments", {"v1": 0, "v2": 100})
    opened = await _await_event(stage, OPENED, since=began)
    facts = ", ".join(f"{name} {opened.fields[name]}" for name in ("peer", "group", "failures", "calls"))
    stage.say(f"seen in the log of {opened.pod}: {OPENED} ({facts})")
    await asyncio.sleep(OPEN_FOR)
    charges = [
        (line.at - opened.at).total_seconds()
        for line in await stage.shop.log("payments", message="rpc", since=opened.at)
        if line.fields["method"] == CHARGE
    ]
    reached = sum(UNDER_WAY < after < OPEN_FOR for after in charges)
    await stage.shop.set_weights("payments", {"v1": 100, "v2": 0})
    return opened, reached


async def _verdict(stage: Stage, began: datetime, load: OpenLoop) -> list[Check]:
    events = [
        line.fields["message"] for name in (OPENED, HALF_OPEN, CLOSED) for line in await _events(stage, name, began)
    ]
    refused = len(load.report().failures)
    afterwards = await stage.orders(20, rate=10)
    return [
        Check(
            "the circuit in orders' log",
            " > ".join(dict.fromkeys(events)),
            f"{OPENED} > {HALF_OPEN} > {CLOSED}",
            list(dict.fromkeys(events)) == [OPENED, HALF_OPEN, CLOSED],
        ),
        at_least("orders refused meanwhile", refused, 1),
        exactly("orders confirmed afterwards", afterwards.codes["OK"], 20),
    ]


async def _events(stage: Stage, message: str, since: datetime) -> list[LogLine]:
    lines = await stage.shop.log("orders", message=message, since=since)
    return [line for line in lines if line.fields.get("peer") == "payments"]


async def _await_event(stage: Stage, message: str, since: datetime) -> LogLine:
    async with asyncio.timeout(PATIENCE):
        while not (found := await _events(stage, message, since)):
            await asyncio.sleep(0.5)
    return found[0]


STEP = Step(
    "Circuit breaker",
    "When payments v2 fails, the breaker opens, is seen open, and closes after the fault is gone.",
    run,
)
