"""Who comes when everybody comes at once? Customers who order, a process of their own: `python -m` this module.

    --gateway HOST:PORT --run RUN     where they come in, and whose they are
    --factor 3                        so many times what the shop can do, which is measured first
    --rate 20                         or so many a second
    --presses 6 --pause 0.05          how often, and how soon, who got no answer asks again
    --patience 2.5 --seconds 120      how long one waits, and when they all go home at the latest

It writes a line of JSON when the crowd is there: {"capacity": ..., "rate": ...}.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time

from loadtest.open_loop import OpenLoop
from loadtest.outcome import Kind
from loadtest.shopper import Shopper, open_shopper

AT_ONCE = 16
"""Calls in flight that keep the shop busy, as four services work on each; more would only wait for one another."""
MEASURED = 3.0  # seconds
LESS = 5
"""How much less of a processor it may ask for than the load that is judged, which has to keep its schedule."""
MOST = 4000  # calls in flight; who comes then goes away


async def main(wanted: argparse.Namespace) -> None:
    """Be the crowd, until it is time to go."""
    os.setpriority(os.PRIO_PROCESS, 0, LESS)
    async with open_shopper(wanted.gateway, seed=7, customer_id=wanted.run) as shopper:
        capacity = await capacity_of(shopper, wanted.patience) if wanted.factor else 0.0
        rate = wanted.rate + wanted.factor * capacity
        sys.stdout.write(json.dumps({"capacity": round(capacity, 1), "rate": round(rate, 1)}) + "\n")
        sys.stdout.flush()
        order = OpenLoop(
            lambda _: shopper.place_order(timeout=wanted.patience, presses=wanted.presses, pause=wanted.pause),
            rate=rate,
            max_in_flight=MOST,
        )
        await order.run(duration=wanted.seconds)


async def capacity_of(shopper: Shopper, patience: float, seconds: float = MEASURED) -> float:
    """Orders confirmed per second when there is always a next one, and never more than a few."""
    until = time.monotonic() + seconds
    confirmed = 0

    async def one_after_another() -> None:
        nonlocal confirmed
        while time.monotonic() < until:
            outcome = await shopper.place_order(timeout=patience)
            confirmed += outcome.kind is Kind.OK

    began = time.monotonic()
    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return max(1.0, confirmed / (time.monotonic() - began))


def wishes() -> argparse.ArgumentParser:
    """What the command line may say."""
    parser = argparse.ArgumentParser(description="Customers for an experiment.")
    parser.add_argument("--gateway", required=True)
    parser.add_argument("--run", required=True)
    for name, default in {"factor": 0.0, "rate": 0.0, "pause": 0.05, "patience": 2.5, "seconds": 120.0}.items():
        parser.add_argument(f"--{name}", type=float, default=default)
    parser.add_argument("--presses", type=int, default=1)
    return parser


if __name__ == "__main__":
    asyncio.run(main(wishes().parse_args()))
