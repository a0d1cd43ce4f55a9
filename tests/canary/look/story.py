"""Runs to look at: journals as the runner writes them, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mesh.canary.journal.blocks import block_facts, verdict_facts
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.judge.counts import BOUNDS, Block, Counts, Histogram
from mesh.canary.judge.verdict import Arm, Evidence, Outcome, Verdict
from mesh.canary.plan import Plan

BEGAN = 1_764_000_000.0
RUN = "20251124-160000-abcd"
PLAN = Plan.model_validate({"steps": [5, 10, 25, 50]})
ANNA = "anna@laptop pid 7"


def counts(requests: int, errors: int = 0, ms: float = 3.0) -> Counts:
    """So many requests that all took this long."""
    place = BOUNDS.index(ms)
    latency = tuple(requests if index == place else 0 for index in range(len(BOUNDS) + 1))
    statuses = {"OK": requests - errors, "UNAVAILABLE": errors}
    return Counts(requests, errors, statuses, Histogram(latency))


def evidence(*, requests: int = 500, errors: int = 0, against: float = 1.0, equal: float = 1.0) -> Evidence:
    """Evidence whose e-values against the canary, and for it, are these."""
    baseline = Arm(4 * requests, 0, 0, 0.0, 0.0, 0.002, 2.5, 8.0)
    canary = Arm(requests, errors, 0, errors / requests, 0.0, 0.03, 2.6, 9.0)
    worse, equals = (against, against, 1.0, 1.0, 1.0, 1.0, 300.0, 100.0), (equal, equal, equal, 100.0)
    return Evidence(baseline, canary, *worse, *equals, excess_errors=0.01, excess_refused=0.05, excess_slow=0.05)


class Story:
    """A journal that grows; every entry is five seconds after the one before."""

    def __init__(self, service: str = "catalog", run: str = RUN, began: float = BEGAN) -> None:
        self.service, self.run, self.at = service, run, began
        self.entries: list[Entry] = []

    def add(self, kind: Kind, by: str = ANNA, **facts: Any) -> Story:
        last = self.entries[-1] if self.entries else None
        self.entries.append(Entry.after(last, at=self.at, run=self.run, kind=kind, by=by, facts=facts))
        self.at += 5
        return self

    def started(self, **facts: Any) -> Story:
        usual = {
            "service": self.service,
            "baseline": "v1",
            "canary": "v2",
            "weights": {"v1": 100, "v2": 0},
            "plan": PLAN.model_dump(mode="json"),
            "command": f"argosy canary start {self.service}",
            "revision": "f32f4a0",
            "images": {"v1": "argosy:1", "v2": "argosy:2"},
            "watchdog": "watchdog@laptop",
            "unattended": False,
            "sticky": "",
        }
        return self.add(Kind.STARTED, **{**usual, **facts})

    def wrote(self, action: str, weights: Mapping[str, int], step: int = 0, reason: str = "") -> Story:
        before: dict[str, Any] = {"from": {"v1": 100, "v2": 0}, "to": dict(weights), "reason": reason}
        self.add(Kind.INTENT, step=step, action=action, resource_version="7", **before)
        return self.add(Kind.APPLIED, step=step, action=action, weights=dict(weights), resource_version="8", done=True)

    def shifted(self, step: int, weight: int) -> Story:
        self.wrote("shift", {"v1": 100 - weight, "v2": weight}, step)
        return self.add(Kind.OBSERVED, step=step, share=float(weight), requests=400)

    def measured(self, step: int, weight: int, canary: Counts | None = None, baseline: Counts | None = None) -> Story:
        measured = (baseline or counts(450), canary or counts(50))
        block = Block(self.at, 5.0, step, weight, *measured)
        return self.add(Kind.BLOCK, **block_facts(block, "0" * 64))

    def judged(self, step: int, outcome: Outcome, reason: str, found: Evidence | None = None) -> Story:
        return self.add(Kind.JUDGED, **verdict_facts(step, Verdict(outcome, reason, False, found or evidence())))

    def ended(self, outcome: str, reason: str, exit_code: int) -> Story:
        return self.add(Kind.ENDED, outcome=outcome, reason=reason, exit_code=exit_code)


def promoted(**where: Any) -> Story:
    """A canary that went well: two of its steps, then all traffic."""
    story = Story(**where).started().wrote("header", {"v1": 100, "v2": 0})
    for step, weight in ((0, 5), (1, 10)):
        story.shifted(step, weight).measured(step, weight)
        story.judged(step, Outcome.NOT_ENOUGH, "50 of 100 samples").measured(step, weight)
        story.judged(step, Outcome.BETTER_OR_EQUAL, "no worse by errors and latency", evidence(equal=150.0))
    story.wrote("promote", {"v1": 0, "v2": 100}, 1, "every step was passed")
    return story.ended("promoted", "every step was passed", 0)


def rolled_back(**where: Any) -> Story:
    """A canary that failed at its first step."""
    story = Story(**where).started().shifted(0, 5)
    story.measured(0, 5, counts(50, 20, 250.0))
    story.judged(0, Outcome.WORSE, "20 errors of 50", evidence(requests=50, errors=20, against=1e9))
    story.wrote("rollback", {"v1": 100, "v2": 0}, 0, "20 errors of 50")
    return story.ended("rolled-back", "20 errors of 50", 10)
