"""How is the knee found?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import pytest

from loadtest.capacity.stepping import climb, growing, knee, narrowed


@dataclass(frozen=True)
class Step:
    offered: float
    holds: bool


class Server:
    """Takes so much, and hiccups at some calls."""

    def __init__(self, takes: float, hiccups: tuple[int, ...] = ()) -> None:
        self._takes, self._hiccups, self.tried = takes, hiccups, list[float]()

    async def measure(self, rate: float) -> Step:
        self.tried.append(rate)
        return Step(rate, rate <= self._takes and len(self.tried) not in self._hiccups)


async def test_going_up_ends_at_the_first_step_that_does_not_hold_twice() -> None:
    server = Server(takes=45)
    steps = await climb(range(10, 100, 10), server.measure)
    assert server.tried == [10, 20, 30, 40, 50, 50]
    assert knee(steps) == Step(40, holds=True)


async def test_a_hiccup_is_not_the_end() -> None:
    server = Server(takes=45, hiccups=(2,))
    assert knee(await climb(range(10, 100, 10), server.measure)) == Step(40, holds=True)
    assert server.tried == [10, 20, 20, 30, 40, 50, 50]


async def test_without_a_step_that_holds_there_is_no_knee() -> None:
    server = Server(takes=5)
    steps = await narrowed(await climb(range(10, 100, 10), server.measure), server.measure, halvings=2)
    assert knee(steps) is None
    assert server.tried == [10, 10]


async def test_a_server_that_takes_everything_has_no_end() -> None:
    server = Server(takes=1000)
    steps = await narrowed(await climb([10, 20], server.measure), server.measure, halvings=2)
    assert [step.offered for step in steps] == [10, 20]


@pytest.mark.parametrize("takes", [45.0, 50.0, 60.0, 67.0])
async def test_halving_the_last_gap_comes_within_a_tenth(takes: float) -> None:
    server = Server(takes)
    steps = await narrowed(await climb(growing(32, 1.5), server.measure), server.measure, halvings=2)
    found = knee(steps)
    assert found
    assert 0.9 * takes <= found.offered <= takes
    assert [step.offered for step in steps] == sorted(step.offered for step in steps)


def test_what_holds_above_one_that_does_not_is_luck() -> None:
    assert knee([Step(10, holds=True), Step(20, holds=False), Step(30, holds=True)]) == Step(10, holds=True)


def test_rates_grow_evenly() -> None:
    assert list(islice(growing(32, 1.5), 4)) == [32, 48, 72, 108]
