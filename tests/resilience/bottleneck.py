"""How does an admission fare before a server with so many workers? Played through in simulated time.

    server = Bottleneck(admission, workers=4, work=lambda random: 0.01)
    seen = server.run(30.0, rate=1200)
    assert seen.answered / 30 > 380

Calls arrive at random (Poisson), wait for a worker in order of arrival, and are worked on even when their
caller has gone, as in a database. Nothing here is a mock: the admission is the real one, its clock this one's.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from mesh.resilience.admission import Admission, Place
from mesh.resilience.errors import NotAdmitted
from mesh.resilience.server_policy import LimitPolicy, ServerPolicy
from tests.resilience.fake_time import FakeTime

METHOD = "/shop.catalog.v1.CatalogService/GetProduct"
PATIENCE = 0.5  # seconds that each caller waits
Work = Callable[[Random], float]


@dataclass
class Seen:
    """What became of the calls of one run."""

    refused: int = 0
    latencies: list[float] = field(default_factory=list)  # of the answers
    limits: list[int] = field(default_factory=list)  # at each arrival

    @property
    def answered(self) -> int:
        """How many answers came while their caller was still there."""
        return sum(latency <= PATIENCE for latency in self.latencies)

    @property
    def p99(self) -> float:
        return sorted(self.latencies)[int(0.99 * len(self.latencies))]


class Bottleneck:
    """A server whose answers take a worker each. The clock goes on from one run to the next."""

    def __init__(
        self, *, workers: int, work: Work, seed: int = 1, adaptive: bool = True, limit: LimitPolicy | None = None
    ) -> None:
        self.time = FakeTime()
        self.work = work
        policy = ServerPolicy(limit=limit or LimitPolicy(normal_share=1.0))
        self.admission = Admission(policy, most=10**6, adaptive=adaptive, clock=self.time)
        self._door = self.admission.door(METHOD, streams=False)
        self._random = Random(seed)  # noqa: S311 - a simulation, not a secret
        self._free = workers
        self._waiting: deque[tuple[float, Place]] = deque()
        self._ends: list[tuple[float, int, float, Place]] = []
        self._numbers = count()

    def run(self, seconds: float, *, rate: float, elsewhere: float = 0.0) -> Seen:
        """So many calls arrive per second; `elsewhere` is time that each takes besides, without a worker."""
        seen, end = Seen(), self.time.now + seconds
        arrival = self.time.now + self._random.expovariate(rate)
        while True:
            ends = self._ends[0][0] if self._ends else math.inf
            if min(arrival, ends) >= end:
                self.time.now = end
                return seen
            self.time.now = min(arrival, ends)
            if ends <= arrival:
                self._answer(seen, elsewhere)
            else:
                self._arrive(seen, elsewhere)
                arrival += self._random.expovariate(rate)

    def _arrive(self, seen: Seen, elsewhere: float) -> None:
        seen.limits.append(self.admission.limit)
        place = self._door.place(None)
        try:
            place.__enter__()
        except NotAdmitted:
            seen.refused += 1
            return
        self._waiting.append((self.time.now, place))
        self._begin(elsewhere)

    def _begin(self, elsewhere: float) -> None:
        while self._waiting and (elsewhere or self._free):
            arrived, place = self._waiting.popleft()
            self._free -= 1
            ends = self.time.now + self.work(self._random) + elsewhere
            heapq.heappush(self._ends, (ends, next(self._numbers), arrived, place))

    def _answer(self, seen: Seen, elsewhere: float) -> None:
        _, _, arrived, place = heapq.heappop(self._ends)
        self._free += 1
        place.__exit__(None, None, None)
        seen.latencies.append(self.time.now - arrived)
        self._begin(elsewhere)
