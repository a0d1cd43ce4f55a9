"""Did a run keep what the services promise, and does it say anything at all? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadtest.generator.seen import Seen
from loadtest.outcome import FAILURES, Kind
from loadtest.punctuality import LATE
from loadtest.reconciling import Compared, Says
from loadtest.tally import Tally
from mesh.objectives.reading import Objective

ANSWERED = (Kind.OK, Kind.EXPECTED)
QUANTILES = {"p95": 0.95, "p99": 0.99}
FEWEST = {"availability": 100, "p95": 20, "p99": 100}  # calls below which the worst one alone decides
LAG_SHARE = 0.25  # of a time that was missed: a generator later than that may have missed it itself


class Outcome(StrEnum):
    """How a run is judged."""

    MET = "met"
    MISSED = "missed"
    INVALID = "invalid"

    @property
    def exit_code(self) -> int:
        """What a shell is told."""
        return {Outcome.MET: 0, Outcome.MISSED: 1, Outcome.INVALID: 3}[self]


@dataclass(frozen=True)
class Check:
    """One promise, and what was found: shares, or seconds."""

    rpc: str
    what: str  # availability, p95, p99
    promised: float
    found: float
    calls: int

    @property
    def judged(self) -> bool:
        """Whether there were calls enough to say. A call that failed has failed, however few there were."""
        return self.what == "availability" or self.calls >= FEWEST[self.what]

    @property
    def holds(self) -> bool:
        """Whether it was kept."""
        return self.found >= self.promised if self.what == "availability" else self.found <= self.promised

    @property
    def missed(self) -> bool:
        """Whether it certainly was not."""
        return self.judged and not self.holds

    @property
    def budget_used(self) -> float | None:
        """What of the run's share of the error budget was used; None of a time."""
        return (1 - self.found) / (1 - self.promised) if self.what == "availability" else None


@dataclass(frozen=True)
class Judgement:
    """Every promise that was checked, and why the run may say nothing."""

    checks: tuple[Check, ...]
    invalid: tuple[str, ...]
    unpromised: tuple[str, ...] = ()  # RPCs that were called and promise nothing

    @property
    def missed(self) -> tuple[Check, ...]:
        """The promises that were not kept."""
        return tuple(check for check in self.checks if check.missed)

    @property
    def outcome(self) -> Outcome:
        """A run that says nothing has missed nothing, and met nothing."""
        if self.invalid:
            return Outcome.INVALID
        return Outcome.MISSED if self.missed else Outcome.MET


def judge(seen: Seen, objectives: Mapping[str, Objective], comparison: Sequence[Compared] = ()) -> Judgement:
    """The judgement on a run."""
    promised = {objective.rpc: objective for objective in objectives.values()}
    called = seen.tally.rpcs
    checks = tuple(check for rpc in called if rpc in promised for check in _checks(seen.tally, promised[rpc]))
    invalid = (*_nothing_said(seen.tally, checks), *_bound(seen, checks), *_disagreeing(comparison))
    return Judgement(checks, invalid, tuple(rpc for rpc in called if rpc not in promised))


def _checks(tally: Tally, objective: Objective) -> Iterator[Check]:
    rpc, failed = objective.rpc, tally.count(*FAILURES, rpc=objective.rpc)
    answered = tally.latency(rpc, *ANSWERED)
    calls = answered.count + failed
    yield Check(rpc, "availability", objective.availability, answered.count / calls, calls)
    for what, promised in (("p95", objective.p95), ("p99", objective.p99)):
        if promised is not None and answered.count:
            yield Check(rpc, what, promised, answered.quantile(QUANTILES[what]), answered.count)


def _nothing_said(tally: Tally, checks: Sequence[Check]) -> Iterator[str]:
    if not tally.calls:
        yield "no call was made"
    elif not any(check.missed or check.calls >= FEWEST[check.what] for check in checks):
        yield f"no RPC that promises anything was called {min(FEWEST.values())} times"


def _bound(seen: Seen, checks: Sequence[Check]) -> Iterator[str]:
    """Its own lateness is part of every latency: a promise kept in spite of it was kept, one missed perhaps by it."""
    missed = [check.promised for check in checks if check.missed and check.what in QUANTILES]
    tolerated = min([LATE, *(LAG_SHARE * promised for promised in missed)])
    for why in seen.punctuality.bound(tolerated):
        yield f"generator-bound: {why}"


def _disagreeing(comparison: Sequence[Compared]) -> Iterator[str]:
    for one in comparison:
        if one.says is Says.DISAGREE:
            yield f"the counts disagree: {one}; does somebody else use the shop?"
