"""What does a command that had a run in hand say at its end, and which exit code does it end with?"""

from __future__ import annotations

from mesh.canary.act.route import spelled
from mesh.canary.journal.state import Phase, State
from mesh.canary.problems import INCONCLUSIVE


def exit_code(state: State) -> int:
    """0 promoted, 10 rolled back, 11 paused or inconclusive, 20 drifted; 0 of one that goes on in other hands."""
    if state.phase is Phase.ENDED:
        return state.exit_code
    return INCONCLUSIVE if state.phase is Phase.PAUSED else 0


def what_now(state: State) -> str:
    """What the operator may want to do now that the run stands so."""
    service = state.service
    if state.phase is Phase.PAUSED:
        return (
            f"paused at {spelled(state.weights)}: {state.reason}. The weights stay. `argosy canary resume {service}`"
            f" goes on, `argosy canary rollback {service}` takes it back"
        )
    if state.phase is Phase.RUNNING:
        return f"the canary of {service} goes on in the hands of {state.by}: argosy canary status {service} --watch"
    report = f"`argosy canary history {service} --report FILE.html` tells it all"
    if state.outcome != "promoted":
        return f"{state.outcome}: {state.reason}. {report}"
    old = f"{service}-{state.baseline}"
    return (
        f"promoted. {state.baseline} stays warm, without traffic: `argosy canary rollback {service}` goes back to it,"
        f" `argosy kubectl -n shop scale deployment/{old} --replicas 0` lets it go. {report}"
    )
