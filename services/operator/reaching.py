"""How is every pod of a service reached, when the mesh chooses who answers? It is asked until each has.

Why: docs/decisions/0013-reaching-every-pod.md. A pod is known by the name it answers with; who is expected to
answer comes from whoever can see the Kubernetes API, which this process cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field

from argosy.resilience.v1 import resilience_admin_pb2 as pb
from grpc import StatusCode
from grpc.aio import AioRpcError

from mesh.resilience import NotAttempted

PAUSE_SECONDS = 0.05
"""Between two rounds of asking: what the pods have to bear."""

_MAY_PASS = frozenset({StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED})


class Refused(Exception):
    """A pod of `service` answers, and not with what was asked for."""

    def __init__(self, service: str, code: StatusCode, details: str | None) -> None:
        super().__init__(f"{service}: {code.name}: {details}")
        self.service, self.code, self.details = service, code, details or ""


@dataclass
class RollCall:
    """Who has answered, and who of those expected has not."""

    service: str
    expected: frozenset[str]  # pods; none: whoever answers is enough
    answers: dict[str, pb.State] = field(default_factory=dict)
    problem: str = ""  # what kept the last one who did not answer from it

    @property
    def missing(self) -> Collection[str]:
        return sorted(self.expected - self.answers.keys())

    @property
    def complete(self) -> bool:
        return bool(self.answers) and not self.missing

    async def ask(self, ask: Callable[[], Awaitable[pb.State]]) -> None:
        """Ask once. Raises Refused."""
        try:
            state = await ask()
        except AioRpcError as error:
            problem = passing(self.service, error)
            if not (self.problem and isinstance(error, NotAttempted)):  # our own breaker knows nothing new
                self.problem = problem
        else:
            self.answers[state.pod] = state


def passing(service: str, error: AioRpcError) -> str:
    """`error` in words, when asking again may help. Raises Refused when it cannot."""
    if error.code() not in _MAY_PASS:
        raise Refused(service, error.code(), error.details()) from error
    return f"{error.code().name}: {error.details()}"


async def call_the_roll(
    service: str,
    expected: frozenset[str],
    ask: Callable[[], Awaitable[pb.State]],
    *,
    seconds: float,
    sleep: Callable[[float], Awaitable[None]],
) -> RollCall:
    """Ask until everybody expected has answered, for `seconds` at most. Raises Refused.

    As many at once as are missing: whoever balances load sends calls at the same time to different pods.
    """
    roll = RollCall(service, expected)
    try:
        async with asyncio.timeout(seconds):
            while not roll.complete:
                await asyncio.gather(*(roll.ask(ask) for _ in roll.missing or [""]))
                if not roll.complete:
                    await sleep(PAUSE_SECONDS)
    except TimeoutError:
        roll.problem = roll.problem or f"it did not answer within {seconds:g} s"
    return roll
