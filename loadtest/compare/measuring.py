"""How is one fault measured under one protection?

    well      orders are placed until some seconds of them are all confirmed
    fault     orders are due for FAULT_SECONDS, and the last of them is waited for: the servers have then counted
              every try of exactly these orders
    mended    a second run of orders begins the moment the fault is ended, until some seconds are all confirmed

Both runs are open loops: orders are due on a schedule whether or not earlier ones have been answered.
"""

import asyncio

from loadtest.compare.cell import Cell, cell_of, in_time, recovered
from loadtest.compare.faults import Fault
from loadtest.compare.protection import Protection
from loadtest.compare.stage import PATIENCE, Stage
from loadtest.open_loop import MonotonicClock, OpenLoop
from loadtest.report import Report
from loadtest.server_calls import growth, tries
from loadtest.shopper import Shopper

RATE = 25.0  # orders per second
FAULT_SECONDS = 9.0
CLEAN_SECONDS = 2.0  # without an order that fails: well
LONGEST = 20.0  # seconds waited for that


async def measure(stage: Stage, fault: Fault, protection: Protection) -> Cell:
    """The numbers, or an objection when they would prove nothing."""
    _, well = await until_well(stage.shopper)
    if not well:
        return Cell(fault.key, protection.title, objection="orders failed before the fault was there")
    clock = MonotonicClock()
    before = await stage.counts([fault.app])
    async with fault.inject(stage) as proof:
        began = clock.now()
        during = await _orders(stage.shopper).run(duration=FAULT_SECONDS)
        ended = clock.now()
        met, grown = await proof(), growth(before, await stage.counts([fault.app]))
        # Under way while the fault is being ended: what fails meanwhile belongs to the recovery.
        mending = asyncio.create_task(until_well(stage.shopper))
    afterwards, well = await mending
    if not met:
        return Cell(fault.key, protection.title, objection="the fault was never met")
    since = ended if fault.lasting else began
    return cell_of(
        fault.key,
        protection.title,
        during,
        seconds=FAULT_SECONDS,
        tries=tries(grown, fault.app, fault.method),
        recovery=recovered(during.between(since), afterwards, since=since, well=well),
    )


def _orders(shopper: Shopper) -> OpenLoop:
    return OpenLoop(lambda _: shopper.place_order(timeout=PATIENCE), rate=RATE)


async def until_well(shopper: Shopper) -> tuple[Report, bool]:
    """Orders until CLEAN_SECONDS of them were all confirmed in time, at most LONGEST; and whether they were."""
    clock, load = MonotonicClock(), _orders(shopper)
    began = clock.now()
    running = asyncio.create_task(load.run())
    try:
        while not (well := clean_for(load.report(), began, clock.now()) >= CLEAN_SECONDS):
            if clock.now() - began > LONGEST:
                break
            await asyncio.sleep(0.1)
    finally:
        load.stop()
        report = await running
    return report, well


def clean_for(report: Report, began: float, now: float) -> float:
    """Seconds since the last order that was not confirmed in time was due, or since `began`."""
    bad = (each.scheduled for each, fine in zip(report.samples, in_time(report), strict=True) if not fine)
    return now - max(bad, default=began)
