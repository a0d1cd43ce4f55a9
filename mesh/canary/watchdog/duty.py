"""What is to be done for a run whose runner has died? Back to the baseline, in most cases; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mesh.canary.act.route import ALL, spelled
from mesh.canary.journal.state import Action, Phase, State
from mesh.canary.plan import Plan


class Duty(StrEnum):
    """What the watchdog does with the run."""

    NOTHING = "nothing to do"
    ROLL_BACK = "roll back"
    HOLD = "pause"
    """Where it is: the plan lets so little traffic be unattended."""
    END = "end"
    """The route is not the run's any more: it is promoted, or somebody has changed it. That is written down."""


@dataclass(frozen=True)
class Decision:
    """What to do, and why."""

    duty: Duty
    reason: str


def decide(state: State, live: Mapping[str, int]) -> Decision:
    """What is to be done for the run in `state`, which nobody attends, while the route says `live`."""
    if state.phase is not Phase.RUNNING:
        return Decision(Duty.NOTHING, f"run {state.run} is {state.phase}")
    died = f"its runner, {state.by}, has died"
    weight = live.get(state.canary, 0)
    if _carrying(live) not in _written(state):
        return Decision(Duty.END, f"{died}, and somebody has changed {spelled(state.weights)} to {spelled(live)}")
    if state.goal is Action.PROMOTE and weight == ALL:
        return Decision(Duty.END, f"{died}, the promotion written already")
    plan = Plan.model_validate(state.plan)
    if plan.on_death == "hold" and state.goal is None and weight <= plan.unattended_max:
        return Decision(Duty.HOLD, f"{died}; {weight} % may be unattended")
    return Decision(Duty.ROLL_BACK, f"{died} at {weight} %")


def _written(state: State) -> list[dict[str, int]]:
    """The weights this run can have left in the route, whether its last write happened or not."""
    intended = [state.pending.before, state.pending.after] if state.pending else []
    return [_carrying(weights) for weights in (state.weights, *intended)]


def _carrying(weights: Mapping[str, int]) -> dict[str, int]:
    """The versions that get any traffic: one with weight 0 and one that is not named are the same."""
    return {version: weight for version, weight in weights.items() if weight}
