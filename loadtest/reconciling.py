"""Do the servers agree with what the generator says it sent? What the two count has nothing in common but the calls.

Compared are the calls that ended with OK, for those a proxy neither retries nor makes up. A server may have answered
more than reached the generator: as many as it lost, in a timeout or to a proxy. It cannot have answered fewer. What
services ask of each other is counted by the callers and taken off. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from loadtest.generator.seen import Answers
from loadtest.server_calls import ATTEMPTED, HANDLED, Counts, growth, total

STRAY, STRAY_SHARE = 5, 0.01  # calls by others that may be going on: a background task, somebody with a browser


@dataclass(frozen=True)
class Books:
    """What all servers had counted at one moment."""

    counts: Counts
    unreached: frozenset[str] = frozenset()  # pods that did not answer, with why

    @property
    def processes(self) -> frozenset[tuple[str, float]]:
        """Who has counted: each pod, and when its process began."""
        return frozenset((series.pod, series.began) for series in self.counts)


class Says(StrEnum):
    """What a comparison comes to."""

    AGREE = "agree"
    DISAGREE = "disagree"
    UNKNOWN = "unknown"  # a process has come or gone, or did not answer: with it went what it had counted


@dataclass(frozen=True)
class Compared:
    """One RPC's calls that ended with OK."""

    rpc: str
    generator: int
    lost: int  # calls that may have ended with OK, too
    servers: float  # without what other services asked
    says: Says

    def __str__(self) -> str:
        upto = f" to {self.generator + self.lost}" if self.lost else ""
        return f"{self.rpc}: the generator counts {self.generator}{upto}, the servers {self.servers:.0f}"


def compared(answers: Answers, before: Books, after: Books) -> Iterator[Compared]:
    """Each RPC that was called."""
    grown = growth(before.counts, after.counts)
    complete = before.processes == after.processes and not before.unreached | after.unreached
    paths = {series.method.rpartition("/")[2]: series.method for series in grown if series.metric == HANDLED}
    for rpc in sorted(answers.ok | answers.lost):
        path, ok, lost = paths.get(rpc, rpc), answers.ok[rpc], answers.lost[rpc]
        inside = total(grown, metric=ATTEMPTED, method=path, code="OK")
        servers = total(grown, metric=HANDLED, method=path, code="OK") - inside
        agree = ok <= servers <= ok + lost + max(STRAY, STRAY_SHARE * ok)
        says = Says.AGREE if agree else Says.DISAGREE if complete else Says.UNKNOWN
        yield Compared(rpc, ok, lost, servers, says)
