"""When is the next call sent, if nobody waits for the last one?

    load = OpenLoop(lambda _: shopper.place_order(timeout=3.0), rate=100)
    report = await load.run(duration=10.0)

An open loop sends on a schedule (loadtest/arrivals.py), as the public does; a closed loop (Locust) waits for answers
and so goes easy on a server exactly when it is slow. Verdicts use this one. To load something while doing something
else:

    running = asyncio.create_task(load.run())
    ...
    load.stop()
    report = await running
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from loadtest.arrivals import Arrivals, constant
from loadtest.outcome import Outcome
from loadtest.punctuality import Clock, Punctuality
from loadtest.report import Report, Sample

BURST = 16  # calls that are sent without a look at the answers, when that many are due
TOO_LATE = 10.0  # seconds after a call was due: a generator that is so far behind would not end with its schedule


class MonotonicClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds of time.monotonic."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that long, or at least once."""
        await asyncio.sleep(seconds)


class OpenLoop:
    """Sends call number 0, 1, 2, ... as they arrive, evenly unless told otherwise, whatever became of the ones before.

    `call` answers with an Outcome and does not raise for a failed RPC; if it raises, the run ends with that error
    (in an ExceptionGroup). At most `max_in_flight` calls run at once; one that is due beyond that, or that the
    generator comes to TOO_LATE, is dropped and counted. Every call needs a deadline of its own, for a run ends when its
    last call does. A sample takes about half a KiB, so an hour at 100 per second is 200 MiB; a longer or a faster run
    gives them to `keep`, and its report is empty.
    """

    def __init__(
        self,
        call: Callable[[int], Awaitable[Outcome]],
        *,
        rate: float,
        arrivals: Arrivals | None = None,
        max_in_flight: int = 512,
        clock: Clock | None = None,
        keep: Callable[[Sample], None] | None = None,
    ) -> None:
        if rate <= 0 or max_in_flight < 1:
            raise ValueError(f"rate ({rate}) and max_in_flight ({max_in_flight}) must be positive")
        self._call = call
        self._rate = rate
        self._arrivals = arrivals or constant(rate)
        self._max_in_flight = max_in_flight
        self._clock = clock or MonotonicClock()
        self._samples: list[Sample] = []
        self._keep = keep or self._samples.append
        self._dropped: list[float] = []
        self._in_flight = 0
        self._stopping = False
        self.punctuality = Punctuality()

    async def run(self, *, calls: float = math.inf, duration: float = math.inf) -> Report:
        """Send so many calls, or for so many seconds, or until `stop`; report when the last one has ended."""
        begin = self._clock.now()
        async with asyncio.TaskGroup() as group:
            for number, after in enumerate(self._arrivals()):
                if number >= calls or after >= duration:
                    break
                early = begin + after - self._clock.now()
                if early > 0 or number % BURST == 0:
                    await self._clock.sleep(max(0.0, early))
                if self._stopping:
                    break
                if self._in_flight >= self._max_in_flight or -early > TOO_LATE:
                    self._drop(begin, after)
                    continue
                self._in_flight += 1
                self.punctuality.sent(after, self._clock.now() - begin)
                group.create_task(self._one(number, begin + after))
        return self.report()

    def stop(self) -> None:
        """Send no further call; `run` returns when those in flight have ended."""
        self._stopping = True

    def report(self) -> Report:
        """What has ended so far."""
        return Report(self._rate, tuple(sorted(self._samples, key=lambda each: each.number)), tuple(self._dropped))

    def _drop(self, begin: float, after: float) -> None:
        self._dropped.append(begin + after)
        self.punctuality.drop(after)

    async def _one(self, number: int, due: float) -> None:
        started = self._clock.now()
        try:
            outcome = await self._call(number)
        finally:
            self._in_flight -= 1
        self._keep(Sample(number, due, started, self._clock.now(), outcome))
