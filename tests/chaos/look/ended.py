"""Verdicts to look at."""

from __future__ import annotations

from dataclasses import replace

from mesh.chaos.experiment import Phase
from mesh.chaos.faults.fault import Proof
from mesh.chaos.judging import Evidence, judge, steady_state
from mesh.chaos.observed import Observed
from mesh.chaos.verdict import Figures, Outcome, Verdict
from tests.chaos.story import calls, experiment, seen

AUDIT = {"verdict": "clean", "orders": {"total": 120}, "discrepancies": []}


def ended(observed: Observed | None = None, *, control: bool = False) -> Verdict:
    """The verdict on a run that was proved; it has withstood unless what was observed says otherwise."""
    evidence = Evidence(
        steady=steady_state(experiment(), lambda *_: calls(seconds=5)),
        injected=(Proof(True, "p50 is 2.0 s"),),
        removed=(Proof(False, "p50 is 4 ms"),),
        observed=observed or seen(),
        audit=AUDIT,
        environment={"revision": "abc123", "cores": 4},
    )
    return judge(experiment(), evidence, run="20261121-154500-payments-slow", control=control)


def failed(verdict: Verdict, calls: int, of: int) -> Verdict:
    """The same verdict, FAIL, with so many orders failed."""
    figures = {"orders": {Phase.STEADY: Figures(40, 0, 0, 5.0, 9.0), Phase.ALL: Figures(of, calls, 0, 6.0, 250.0)}}
    return replace(verdict, outcome=Outcome.FAIL, figures=figures)
