"""How does a run stand? What its journal's entries come to, one after the other; pure, so that anybody can tell.

Who resumes a run, the watchdog, the pages and the report all ask this fold and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from mesh.canary.journal.blocks import block_of
from mesh.canary.journal.entry import Entry, Kind
from mesh.canary.judge.counts import Block
from mesh.canary.judge.verdict import Outcome

BEFORE_THE_FIRST = -1
"""The step of a run that has not moved any traffic yet."""


class Phase(StrEnum):
    """Whether anybody should be at work on the run."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Action(StrEnum):
    """What is written into the route."""

    HEADER = "header"
    SHIFT = "shift"
    PROMOTE = "promote"
    ROLL_BACK = "rollback"
    NO_HEADER = "no-header"


class Wish(StrEnum):
    """What an operator can ask of a run."""

    PAUSE = "pause"
    RESUME = "resume"
    APPROVE = "approve"
    PROMOTE = "promote"
    ROLL_BACK = "rollback"


@dataclass(frozen=True)
class Wished:
    """Somebody asked for it, and it is not done yet."""

    what: Wish
    by: str
    reason: str


@dataclass(frozen=True)
class Intent:
    """A write that was about to happen; whether it did, the live route says."""

    action: Action
    step: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    reason: str


@dataclass(frozen=True)
class Ruling:
    """What the judge said last about the step."""

    outcome: Outcome
    reason: str
    kill: bool


@dataclass(frozen=True)
class Progress:
    """What is known about the step the run is at."""

    since: float = 0.0
    """When its weight was written, or the run resumed: patience begins here."""
    observed_at: float = 0.0
    """When its share was first seen in the requests; 0: not yet."""
    ruling: Ruling | None = None
    unjudged: bool = False
    """Whether there is a block the ruling does not know."""
    silent: int = 0
    """Blocks without data since the last one with."""
    passed: frozenset[str] = frozenset()
    """Its gates that are open."""
    waiting: Mapping[str, float] = field(default_factory=dict)
    """Its gates that were asked, and when."""
    failed: str = ""
    """The gate that did not agree."""


@dataclass(frozen=True)
class State:
    """One run after its last entry."""

    run: str = ""
    service: str = ""
    baseline: str = ""
    canary: str = ""
    plan: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    unattended: bool = False
    sticky: str = ""

    phase: Phase = Phase.RUNNING
    by: str = ""
    """Who has the run in hand, or had it last."""
    step: int = BEFORE_THE_FIRST
    progress: Progress = Progress()
    weights: Mapping[str, int] = field(default_factory=dict)
    """What the route's weights must be, as far as this run has written them."""
    pending: Intent | None = None
    """The write of which is not known whether it happened."""
    goal: Action | None = None
    """PROMOTE or ROLL_BACK once that has begun."""
    goal_reason: str = ""
    blocks: tuple[Block, ...] = ()
    wishes: tuple[Wished, ...] = ()

    outcome: str = ""
    reason: str = ""
    """Why it has ended, or is paused."""
    exit_code: int = 0
    at: float = 0.0
    last: Entry | None = None

    @property
    def share(self) -> int:
        """The weight of the canary, in percent."""
        return self.weights.get(self.canary, 0)

    def wished(self, what: Wish) -> Wished | None:
        """The wish for that, when somebody has it."""
        return next((wish for wish in self.wishes if wish.what is what), None)

    def after(self, entry: Entry) -> State:
        """The run one entry later."""
        return replace(_HANDLERS[entry.kind](self, entry), at=entry.at, last=entry)


def fold(entries: Iterable[Entry]) -> State:
    """How the run stands after these entries, from its first."""
    state = State()
    for entry in entries:
        state = state.after(entry)
    return state


def _started(_: State, entry: Entry) -> State:
    facts = entry.facts
    return State(
        run=entry.run,
        by=entry.by,
        progress=Progress(since=entry.at),
        **{name: facts[name] for name in ("service", "baseline", "canary", "weights")},
        **{name: facts[name] for name in ("plan", "images", "unattended", "sticky")},
    )


def _intent(state: State, entry: Entry) -> State:
    facts = entry.facts
    intent = Intent(Action(facts["action"]), facts["step"], facts["from"], facts["to"], facts["reason"])
    if intent.action in {Action.PROMOTE, Action.ROLL_BACK}:
        return replace(state, pending=intent, goal=intent.action, goal_reason=intent.reason)
    return replace(state, pending=intent)


def _applied(state: State, entry: Entry) -> State:
    """A write is known to have happened, or (`done` is false) not to have."""
    state, action = replace(state, pending=None), Action(entry.facts["action"])
    if not entry.facts["done"]:
        return _undone(state, entry, action)
    match action:
        case Action.SHIFT:
            step, weights = entry.facts["step"], entry.facts["weights"]
            return replace(state, step=step, weights=weights, progress=Progress(since=entry.at))
        case Action.PROMOTE | Action.ROLL_BACK:
            return replace(state, weights=entry.facts["weights"])
        case Action.HEADER | Action.NO_HEADER:
            return state


def _undone(state: State, entry: Entry, action: Action) -> State:
    """A write did not happen. No weight is raised on a retry: the step it would have left is judged again first."""
    if action not in {Action.SHIFT, Action.PROMOTE}:
        return state
    progress = replace(state.progress, ruling=None, observed_at=0.0, since=entry.at)
    return replace(state, goal=None if state.goal is action else state.goal, progress=progress)


def _observed(state: State, entry: Entry) -> State:
    return _at_step(state, observed_at=entry.at)


def _block(state: State, entry: Entry) -> State:
    return _at_step(replace(state, blocks=(*state.blocks, block_of(entry.facts))), silent=0, unjudged=True)


def _nodata(state: State, _: Entry) -> State:
    return _at_step(state, silent=state.progress.silent + 1)


def _judged(state: State, entry: Entry) -> State:
    facts = entry.facts
    return _at_step(state, ruling=Ruling(Outcome(facts["outcome"]), facts["reason"], facts["kill"]), unjudged=False)


def _gate(state: State, entry: Entry) -> State:
    name, progress = entry.facts["gate"], state.progress
    if entry.facts["outcome"] == "waiting":
        return _at_step(state, waiting={**progress.waiting, name: entry.at})
    waiting = {gate: since for gate, since in progress.waiting.items() if gate != name}
    if entry.facts["outcome"] == "failed":
        return _at_step(state, waiting=waiting, failed=name)
    wishes = tuple(wish for wish in state.wishes if wish.what is not Wish.APPROVE)
    return _at_step(replace(state, wishes=wishes), waiting=waiting, passed=progress.passed | {name})


def _requested(state: State, entry: Entry) -> State:
    wish = Wished(Wish(entry.facts["what"]), entry.by, entry.facts["reason"])
    if wish.what is Wish.APPROVE and not state.progress.waiting:
        return state  # nobody approves what is not there to be looked at yet
    return replace(state, wishes=(*state.wishes, wish))


def _paused(state: State, entry: Entry) -> State:
    return replace(state, phase=Phase.PAUSED, reason=entry.facts["reason"], wishes=())


def _resumed(state: State, entry: Entry) -> State:
    """The step's share is looked for anew, its patience begins anew, and old silence is no reason to pause again."""
    unattended = state.unattended or entry.facts["unattended"]
    state = replace(state, phase=Phase.RUNNING, by=entry.by, reason="", unattended=unattended)
    return _at_step(state, observed_at=0.0, since=entry.at, silent=0, waiting={}, failed="")


def _stolen(state: State, entry: Entry) -> State:
    return replace(state, by=entry.by)


def _ended(state: State, entry: Entry) -> State:
    facts = entry.facts
    state = replace(state, phase=Phase.ENDED, pending=None, wishes=())
    return replace(state, outcome=facts["outcome"], reason=facts["reason"], exit_code=facts["exit_code"])


def _at_step(state: State, **changes: Any) -> State:
    return replace(state, progress=replace(state.progress, **changes))


_HANDLERS = {
    Kind.STARTED: _started,
    Kind.INTENT: _intent,
    Kind.APPLIED: _applied,
    Kind.OBSERVED: _observed,
    Kind.BLOCK: _block,
    Kind.NODATA: _nodata,
    Kind.JUDGED: _judged,
    Kind.GATE: _gate,
    Kind.REQUESTED: _requested,
    Kind.PAUSED: _paused,
    Kind.RESUMED: _resumed,
    Kind.STOLEN: _stolen,
    Kind.ENDED: _ended,
}
