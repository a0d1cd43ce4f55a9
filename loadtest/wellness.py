"""Is the shop well? It is when some seconds of orders are all confirmed while their customers still wait.

The orders are an open loop: they are due on a schedule whether or not earlier ones have been answered.
"""

import asyncio

from loadtest.open_loop import MonotonicClock, OpenLoop
from loadtest.outcome import Kind
from loadtest.report import Report
from loadtest.shopper import Shopper

PATIENCE = 2.5
"""Seconds a customer waits for an order; what is confirmed later is confirmed to nobody."""
RATE = 25.0  # orders per second
CLEAN_SECONDS = 2.0  # without an order that fails: well
LONGEST = 20.0  # seconds waited for that


async def until_well(shopper: Shopper) -> tuple[Report, bool]:
    """Orders until CLEAN_SECONDS of them were all confirmed in time, at most LONGEST; and whether they were."""
    clock, load = MonotonicClock(), orders_of(shopper)
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


def orders_of(shopper: Shopper) -> OpenLoop:
    """RATE orders a second, each with a customer's patience."""
    return OpenLoop(lambda _: shopper.place_order(timeout=PATIENCE), rate=RATE)


def clean_for(report: Report, began: float, now: float) -> float:
    """Seconds since the last order that was not confirmed in time was due, or since `began`."""
    bad = (each.scheduled for each, fine in zip(report.samples, in_time(report), strict=True) if not fine)
    return now - max(bad, default=began)


def in_time(report: Report) -> list[bool]:
    """For each order in turn: was it confirmed within the customer's patience, counted from when it was due?"""
    return [each.outcome.kind is Kind.OK and each.latency <= PATIENCE for each in report.samples]
