"""What happened between two readings? Counts per version, or why there is no telling."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mesh.canary.judge.counts import Block, Counts
from mesh.canary.measure.counters import Counters
from mesh.canary.measure.source import Caller, Reading


@dataclass(frozen=True)
class Delta:
    """What the callers saw of each version between two readings."""

    at: float
    seconds: float
    versions: Mapping[str, Counts]
    left_out: tuple[str, ...] = ()
    """The pods that could not be counted, each with the reason. Both versions lack what those have seen."""

    def block(self, step: int, weight: int, baseline: str, canary: str) -> Block:
        """The same as a block of a step."""
        return Block(self.at, self.seconds, step, weight, self.versions[baseline], self.versions[canary])


@dataclass(frozen=True)
class NoData:
    """Nothing can be said about the time between two readings; never a good sign."""

    at: float
    why: str


def difference(earlier: Reading, later: Reading, versions: Sequence[str]) -> Delta | NoData:
    """What the callers saw of `versions` from `earlier` to `later`.

    A sidecar that began in between is counted from zero; one whose beginning nobody has seen is left out, since its
    counts may be of any age. No requests are a Delta of zeros. No statistics are no data, nor are no requests as long
    as somebody does not answer: they may all be his.
    """
    if later.at <= earlier.at:
        return NoData(later.at, "no time has passed between the readings")
    starts = {caller: _start(caller, earlier) for caller in later.pods}
    left_out = [*later.missing, *_gone(earlier, later)]
    left_out += [f"{caller.pod}: seen for the first time" for caller, start in starts.items() if start is None]
    counted = {caller: start for caller, start in starts.items() if start is not None}
    if not any(later.pods[caller] for caller in counted):
        reason = "; ".join(left_out) if left_out else "no sidecar has statistics of it"
        return NoData(later.at, f"nothing is known of {' and '.join(versions)}: {reason}")
    seen = {
        version: _sum(_since(later.pods[caller], start, version) for caller, start in counted.items())
        for version in versions
    }
    if left_out and not any(counts.requests for counts in seen.values()):
        return NoData(
            later.at, f"nobody who could be counted has called {' or '.join(versions)}: {'; '.join(left_out)}"
        )
    return Delta(later.at, later.at - earlier.at, seen, tuple(left_out))


def _start(caller: Caller, earlier: Reading) -> Mapping[str, Counters] | None:
    """What the sidecar had counted at the time of `earlier`; None when nobody knows."""
    if caller in earlier.pods:
        return earlier.pods[caller]
    # Kubernetes gives the time of a start in whole seconds, rounded down.
    return {} if caller.began >= math.floor(earlier.at) else None


def _gone(earlier: Reading, later: Reading) -> list[str]:
    """The pods that are not there any more, or began anew: what they saw last is lost."""
    said = {missing.partition(":")[0] for missing in later.missing}
    lost = [caller.pod for caller in earlier.pods if caller not in later.pods and caller.pod not in said]
    return [f"{pod}: gone with what it saw last" for pod in lost]


def _since(now: Mapping[str, Counters], start: Mapping[str, Counters], version: str) -> Counts:
    return now.get(version, Counters()).since(start.get(version, Counters())).counts()


def _sum(counts: Iterable[Counts]) -> Counts:
    return sum(counts, start=Counts())
