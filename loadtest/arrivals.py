"""When do calls arrive?

Customers do not know of each other, so they come as a Poisson process does: bursts and gaps, with the same mean. A
constant schedule is kinder to a server; it is what two runs are compared on. Both know their future, whatever the
server does: that is what makes a loop open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from random import Random

Arrivals = Callable[[], Iterator[float]]
"""Makes the moments at which calls are due, in seconds after the start, never sooner than the one before."""


def constant(rate: float) -> Arrivals:
    """`rate` calls per second, evenly."""
    _check(rate)
    return lambda: (number / rate for number in count())


def poisson(rate: float, *, seed: int | str) -> Arrivals:
    """`rate` calls per second on average, independent of each other; the same seed, the same moments."""
    _check(rate)
    return lambda: _independent(rate, Random(seed))  # noqa: S311 - arrivals, not secrets


def _independent(rate: float, random: Random) -> Iterator[float]:
    due = random.expovariate(rate)
    while True:
        yield due
        due += random.expovariate(rate)


def _check(rate: float) -> None:
    if not 0 < rate < float("inf"):
        raise ValueError(f"a rate is positive, and {rate} is not")
