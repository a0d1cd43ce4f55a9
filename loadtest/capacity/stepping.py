"""How is the knee found? By going up step by step until one does not hold, and then halving the gap.

A step that does not hold is tried again before it counts: a machine hiccups. The knee is the highest that holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import takewhile
from math import sqrt
from typing import Protocol, TypeVar

TRIES = 2


class Step(Protocol):
    """What came of one rate."""

    @property
    def offered(self) -> float: ...
    @property
    def holds(self) -> bool: ...


S = TypeVar("S", bound=Step)
Measure = Callable[[float], Awaitable[S]]


async def climb(rates: Iterable[float], measure: Measure[S], *, tries: int = TRIES) -> list[S]:
    """A step for each of the growing rates, up to and with the first that does not hold."""
    climbed: list[S] = []
    for rate in rates:
        climbed.append(await _tried(rate, measure, tries))
        if not climbed[-1].holds:
            break
    return climbed


async def narrowed(climbed: Sequence[S], measure: Measure[S], *, halvings: int, tries: int = TRIES) -> list[S]:
    """Those steps, and as many more between the last that holds and the first that does not, by growing rates."""
    steps = list(climbed)
    for _ in range(halvings):
        low, high = knee(steps), next((step for step in steps if not step.holds), None)
        if low is None or high is None:
            break
        steps.append(await _tried(sqrt(low.offered * high.offered), measure, tries))
        steps.sort(key=lambda step: step.offered)
    return steps


def knee(steps: Iterable[S]) -> S | None:
    """The last of the steps, by growing rates, before one does not hold; None when not even the first does."""
    held = list(takewhile(lambda step: step.holds, steps))
    return held[-1] if held else None


def growing(first: float, factor: float) -> Iterator[float]:
    """Rates without end, each `factor` times the one before."""
    rate = first
    while True:
        yield rate
        rate *= factor


async def _tried(rate: float, measure: Measure[S], tries: int) -> S:
    """The first try that holds, or the last."""
    step = await measure(rate)
    for _ in range(tries - 1):
        if step.holds:
            break
        step = await measure(rate)
    return step
