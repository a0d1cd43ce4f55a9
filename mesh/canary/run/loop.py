"""How does a run go on to its end? It looks, asks what the next move is, and makes it, until there is none.

All it knows is in the journal. When the API server does not answer it reads the journal again and goes on from there,
exactly as another process would that resumes the run.
"""

from __future__ import annotations

import logging
import os
from http import HTTPStatus

import httpx2
from lightkube import ApiError

from mesh.canary.act.lease import RENEW_EVERY
from mesh.canary.act.route import Route
from mesh.canary.journal.blocks import block_facts, verdict_facts
from mesh.canary.journal.entry import Kind
from mesh.canary.journal.state import Intent, Phase, State, Wished
from mesh.canary.judge.verdict import judge
from mesh.canary.measure.difference import NoData
from mesh.canary.plan import Gate, Plan
from mesh.canary.problems import CanaryError
from mesh.canary.run.eyes import Eyes
from mesh.canary.run.gates import Gates
from mesh.canary.run.hands import Hands
from mesh.canary.run.measuring import Meter
from mesh.canary.run.moves import (
    DRIFTED,
    Answered,
    Ask,
    End,
    Judge,
    Measure,
    Move,
    Observe,
    Pause,
    Settle,
    Wait,
    Write,
    name_of,
    next_move,
)
from mesh.canary.run.place import Place
from mesh.canary.run.recorder import Recorder

TICK = 1.0
"""Seconds within which a request, a crash or drift is seen."""
_PROPAGATION = 1.0  # a change of weights was measured live in every sidecar after 0.11 s
_SAYS_SO = 2.0  # within which a `rollback --now` has left its request, written at the same moment as the weights

log = logging.getLogger(__name__)


class Loop:
    """One process's time with a run. Whoever makes it holds the service's Lease, and may know who watches over it."""

    def __init__(self, place: Place, recorder: Recorder, *, guarded: bool | None = None) -> None:
        state = recorder.state
        self._place, self._recorder = place, recorder
        self._plan = Plan.model_validate(state.plan)
        self._versions = (state.baseline, state.canary)
        self._meter = Meter(place.source, self._versions) if place.source else None
        self._eyes, self._gates = Eyes(place, self._versions, guarded=guarded), Gates(os.environ)
        self._hands = Hands(place.routing, recorder)
        self._route: Route | None = None
        self._renewed_at = float("-inf")
        self._warm_up = 0
        self._drift_seen = False
        self._unsure = False
        """Whether our last words to the API server may be lost."""

    @property
    def _state(self) -> State:
        return self._recorder.state

    async def run(self) -> State:
        """Go on until the run is paused or has ended. Raises Lost and Overtaken when it is in other hands."""
        try:
            while self._state.phase is Phase.RUNNING:
                await self._patiently()
            return self._state
        finally:
            await self._gates.close()
            self._eyes.close()

    async def _patiently(self) -> None:
        """One move; an API server that does not answer is waited for, since the proxies keep the weights they have."""
        try:
            if self._unsure:
                await self._recorder.reread()
                self._unsure = False
            await self._once()
        except ApiError as error:
            code = error.status.code or HTTPStatus.INTERNAL_SERVER_ERROR
            if code < HTTPStatus.INTERNAL_SERVER_ERROR and code != HTTPStatus.TOO_MANY_REQUESTS:
                raise
            await self._wait_for_the_api(error)
        except httpx2.TransportError as error:
            await self._wait_for_the_api(error)

    async def _wait_for_the_api(self, error: Exception) -> None:
        if not self._unsure:
            log.warning("the API server does not answer, which is waited for: %s", error)
        self._unsure = True
        await self._place.bell.wait(TICK)

    async def _once(self) -> None:
        await self._renew()
        await self._hear()
        sight, self._route = await self._eyes.look(self._gates.answers())
        await self._make(next_move(self._state, self._plan, sight))

    async def _renew(self) -> None:
        now = self._place.clock()
        if now - self._renewed_at >= RENEW_EVERY:
            await self._place.lease.renew()
            self._renewed_at = now

    async def _hear(self) -> None:
        """Journal what is asked of us, here or by another operator."""
        while wish := self._place.bell.wish:
            await self._ask(wish)
            self._place.bell.journaled()
        request = await self._place.journals.request()
        if request:
            await self._ask(Wished(request.what, request.by, request.reason), answers=True)

    async def _ask(self, wish: Wished, *, answers: bool = False) -> None:
        facts = {"what": wish.what, "reason": wish.reason}
        await self._recorder.write(Kind.REQUESTED, facts, by=wish.by, answers=answers)

    # --- moving ----------------------------------------------------------------

    async def _make(self, move: Move) -> None:
        match move:
            case Write(intent):
                await self._write(intent)
            case Settle(intent, done):
                await self._hands.settle(intent, self._seen_route, done=done)
                self._forget()
            case Pause():
                await self._hands.pause(move)
            case End():
                await self._end(move)
            case Ask(gate):
                await self._ask_gate(gate)
            case Answered():
                await self._answered(move)
            case _:
                await self._watch(move)

    async def _watch(self, move: Wait | Observe | Measure | Judge) -> None:
        match move:
            case Wait():
                await self._place.bell.wait(TICK)
            case Observe():
                await self._observe(self._measuring)
            case Measure():
                await self._measure(self._measuring)
            case Judge():
                await self._judge()

    async def _write(self, intent: Intent) -> None:
        await self._place.lease.renew()  # whoever has stolen it meanwhile writes alone
        self._renewed_at = self._place.clock()
        await self._hands.write(intent, self._seen_route)
        self._forget()

    @property
    def _seen_route(self) -> Route:
        if self._route is None:
            raise CanaryError("nothing is written before the route was looked at")
        return self._route

    def _forget(self) -> None:
        """What was measured under other weights."""
        if self._meter:
            self._meter.forget()

    @property
    def _measuring(self) -> Meter:
        if self._meter is None:
            raise CanaryError("the run goes on to be measured, and there is nobody to measure")
        return self._meter

    async def _observe(self, meter: Meter) -> None:
        """Look whether the requests follow the weight; the step's clock starts when they do."""
        await self._place.bell.wait(meter.due_in(TICK, self._place.clock()) or _PROPAGATION)
        found = await meter.look(self._place.clock())
        if isinstance(found, NoData):
            await self._no_data(found)
        elif found and (split := meter.split(self._state.share)).seen:
            self._warm_up = 0 if self._state.blocks else self._plan.warm_up
            facts = {"step": self._state.step, "share": split.share, "requests": split.requests}
            await self._recorder.write(Kind.OBSERVED, facts)

    async def _measure(self, meter: Meter) -> None:
        """Wait on for the end of the block; then journal it, or that there is no data."""
        due_in = meter.due_in(self._plan.block, self._place.clock())
        if due_in > 0:
            await self._place.bell.wait(min(TICK, due_in))
            return
        found = await meter.look(self._place.clock())
        if isinstance(found, NoData):
            await self._no_data(found)
        elif self._warm_up > 0:
            self._warm_up -= 1
        elif found and meter.last:
            block = found.block(self._state.step, self._state.share, *self._versions)
            await self._recorder.write(Kind.BLOCK, block_facts(block, self._recorder.keep_raw(meter.last)))

    async def _no_data(self, found: NoData) -> None:
        """Silence is journaled once a block, whatever the pace of looking is."""
        await self._recorder.write(Kind.NODATA, {"step": self._state.step, "why": found.why})
        await self._place.bell.wait(self._plan.block)

    async def _judge(self) -> None:
        state = self._state
        verdict = judge(state.blocks, self._plan.rules, self._plan.steps[state.step])
        await self._recorder.write(Kind.JUDGED, verdict_facts(state.step, verdict))

    async def _ask_gate(self, gate: Gate) -> None:
        state = self._state
        facts = {"service": state.service, "run": state.run, "step": str(state.step), "weight": str(state.share)}
        self._gates.ask(gate, facts)
        await self._gate(name_of(gate), "waiting", gate.command)

    async def _answered(self, move: Answered) -> None:
        self._gates.forget(move.gate)
        outcome = "passed" if move.answer.passed else "failed"
        await self._gate(move.gate, outcome, move.answer.output, by=move.by)

    async def _gate(self, name: str, outcome: str, output: str, by: str = "") -> None:
        facts = {"step": self._state.step, "gate": name, "outcome": outcome, "output": output}
        await self._recorder.write(Kind.GATE, facts, by=by)

    async def _end(self, end: End) -> None:
        """Over; drift is looked at twice, since a `rollback --now` writes first and says so afterwards."""
        if end.outcome == DRIFTED and not self._drift_seen:
            self._drift_seen = True
            await self._place.bell.wait(_SAYS_SO)
        else:
            await self._hands.end(end)
