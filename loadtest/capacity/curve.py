"""What was measured of one kind of load? Its steps, the knee among them, and what was first in the way beyond. Pure.

A step holds while nearly every call is answered as it deserved, and each RPC keeps the p99 that its service promises
(services/*/objectives.yaml). So a knee is no matter of taste: from there on, a promise is broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.capacity.stepping import knee
from loadtest.generator.seen import Seen
from loadtest.outcome import FAILURES
from loadtest.tally import Tally
from mesh.objectives.reading import Objective

NAMED = 2  # of what fails, the most frequent
ANSWERED = 0.99  # of the calls that were due: a step has too few for three nines


@dataclass(frozen=True)
class Step:
    """What came of one rate; latencies in seconds, from when a call was due."""

    offered: float  # calls per second
    answered: float  # per second: as they deserved
    p50: float
    p99: float
    broken: tuple[str, ...] = ()  # the promises that were
    bound: tuple[str, ...] = ()  # why the numbers are the generator's own

    @property
    def holds(self) -> bool:
        """Whether every promise was kept, as far as anybody can tell."""
        return not self.broken and not self.bound

    def __str__(self) -> str:
        """One line of progress."""
        what = "; ".join((*self.broken, *self.bound)) or "holds"
        return f"{self.offered:.0f}/s: {self.answered:.0f} answered, p99 {1000 * self.p99:.0f} ms, {what}"


def step_of(offered: float, seconds: float, seen: Seen, promises: Mapping[str, Objective]) -> Step:
    """The step that a run was; `promises` by the RPC's name."""
    answered = seen.tally.calls - seen.tally.count(*FAILURES)
    latency = seen.tally.latency()
    return Step(
        offered,
        answered / seconds,
        latency.quantile(0.5),
        latency.quantile(0.99),
        tuple(_broken(seen, answered, promises)),
        tuple(seen.punctuality.bound()),
    )


def _broken(seen: Seen, answered: int, promises: Mapping[str, Objective]) -> Iterator[str]:
    due = seen.punctuality.due
    if not due:
        yield "no call was due"
    elif answered < ANSWERED * due:
        yield f"{answered / due:.1%} answered ({_most(seen.tally)})"
    for rpc in seen.tally.rpcs:
        promised, took = promises[rpc].p99, seen.tally.latency(rpc).quantile(0.99)
        if promised is not None and took > promised:
            yield f"{rpc} p99 {1000 * took:.0f} ms, promised {1000 * promised:.0f} ms"


def _most(tally: Tally) -> str:
    """Which calls fail most, and how."""
    failed = Counter({cell: latency.count for cell, latency in tally.cells.items() if cell.kind in FAILURES})
    return ", ".join(f"{cell.rpc} {cell.code} {count}" for cell, count in failed.most_common(NAMED))


@dataclass(frozen=True)
class Curve:
    """One kind of load, by growing rates."""

    profile: str
    about: str
    steps: tuple[Step, ...]

    @property
    def knee(self) -> Step | None:
        """The highest step that holds before one does not."""
        return knee(self.steps)

    @property
    def beyond(self) -> Step | None:
        """The first step that does not hold."""
        return next((step for step in self.steps if not step.holds), None)

    def to_json(self) -> dict[str, Any]:
        """For programs; latencies in seconds."""
        at = self.knee
        steps = [asdict(step) | {"holds": step.holds} for step in self.steps]
        return {"profile": self.profile, "knee": at.offered if at else None, "steps": steps}


def verdict(curve: Curve) -> str:
    """The curve in a sentence."""
    at, beyond = curve.knee, curve.beyond
    if at is None:
        return f"not even {curve.steps[0].offered:.0f}/s: {'; '.join(_why(curve.steps[0]))}"
    found = f"{at.offered:.0f}/s, p99 {1000 * at.p99:.0f} ms"
    if beyond is None:
        return f"at least {found}; not tried further"
    if beyond.bound:  # then nothing else that it shows is the shop's
        return f"at least {found}; at {beyond.offered:.0f}/s {'; '.join(_why(beyond))}"
    return f"{found}; at {beyond.offered:.0f}/s {'; '.join(_why(beyond))}"


def _why(step: Step) -> Sequence[str]:
    return [f"the load generator was at its own end: {', and '.join(step.bound)}"] if step.bound else step.broken
