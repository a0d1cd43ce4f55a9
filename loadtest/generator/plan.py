"""What is one run of the open loop, and which part of it does each process do? Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from math import ceil

from loadtest.arrivals import Arrivals, constant, poisson

RATE_EACH = 1000.0  # calls per second that a process makes with ease, half of what it can
PATIENCE = 5.0  # seconds that the longest call takes: what may be in flight at a server that hangs
LEAST_IN_FLIGHT = 512


class Pattern(StrEnum):
    """How calls arrive."""

    POISSON = "poisson"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Plan:
    """One run, or the part of it that one of several processes does."""

    target: str  # host:port
    profile: str
    rate: float  # calls per second, of all processes together
    seconds: float
    pattern: Pattern = Pattern.POISSON
    warm_up: float = 3.0  # seconds before, which are not reported
    seed: int = 1
    processes: int = 1
    number: int = 0  # of this process

    @property
    def own_rate(self) -> float:
        """Calls per second of this process."""
        return self.rate / self.processes

    @property
    def in_flight(self) -> int:
        """The most calls that this process has under way."""
        return LEAST_IN_FLIGHT + ceil(PATIENCE * self.own_rate)

    @property
    def own_seed(self) -> str:
        """Of what this process decides by chance."""
        return f"{self.seed}/{self.number}"

    def parts(self) -> list[Plan]:
        """One for each process."""
        return [replace(self, number=number) for number in range(self.processes)]

    def arrivals(self) -> Arrivals:
        """The share of this process. Those of all together come by chance again; constant ones, in step only nearly."""
        if self.pattern is Pattern.CONSTANT:
            return constant(self.own_rate)
        return poisson(self.own_rate, seed=self.own_seed)

    def to_json(self) -> str:
        """For the command line of a process."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Plan:
        """The plan that was written."""
        fields = json.loads(text)
        return cls(**{**fields, "pattern": Pattern(fields["pattern"])})


def processes_for(rate: float, cores: int) -> int:
    """How many it takes; no more than there are cores."""
    return max(1, min(ceil(rate / RATE_EACH), cores))
