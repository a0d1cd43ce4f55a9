"""Is too much going wrong to go on? Said of all calls of the last seconds."""

from __future__ import annotations

from mesh.chaos.run.senses import Watching

SECONDS = 3.0
ENOUGH = 20  # calls; fewer say nothing about a share


def burned(observer: Watching, above: float) -> str:
    """Why a run should end that may let no larger share of calls fail; empty when it need not."""
    reports = [observer.recent(stream, SECONDS) for stream in observer.streams]
    calls = sum(len(report.samples) for report in reports)
    failed = sum(len(report.failures) for report in reports)
    if calls < ENOUGH or failed <= above * calls:
        return ""
    return f"{failed} of {calls} calls of the last {SECONDS:.0f} s failed, and no more than {above:.0%} may"
