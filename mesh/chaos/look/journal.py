"""What would the Chaos Toolkit have written of a run? The same journal, for tools that read those.

Status and `deviated` say what the verdict says, so that a reader of the Toolkit's journals is not misled: a run that
proves nothing is "failed", which the Toolkit would call "completed". The verdict itself stands under `extensions`.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mesh.chaos.experiment import Experiment, Injection, Phase, Removal
from mesh.chaos.look.timeline import Timeline
from mesh.chaos.observed import Happened
from mesh.chaos.verdict import Checked, Outcome, Verdict

_STATUS = {
    Outcome.PASS: "completed",
    Outcome.FAIL: "completed",
    Outcome.INVALID: "failed",
    Outcome.ABORTED: "aborted",
    Outcome.LEAKED: "failed",
}


def journal(experiment: Experiment, verdict: Verdict, seen: Timeline | None) -> dict[str, Any]:
    """The journal of a run; of one that ended before there was load, `seen` is None."""
    steady_before = _state(experiment, verdict.steady, seen)
    return {
        "platform": platform.platform(),
        "node": platform.node(),
        "experiment": as_written(experiment),
        **_times(seen, 0.0, seen.ended if seen else 0.0),
        "status": _STATUS[verdict.outcome],
        "deviated": verdict.outcome is Outcome.FAIL,
        "steady_states": {"before": steady_before, "after": _state_after(verdict, seen), "during": []},
        "run": [_activity(each, verdict.injected, seen, Happened.INJECTED) for each in experiment.method],
        "rollbacks": [_activity(each, verdict.removed, seen, Happened.REMOVED) for each in experiment.rollbacks],
        "extensions": [{"name": "argosy", "verdict": verdict.document()}],
    }


def as_written(experiment: Experiment) -> dict[str, Any]:
    """The experiment as its file has it, which the Toolkit can read."""
    return experiment.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _state(experiment: Experiment, checks: Sequence[Checked], seen: Timeline | None) -> dict[str, Any] | None:
    """The steady state that was looked at, a probe beside what it found; None when nobody has looked."""
    if not checks:
        return None
    injected = seen.injected if seen else 0.0
    probes = [
        {
            "activity": probe.model_dump(mode="json", exclude_unset=True),
            "output": check.value,
            "status": "succeeded" if check.samples else "failed",
            "tolerance_met": check.holds,
            **_times(seen, max(0.0, injected - probe.provider.arguments.seconds), injected),
        }
        for probe, check in zip(experiment.steady_state.probes, checks, strict=False)
    ]
    return {"steady_state_met": all(check.holds for check in checks), "probes": probes}


def _state_after(verdict: Verdict, seen: Timeline | None) -> dict[str, Any] | None:
    """Whether the shop was well again when the load ended, which is what its recovery says."""
    if seen is None or not verdict.checks:
        return None
    after = {stream: phases[Phase.AFTER] for stream, phases in verdict.figures.items() if Phase.AFTER in phases}
    probes = [
        {"activity": {"type": "probe", "name": f"{stream}-answered"}, "output": 1 - figures.failed / figures.calls}
        for stream, figures in after.items()
        if figures.calls
    ]
    return {"steady_state_met": verdict.recovered is not None, "probes": probes}


def _activity(activity: Injection | Removal, said: str, seen: Timeline | None, kind: Happened) -> dict[str, Any]:
    """One step; it counts as done when the timeline has it."""
    fault = activity.provider.arguments.fault
    moments = [event.at for event in seen.events if event.kind is kind] if seen else []
    document: dict[str, Any] = {"activity": activity.model_dump(mode="json", exclude_unset=True)}
    if not moments:
        return document | {"output": None, "status": "failed", "exception": [f"{fault}: it did not come to that"]}
    return document | {"output": said, "status": "succeeded", **_times(seen, min(moments), max(moments))}


def _times(seen: Timeline | None, start: float, end: float) -> Mapping[str, Any]:
    """Start, end and duration as the Toolkit writes them; nothing of a run that was not observed."""
    if seen is None:
        return {}
    began, ended = (datetime.fromtimestamp(seen.unix + at, UTC).isoformat() for at in (start, end))
    return {"start": began, "end": ended, "duration": round(end - start, 3)}
