"""A cluster in pure form: weights, a header rule, a journal, and a runner that can be killed at any of its writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mesh.canary.journal.entry import Entry, Kind, verified
from mesh.canary.journal.state import Action, Intent, Phase, State, Wish, fold
from mesh.canary.judge.verdict import Outcome
from mesh.canary.plan import Plan
from mesh.canary.run.moves import (
    Answered,
    Ask,
    End,
    Judge,
    Measure,
    Move,
    Observe,
    Pause,
    Settle,
    Write,
    name_of,
    next_move,
)
from mesh.canary.run.sight import Answer, Health, Sight
from tests.canary.journal.entries import BLOCK, STARTED

MANY = 1000  # moves; a run that needs more goes round in circles


class Killed(Exception):
    """SIGKILL."""


@dataclass
class World:
    """`rulings`: what the judge says at each step once it has seen the blocks it wants, two at each."""

    plan: Plan = field(default_factory=Plan)
    rulings: Mapping[int, Outcome] = field(default_factory=dict)
    killed_at: Collection[int] = ()
    """At which writes, counted over all processes; an even number before it is made, an odd one after."""
    health: Health = field(default_factory=lambda: Health(ready=2))
    guarded: bool = True
    data: bool = True
    answers: Mapping[str, Answer] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=lambda: {"v1": 100, "v2": 0})
    header: bool = False
    now: float = 100.0
    journal: list[Entry] = field(default_factory=list)
    state: State = field(default_factory=State)
    chances: int = 0
    highest: int = 0
    moves: list[Move] = field(default_factory=list)

    def see(self) -> Sight:
        return Sight(self.now, dict(self.weights), self.header, self.health, self.guarded, self.answers)

    def write(self, kind: Kind, **facts: Any) -> None:
        """Journal something."""
        self._may_die()
        last = self.journal[-1] if self.journal else None
        self.journal.append(Entry.after(last, at=self.now, run="r1", kind=kind, by="anna", facts=facts))
        self.state = self.state.after(self.journal[-1])
        self._may_die()

    def begin(self) -> None:
        """The run's first entry."""
        self.write(Kind.STARTED, **{**STARTED, "plan": self.plan.model_dump(mode="json")})

    def ask(self, wish: Wish) -> None:
        """What an operator asks for."""
        self.write(Kind.REQUESTED, what=wish, reason="")

    def run(self) -> State:
        """From `started`, or wherever it is, to the end or a pause; killed, another process resumes it."""
        while True:
            with suppress(Killed):
                self._process()
                return self.state

    def _process(self) -> None:
        self.state = fold(verified(self.journal))  # all that a new process knows
        if not self.journal:
            self.begin()
        elif self.state.phase is not Phase.ENDED:
            self.write(Kind.RESUMED, unattended=False)
        for _ in range(MANY):
            if self.state.phase is not Phase.RUNNING:
                return
            self.step()
        raise AssertionError(f"after {MANY} moves it still goes on: {self.moves[-3:]}")

    def step(self) -> Move:
        """One move."""
        move = next_move(self.state, self.plan, self.see())
        self.moves.append(move)
        self._make(move)
        return move

    def _make(self, move: Move) -> None:
        step = self.state.step
        match move:
            case Write(intent):
                self.write(Kind.INTENT, **_written(intent), **{"from": intent.before, "to": intent.after})
                self._change(intent)
                self._applied(intent, done=True)
            case Settle(intent, done):
                self._applied(intent, done=done)
            case Observe():
                self.now += 5
                self.write(Kind.OBSERVED, step=step, share=float(self.weights["v2"]), requests=200)
            case Measure():
                self.now += 5
                self._measured(step)
            case Judge():
                self.write(Kind.JUDGED, step=step, outcome=self._ruling(step), reason="judged", kill=False, evidence={})
            case Ask(gate):
                self.write(Kind.GATE, step=step, gate=name_of(gate), outcome="waiting", output="")
            case Answered(gate, answer):
                outcome = "passed" if answer.passed else "failed"
                self.write(Kind.GATE, step=step, gate=gate, outcome=outcome, output=answer.output)
            case Pause(reason):
                self.write(Kind.PAUSED, reason=reason)
            case End(outcome, reason, code):
                self.write(Kind.ENDED, outcome=outcome, reason=reason, exit_code=code)

    def _measured(self, step: int) -> None:
        if self.data:
            self.write(Kind.BLOCK, **{**BLOCK, "at": self.now, "step": step, "weight": self.weights["v2"]})
        else:
            self.write(Kind.NODATA, step=step, why="nobody answers")

    def _ruling(self, step: int) -> Outcome:
        seen = [block for block in self.state.blocks if block.step == step]
        wanted = self.rulings.get(step, Outcome.BETTER_OR_EQUAL)
        return wanted if len(seen) > 1 else Outcome.NOT_ENOUGH

    def _change(self, intent: Intent) -> None:
        self._may_die()
        if intent.action in {Action.HEADER, Action.NO_HEADER}:
            self.header = intent.action is Action.HEADER
        else:
            self.weights = dict(intent.after)
        self.highest = max(self.highest, self.weights["v2"])
        self._may_die()

    def _applied(self, intent: Intent, *, done: bool) -> None:
        self.write(Kind.APPLIED, **_written(intent), weights=dict(self.weights), done=done)

    def _may_die(self) -> None:
        self.chances += 1
        if self.chances - 1 in self.killed_at:
            raise Killed


def _written(intent: Intent) -> dict[str, Any]:
    return {"step": intent.step, "action": intent.action, "resource_version": "7"} | (
        {"reason": intent.reason} if intent.reason else {}
    )
