"""What do two versions do, minute by minute? Drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Random = np.random.Generator

PER_SECOND = 100
LOOK = 60  # seconds between two looks
LOOKS = 10  # at each weight
WEIGHTS = (5, 10, 25, 50)


@dataclass(frozen=True)
class Case:
    """The error ratios of both versions; `burst` is the shape of the gamma that shakes each of them anew per look."""

    name: str
    baseline: float
    canary: float
    burst: float | None = None

    @property
    def identical(self) -> bool:
        return self.baseline == self.canary


@dataclass(frozen=True)
class Drawn:
    """Errors and requests of each run (row) at each look (column)."""

    baseline: Ints
    canary: Ints
    baseline_of: Ints
    canary_of: Ints  # as routed, by chance, and not as weighted


CASES = (
    Case("A/A 0.5 %", 0.005, 0.005),
    Case("both at 2 % (incident)", 0.02, 0.02),
    Case("0.5 % to 1 %", 0.005, 0.01),
    Case("0.5 % to 2 %", 0.005, 0.02),
    Case("0.5 % to 5 % (10x)", 0.005, 0.05),
    Case("0.05 % to 0.5 % (10x)", 0.0005, 0.005),
    Case("A/A 0.5 %, bursts (shape 10)", 0.005, 0.005, burst=10),
    Case("A/A 0.5 %, bursts (shape 2)", 0.005, 0.005, burst=2),
)


def draw(case: Case, runs: int, random: Random) -> Drawn:
    """`runs` releases of that case."""
    requests = PER_SECOND * LOOK
    shape = (runs, LOOKS * len(WEIGHTS))
    canary_of = random.binomial(requests, np.repeat(np.array(WEIGHTS) / 100, LOOKS), shape)
    baseline_of = requests - canary_of
    return Drawn(
        random.binomial(baseline_of, case.baseline * shaken(case.burst, shape, random)),
        random.binomial(canary_of, case.canary * shaken(case.burst, shape, random)),
        baseline_of,
        canary_of,
    )


def shaken(burst: float | None, shape: tuple[int, ...], random: Random) -> NDArray[np.float64]:
    """By what the error ratio is multiplied: 1 on average."""
    return np.ones(shape) if burst is None else random.gamma(burst, 1 / burst, shape)
