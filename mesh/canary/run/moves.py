"""What is the next move of a run? Decided from its journal and one look at the cluster; pure.

There is no other memory: a runner that was killed and one that goes on ask the same question and get the same answer.

    ended?  a write of unknown fate?  drift?  roll back?  promote?  pause?  first weight?  split seen?  judge?  measure?
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mesh.canary.journal.state import BEFORE_THE_FIRST, Action, Intent, Phase, Progress, State, Wish, Wished
from mesh.canary.judge.verdict import Outcome
from mesh.canary.plan import Gate, Plan, Step
from mesh.canary.problems import PROMOTED, REFUSED, ROLLED_BACK
from mesh.canary.run.sight import Answer, Sight

DRIFTED = "drifted"


@dataclass(frozen=True)
class Write:
    """Change the route: journal the intent, write, journal what was applied."""

    intent: Intent


@dataclass(frozen=True)
class Settle:
    """Journal whether the write of unknown fate has happened."""

    intent: Intent
    done: bool


@dataclass(frozen=True)
class Wait:
    """Look again in a moment: something is not known yet."""


@dataclass(frozen=True)
class Observe:
    """Look whether the requests go where the weights say."""


@dataclass(frozen=True)
class Measure:
    """Wait for the next block."""


@dataclass(frozen=True)
class Judge:
    """Judge the blocks there are."""


@dataclass(frozen=True)
class Ask:
    """Ask a gate."""

    gate: Gate


@dataclass(frozen=True)
class Answered:
    """Journal a gate's answer."""

    gate: str
    answer: Answer
    by: str = ""


@dataclass(frozen=True)
class Pause:
    """Leave everything as it is, and end this process."""

    reason: str
    by: str = ""


@dataclass(frozen=True)
class End:
    """The run is over."""

    outcome: str
    reason: str
    exit_code: int


Move = Write | Settle | Wait | Observe | Measure | Judge | Ask | Answered | Pause | End


def next_move(state: State, plan: Plan, sight: Sight) -> Move:
    """What a run in this state does, seeing this."""
    if state.phase is not Phase.RUNNING:
        raise ValueError(f"run {state.run} is {state.phase}: it makes no move")
    return (
        _settled(state, sight)
        or _rolled_back(state, plan, sight)
        or _drifted(state, sight)
        or _promoted(state, sight)
        or _paused(state, plan)
        or _begun(state, plan, sight)
        or _left(state, plan, sight)
        or _watched(state, plan, sight)
    )


def _settled(state: State, sight: Sight) -> Move | None:
    """A write of unknown fate has happened, or not; the live route says which."""
    if not (intent := state.pending):
        return None
    if intent.action in {Action.HEADER, Action.NO_HEADER}:
        return Settle(intent, done=sight.header is (intent.action is Action.HEADER))
    if _same(sight.weights, intent.after):
        return Settle(intent, done=True)
    if _same(sight.weights, intent.before) or _taken_back(state, sight):
        return Settle(intent, done=False)
    return _drift(sight, intent.after)


def _rolled_back(state: State, plan: Plan, sight: Sight) -> Move | None:
    if state.goal is Action.ROLL_BACK:
        return _going_back(state, sight)
    reason = _why_back(state, plan, sight)
    if reason and (_same(sight.weights, state.weights) or _taken_back(state, sight)):
        return Write(_intent(state, sight, Action.ROLL_BACK, reason))
    return None


def _going_back(state: State, sight: Sight) -> Move:
    """Once begun it is not left: the weights, then the header route, then the end."""
    if _same(sight.weights, _all_to(state.baseline, state.canary)):
        return _without_header(state, sight) or End("rolled-back", state.goal_reason, ROLLED_BACK)
    if _same(sight.weights, state.weights):
        return Write(_intent(state, sight, Action.ROLL_BACK, state.goal_reason))
    return _drift(sight, state.weights)


def _taken_back(state: State, sight: Sight) -> bool:
    """Whether whoever asked for a rollback has set the weights already: that is no drift."""
    return state.wished(Wish.ROLL_BACK) is not None and not sight.weights.get(state.canary)


def _why_back(state: State, plan: Plan, sight: Sight) -> str:
    """Why all traffic must go back to the baseline; empty: there is no reason."""
    ruling, silent = state.progress.ruling, state.progress.silent
    if asked := state.wished(Wish.ROLL_BACK):
        return _spoken("asked to roll back", asked)
    if ruling and ruling.outcome is Outcome.WORSE:
        return ruling.reason
    if sight.health.trouble:
        return sight.health.trouble
    if not sight.health.ready:
        return f"no pod of {state.service} {state.canary} is Ready"
    if silent >= plan.no_data and state.share > plan.safe_weight:
        return f"no data for {silent} blocks, at more than the safe weight of {plan.safe_weight} %"
    return _replaced(state, sight)


def _replaced(state: State, sight: Sight) -> str:
    for version, image in state.images.items():
        if (now := sight.health.images.get(version)) and now != image:
            return f"{version} has been replaced during the run ({image} by {now}): what was measured is void"
    return ""


def _drifted(state: State, sight: Sight) -> Move | None:
    return None if _same(sight.weights, state.weights) else _drift(sight, state.weights)


def _drift(sight: Sight, expected: Mapping[str, int]) -> End:
    reason = f"somebody else changed the weights: {_said(sight.weights)} instead of {_said(expected)}"
    return End(DRIFTED, reason, REFUSED)


def _promoted(state: State, sight: Sight) -> Move | None:
    if state.goal is Action.PROMOTE:
        return _without_header(state, sight) or End("promoted", state.goal_reason, PROMOTED)
    if asked := state.wished(Wish.PROMOTE):
        return Write(_intent(state, sight, Action.PROMOTE, _spoken("asked to promote", asked)))
    return None


def _paused(state: State, plan: Plan) -> Move | None:
    if asked := state.wished(Wish.PAUSE):
        return Pause(_spoken("asked to pause", asked), asked.by)
    if state.progress.failed:
        return Pause(f"gate {state.progress.failed} did not agree")
    if state.progress.silent >= plan.no_data:
        return Pause(f"no data for {state.progress.silent} blocks")
    return None


def _begun(state: State, plan: Plan, sight: Sight) -> Move | None:
    """Before any traffic moves the header route is there, so that smoke tests can meet the canary."""
    if state.step != BEFORE_THE_FIRST:
        return None
    if not sight.header:
        return Write(_intent(state, sight, Action.HEADER, "smoke tests may meet the canary"))
    return _shift(state, plan, sight)


def _left(state: State, plan: Plan, sight: Sight) -> Move | None:
    """A step that is judged better or equal is left through its gates."""
    ruling, progress = state.progress.ruling, state.progress
    if ruling is None or ruling.outcome is not Outcome.BETTER_OR_EQUAL or progress.unjudged:
        return None
    for gate in plan.steps[state.step].gates:
        if name_of(gate) not in progress.passed:
            return _at_gate(state, sight, gate)
    if state.step + 1 < len(plan.steps):
        return _shift(state, plan, sight)
    return Write(_intent(state, sight, Action.PROMOTE, ruling.reason))


def _at_gate(state: State, sight: Sight, gate: Gate) -> Move | None:
    """Asked, answered, or too late; None while it is waited for: the canary is watched meanwhile."""
    name = name_of(gate)
    if name not in state.progress.waiting:
        return Ask(gate)
    if gate.kind == "manual" and (asked := state.wished(Wish.APPROVE)):
        return Answered(name, Answer(passed=True, output=asked.reason), asked.by)
    if answer := sight.answers.get(name):
        return Answered(name, answer)
    if sight.at - state.progress.waiting[name] > gate.timeout:
        return Pause(f"gate {name} was not answered within {gate.timeout:.0f} s")
    return None


def _shift(state: State, plan: Plan, sight: Sight) -> Move:
    weight = plan.steps[state.step + 1].weight
    if weight > plan.unattended_max and not state.unattended and not sight.guarded:
        if sight.guarded is None:
            return Wait()
        return Pause(f"no watchdog is on duty, and {weight} % is more than the {plan.unattended_max} % without one")
    return Write(_intent(state, sight, Action.SHIFT, _why_on(state), weight))


def _watched(state: State, plan: Plan, sight: Sight) -> Move:
    """The step is seen, measured and judged, within its time."""
    progress, step = state.progress, plan.steps[state.step]
    if progress.unjudged:
        return Judge()
    if sight.at - progress.since > step.max_wait and not progress.waiting:
        return Pause(_not_in_time(progress, step))
    return Measure() if progress.observed_at else Observe()


def _not_in_time(progress: Progress, step: Step) -> str:
    if not progress.observed_at:
        return f"the requests did not follow the weight of {step.weight} % within {step.max_wait:.0f} s"
    why = f": {progress.ruling.reason}" if progress.ruling else ""
    return f"not enough evidence at {step.weight} % within {step.max_wait:.0f} s{why}"


def _without_header(state: State, sight: Sight) -> Move | None:
    why = state.goal_reason
    return Write(_intent(state, sight, Action.NO_HEADER, why)) if sight.header else None


def _why_on(state: State) -> str:
    return state.progress.ruling.reason if state.progress.ruling else "the first step"


def _intent(state: State, sight: Sight, action: Action, reason: str, weight: int = 0) -> Intent:
    before = dict(sight.weights)
    match action:
        case Action.SHIFT:
            after = {state.baseline: 100 - weight, state.canary: weight}
            return Intent(action, state.step + 1, before, after, reason)
        case Action.PROMOTE:
            return Intent(action, state.step, before, _all_to(state.canary, state.baseline), reason)
        case Action.ROLL_BACK:
            return Intent(action, state.step, before, _all_to(state.baseline, state.canary), reason)
        case _:
            return Intent(action, state.step, before, before, reason)


def name_of(gate: Gate) -> str:
    """What a gate is called in the journal, as it was written in the plan."""
    return f"{gate.kind}:{gate.command}" if gate.command else gate.kind


def _all_to(version: str, other: str) -> dict[str, int]:
    return {version: 100, other: 0}


def _same(some: Mapping[str, int], others: Mapping[str, int]) -> bool:
    """Whether they send the same requests to the same versions; one that is not named gets none."""
    return all(some.get(version, 0) == others.get(version, 0) for version in {*some, *others})


def _said(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{version} {weight} %" for version, weight in sorted(weights.items()))


def _spoken(what: str, wish: Wished) -> str:
    return f"{wish.by} {what}: {wish.reason}" if wish.reason else f"{wish.by} {what}"
