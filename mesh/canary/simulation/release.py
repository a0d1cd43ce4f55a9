"""How does a whole release end? The default plan and the judge, block after block, as `argosy canary` runs them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat

import numpy as np
from numpy.typing import NDArray

from mesh.canary.judge.counts import BOUNDS, Block, Counts, Histogram
from mesh.canary.judge.verdict import Outcome, conclude
from mesh.canary.judge.weighing import Weighed
from mesh.canary.plan import Plan, Step
from mesh.canary.simulation.traffic import Random, shaken

_CHUNK = 100  # runs that one process simulates at a time
_MEDIAN, _SPREAD = 6.0, 0.5  # milliseconds of the baseline; its p99 is 19
_STALLED = 60.0


@dataclass(frozen=True)
class Release:
    """What is released, into which traffic."""

    name: str
    baseline: float = 0.0  # error ratios
    canary: float = 0.0
    per_second: int = 100
    burst: float | None = None  # see traffic.Case
    burst_blocks: int = 1  # how many blocks a burst lasts
    slower: float = 1.0  # so many times the baseline's latency
    stalled: float = 0.0  # share of the canary's requests that take _STALLED


@dataclass(frozen=True)
class Ended:
    """How one of them ended."""

    outcome: str  # promoted, rolled back, paused
    seconds: float
    weight: int  # the highest it had


RELEASES = (
    Release("identical, no errors"),
    Release("identical, no errors, 20/s", per_second=20),
    Release("identical, 0.5 %", 0.005, 0.005),
    Release("identical, 0.5 %, bursts of 5 s (shape 10)", 0.005, 0.005, burst=10),
    Release("identical, 0.5 %, bursts of 5 s (shape 2)", 0.005, 0.005, burst=2),
    Release("identical, 0.5 %, bursts of 60 s (shape 2)", 0.005, 0.005, burst=2, burst_blocks=12),
    Release("20 % slower", slower=1.2),
    Release("0.5 % to 5 % (10x)", 0.005, 0.05),
    Release("0.2 % to 2 % (10x)", 0.002, 0.02),
    Release("0.2 % to 2 % (10x), 20/s", 0.002, 0.02, per_second=20),
    Release("0.05 % to 0.5 % (10x)", 0.0005, 0.005),
    Release("three times slower", slower=3.0),
    Release("p99 x 3, median as before", stalled=0.03),
)


def simulate(release: Release, runs: int, seed: int) -> list[Ended]:
    """`runs` releases, on all cores."""
    sizes = [min(_CHUNK, runs - begun) for begun in range(0, runs, _CHUNK)]
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    with ProcessPoolExecutor() as processes:
        return list(chain.from_iterable(processes.map(_some, repeat(release), sizes, seeds)))


def _some(release: Release, runs: int, seed: np.random.SeedSequence) -> list[Ended]:
    random = np.random.default_rng(seed)
    return [run(release, Plan(), random) for _ in range(runs)]


def run(release: Release, plan: Plan, random: Random) -> Ended:
    """One release from its first block to its end."""
    source, weighed = _Source(release, plan.block, random), Weighed()
    seconds = plan.warm_up * plan.block
    for place, step in enumerate(plan.steps):
        since = seconds
        outcome = Outcome.NOT_ENOUGH
        while outcome is Outcome.NOT_ENOUGH:
            if seconds - since >= step.max_wait:
                return Ended("paused", seconds, step.weight)
            seconds += plan.block
            weighed = weighed.after(source.block(place, step, seconds), plan.rules.slower)
            outcome = conclude(weighed, plan.rules, step).outcome
        if outcome is Outcome.WORSE:
            return Ended("rolled back", seconds, step.weight)
    return Ended("promoted", seconds, plan.steps[-1].weight)


class _Source:
    """Measures, if one may call it that: blocks of random counts."""

    def __init__(self, release: Release, seconds: float, random: Random) -> None:
        self._release, self._seconds, self._random = release, seconds, random
        self._buckets = _buckets(1.0, 0.0), _buckets(release.slower, release.stalled)
        self._shaken: list[tuple[float, float]] = []

    def block(self, place: int, step: Step, at: float) -> Block:
        if not self._shaken:
            one = tuple(float(by) for by in shaken(self._release.burst, (2,), self._random))
            self._shaken = [(one[0], one[1])] * self._release.burst_blocks
        by = self._shaken.pop()
        requests = self._random.poisson(self._release.per_second * self._seconds)
        canary = self._random.binomial(requests, step.weight / 100)
        return Block(
            at,
            self._seconds,
            place,
            step.weight,
            baseline=self._counts(requests - canary, self._release.baseline * by[0], self._buckets[0]),
            canary=self._counts(canary, self._release.canary * by[1], self._buckets[1]),
        )

    def _counts(self, requests: int, ratio: float, buckets: NDArray[np.float64]) -> Counts:
        latency = Histogram(tuple(self._random.multinomial(requests, buckets).tolist()))
        return Counts(requests, int(self._random.binomial(requests, min(1.0, ratio))), {}, latency)


def _buckets(slower: float, stalled: float) -> NDArray[np.float64]:
    """The chance of each bucket: a log-normal, and the share that stalls."""
    edges = [_below(bound / slower) * (1 - stalled) + (stalled if bound >= _STALLED else 0.0) for bound in BOUNDS]
    chances = np.diff([0.0, *edges, 1.0])
    return np.asarray(chances / chances.sum())


def _below(ms: float) -> float:
    return 0.5 * (1 + math.erf(math.log(ms / _MEDIAN) / (_SPREAD * math.sqrt(2))))


def row(release: Release, ended: Sequence[Ended]) -> str:
    """One line of the table."""
    shares = [sum(one.outcome == outcome for one in ended) / len(ended) for outcome in _OUTCOMES]
    median, late = np.percentile([one.seconds for one in ended], [50, 95])
    cells = [release.name, *(f"{share:.2%}" for share in shares), f"{median:.0f} s", f"{late:.0f} s"]
    quick = sum(one.seconds <= _MINUTE and one.weight <= _QUARTER for one in ended) / len(ended)
    bad = (release.canary, release.slower, release.stalled) != (release.baseline, 1.0, 0.0)
    return "| " + " | ".join([*cells, f"{quick:.1%}" if bad and shares[1] > shares[0] else ""]) + " |"


_OUTCOMES = ("promoted", "rolled back", "paused")
_MINUTE, _QUARTER = 60.0, 25
HEADING = (
    "| release | promoted | rolled back | paused | half end within | 95 % end within | within 60 s at most at 25 % |\n"
    "|---|--:|--:|--:|--:|--:|--:|"
)
