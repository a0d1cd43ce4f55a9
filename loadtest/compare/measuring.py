"""How is one fault measured under one protection?

    well      orders are placed until some seconds of them are all confirmed
    fault     orders are due for FAULT_SECONDS, and the last of them is waited for: the servers have then counted
              every try of exactly these orders
    mended    a second run of orders begins the moment the fault is ended, until some seconds are all confirmed

Both runs are open loops: orders are due on a schedule whether or not earlier ones have been answered.
"""

import asyncio

from loadtest.compare.cell import Cell, cell_of, recovered
from loadtest.compare.faults import Fault
from loadtest.compare.protection import Protection
from loadtest.compare.stage import Stage
from loadtest.open_loop import MonotonicClock
from loadtest.server_calls import growth, tries
from loadtest.wellness import orders_of, until_well

FAULT_SECONDS = 9.0


async def measure(stage: Stage, fault: Fault, protection: Protection) -> Cell:
    """The numbers, or an objection when they would prove nothing."""
    _, well = await until_well(stage.shopper)
    if not well:
        return Cell(fault.key, protection.title, objection="orders failed before the fault was there")
    clock = MonotonicClock()
    before = await stage.counts([fault.app])
    async with fault.inject(stage) as proof:
        began = clock.now()
        during = await orders_of(stage.shopper).run(duration=FAULT_SECONDS)
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
