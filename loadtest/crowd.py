"""Who makes the calls of an open loop? A crowd of visitors, each in the middle of a journey.

    async with open_crowd("127.0.0.1:8080", PROFILES["shop"], rate=200) as crowd:
        report = await OpenLoop(crowd, rate=200).run(duration=60)

Each arrival is one RPC: the next step of the visitor who has rested longest, or the first step of a new one as long as
few are there. So the rate counts RPCs, their mix is the journeys', and orders are tracked that were really placed.
A visitor who waits for a slow answer holds nobody up: somebody else takes the next step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

from grpc import StatusCode, aio

from loadtest.asking import asked
from loadtest.journeys import Call, Journey, Visitor, pick
from loadtest.outcome import Outcome

REST = 1.0  # seconds between two steps of a visitor, about
FEWEST, MOST = 8, 1000  # visitors who rest
CHANNELS = 4  # a proxy serves a connection with one of its threads


class Visit:
    """One visitor's journey, and the call that comes next."""

    def __init__(self, journey: Journey, visitor: Visitor, channel: aio.Channel) -> None:
        self._story = journey.visit(visitor)
        self.channel = channel
        self.next: Call | None = next(self._story)

    def go_on(self, answer: Any) -> None:
        """The answer is there; `next` is None when it was the last one."""
        try:
            self.next = self._story.send(answer)
        except StopIteration:
            self.next = None

    def leave(self) -> None:
        """A call was not answered with OK: nobody goes on."""
        self._story.close()
        self.next = None


class Crowd:
    """A `call` for OpenLoop: `await crowd(number)` makes one RPC and says how it ended."""

    def __init__(
        self, channels: Sequence[aio.Channel], journeys: Sequence[Journey], *, seed: str, visitors: int
    ) -> None:
        self._channels, self._journeys, self._visitors = channels, journeys, visitors
        self._random = Random(seed)  # noqa: S311 - choices, not secrets
        self._names = (f"{uuid4().hex[:8]}-{number}" for number in count())  # nobody's cart or orders are found again
        self._resting: deque[Visit] = deque()

    async def __call__(self, _number: int) -> Outcome:
        """The next step of somebody's journey."""
        visit = self._somebody()
        assert visit.next  # noqa: S101 - who has nothing left to do does not rest here
        answer, outcome = await asked(visit.channel, visit.next)
        if outcome.code is StatusCode.OK:
            visit.go_on(answer)
        else:
            visit.leave()
        if visit.next:
            self._resting.append(visit)
        return outcome

    def _somebody(self) -> Visit:
        if len(self._resting) >= self._visitors:
            return self._resting.popleft()
        name = next(self._names)
        visitor = Visitor(f"visitor-{name}", Random(self._random.random()))  # noqa: S311 - the same
        return Visit(pick(self._journeys, self._random), visitor, self._random.choice(self._channels))


@asynccontextmanager
async def open_crowd(
    target: str, journeys: Sequence[Journey], *, rate: float, seed: int | str = 1
) -> AsyncIterator[Crowd]:
    """As many visitors as it takes for `rate` RPCs per second with a rest between two of them; on few connections."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with AsyncExitStack() as stack:
        opened = [aio.insecure_channel(target, options=options) for _ in range(CHANNELS)]
        channels = [await stack.enter_async_context(channel) for channel in opened]
        yield Crowd(channels, journeys, seed=str(seed), visitors=min(max(FEWEST, round(REST * rate)), MOST))
