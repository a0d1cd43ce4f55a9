"""What becomes of a front end with sixteen workers when one service behind it is slow?

Published of two demo shops: payments 2 s slower makes PlaceOrder 2 s slower, and as every worker that places an
order waits, the whole front end slows down with it. Here sixteen callers do what such workers do: look at three
products, place an order, pause, and again, each waiting for its answers (a closed loop: that is the point).
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from loadtest.compare.faults import Fault
from loadtest.compare.protection import Protection
from loadtest.compare.stage import Stage
from loadtest.open_loop import MonotonicClock
from loadtest.outcome import Kind, Outcome
from loadtest.punctuality import Clock
from loadtest.shopper import Shopper
from loadtest.wellness import until_well

CALLERS = 16
LOOKS = 3  # at products, for each order
PAUSE = 0.8  # seconds before the next visit: what limits sixteen callers is the shop, not this machine
HEALTHY_SECONDS, SLOW_SECONDS = 3.0, 5.0
LEARNING_SECONDS = 4.0
"""Not counted: how long a breaker may take to see that the service has become slow."""
CLIENT_TIMEOUT = 10.0  # as in the published reports


@dataclass(frozen=True)
class Pace:
    """What sixteen callers got done, per second; `p50` in seconds, of orders however they ended."""

    orders: float
    confirmed: float
    looks: float  # answered
    p50: float
    codes: Mapping[str, int]  # of orders: by status, and reason where one was given


@dataclass(frozen=True)
class Crowd:
    """The same callers before and while payments is slow."""

    protection: str
    healthy: Pace
    slow: Pace

    @property
    def browsing_kept(self) -> float:
        """The share of its healthy rate that browsing has while payments is slow; 0 if it had none."""
        return self.slow.looks / self.healthy.looks if self.healthy.looks else 0.0


async def measure_crowd(stage: Stage, protection: Protection, slow: Fault) -> Crowd:
    """Both paces, before and under the fault."""
    await until_well(stage.shopper)
    healthy = await pace(stage.shopper, HEALTHY_SECONDS)
    async with slow.inject(stage):
        await pace(stage.shopper, LEARNING_SECONDS)
        return Crowd(protection.title, healthy, await pace(stage.shopper, SLOW_SECONDS))


async def pace(shopper: Shopper, seconds: float, clock: Clock | None = None) -> Pace:
    """What the callers get done in so many seconds; an order that ends later is not counted."""
    clock = clock or MonotonicClock()
    until = clock.now() + seconds
    orders: list[tuple[float, Outcome]] = []
    looks: list[Outcome] = []

    async def caller(number: int) -> None:
        await clock.sleep(PAUSE * number / CALLERS)  # sixteen people do not come through the door at once
        while clock.now() < until:
            looks.extend([await shopper.get_product(timeout=CLIENT_TIMEOUT) for _ in range(LOOKS)])
            begin = clock.now()
            outcome = await shopper.place_order(timeout=CLIENT_TIMEOUT)
            orders.append((clock.now() - begin, outcome))
            await clock.sleep(PAUSE)

    began = clock.now()
    async with asyncio.TaskGroup() as callers:
        for number in range(CALLERS):
            callers.create_task(caller(number))
    return pace_of(orders, looks, clock.now() - began)


def pace_of(orders: Sequence[tuple[float, Outcome]], looks: Sequence[Outcome], seconds: float) -> Pace:
    """The rates and the median of orders with the seconds they took, and of looks."""
    return Pace(
        orders=len(orders) / seconds,
        confirmed=sum(outcome.kind is Kind.OK for _, outcome in orders) / seconds,
        looks=sum(outcome.kind is Kind.OK for outcome in looks) / seconds,
        p50=median(took for took, _ in orders),
        codes=dict(Counter(f"{outcome.code.name} {outcome.reason}".strip() for _, outcome in orders)),
    )
