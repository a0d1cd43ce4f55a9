"""How many users are in the shop as a run goes on?

steady       all of them, come one after the other, until the end
ramp         more and more, evenly, all of them at the end
spike        a few; in the middle third all of them at once; a few again
soak         steady, for hours: judged also by whether the end is slower than the beginning (loadtest/soak.py)
breakpoint   a tenth more with every tenth of the time, until the shop fails or is slow for as long as one of these
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

STEPS = 10  # of the search for the breaking point
FEW = 0.2  # of the users, before and after the spike
FAILED, LATE, SLOW = (
    0.05,
    0.05,
    1.0,
)  # above these shares of failed calls, or of those slower than a second, it is broken


class Shape(StrEnum):
    """The course of a run."""

    STEADY = "steady"
    RAMP = "ramp"
    SPIKE = "spike"
    SOAK = "soak"
    BREAKPOINT = "breakpoint"


@dataclass(frozen=True)
class Course:
    """A shape with its numbers."""

    shape: Shape
    users: int  # at most
    rate: float  # users started per second, where the shape does not say
    seconds: float

    def at(self, elapsed: float) -> tuple[int, float] | None:
        """Users, and how many of them are started per second, so long after the start; None when it is over."""
        if elapsed >= self.seconds:
            return None
        passed = elapsed / self.seconds
        match self.shape:
            case Shape.RAMP:
                return max(1, math.ceil(passed * self.users)), max(self.rate, self.users / self.seconds)
            case Shape.SPIKE:
                return (self.users, float(self.users)) if 1 / 3 <= passed < 2 / 3 else (self._few, float(self.users))
            case Shape.BREAKPOINT:
                return max(1, math.ceil(self.users * (self.step(elapsed) + 1) / STEPS)), max(
                    self.rate, self.users / STEPS
                )
        return self.users, self.rate

    def step(self, elapsed: float) -> int:
        """Which tenth of the time it is, from 0."""
        return int(STEPS * elapsed / self.seconds)

    @property
    def _few(self) -> int:
        return max(1, round(FEW * self.users))


@dataclass(frozen=True)
class Seen:
    """What calls came to so far; the difference of two is what happened between."""

    calls: int
    failures: int
    milliseconds: Mapping[int, int]  # how many calls took about so long

    def since(self, before: "Seen") -> "Seen":
        """What happened after `before` was seen."""
        took = Counter(self.milliseconds)
        took.subtract(before.milliseconds)
        return Seen(self.calls - before.calls, self.failures - before.failures, took)

    @property
    def broken(self) -> bool:
        """Whether too many calls failed or took too long; nothing that was called is broken."""
        return self.calls > 0 and (self.failures > FAILED * self.calls or self._slow > LATE * self.calls)

    @property
    def _slow(self) -> int:
        return sum(count for took, count in self.milliseconds.items() if took > 1000 * SLOW)
