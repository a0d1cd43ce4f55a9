"""How is one experiment carried out? Step by step as mesh.chaos.run.phases says; whatever happens, all is undone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from mesh.chaos.experiment import Change, Experiment, Load
from mesh.chaos.faults.fault import Fault, Proof
from mesh.chaos.judging import Evidence, steady_state
from mesh.chaos.metrics import CLEAN_SECONDS
from mesh.chaos.observed import Happened, Observed, Window
from mesh.chaos.problems import ChaosError, NotInjected
from mesh.chaos.run.injuring import inject, make
from mesh.chaos.run.labelled import labelled
from mesh.chaos.run.phases import UNDOES, Step, next_step
from mesh.chaos.run.proving import CANNOT_LOOK, proof_of
from mesh.chaos.run.senses import Senses, Watching
from mesh.chaos.run.stopping import Stop, Stopped
from mesh.chaos.run.undoing import Undone, undo
from mesh.chaos.site import Site
from mesh.chaos.undo import Planned, UndoLog
from mesh.suspended_job import JobImpossible

WARM_UP = 1.0  # second: the first calls open connections
TICK = 0.2

EXPECTED = (*CANNOT_LOOK, ChaosError, JobImpossible)
"""What may go wrong with a cluster, and makes a run INVALID; anything else is a mistake of ours."""


@dataclass(frozen=True)
class Order:
    """What is to be run."""

    experiment: Experiment
    without: tuple[Change, ...] = ()
    """What takes the protection away, in a control run."""
    protection: str = "both"
    """What is left of it, for people."""
    factor: float = 1.0
    """Of the load."""
    watch: Callable[[Watching], str] = lambda _: ""
    """Why the run has to be ended early; empty while it need not."""

    @property
    def load(self) -> Load:
        """What customers do."""
        load = self.experiment.details.load
        return load.model_copy(update={stream: getattr(load, stream) * self.factor for stream in load.streams})


class Runner:
    """One run of one experiment. Whoever makes it holds the Leases, and has started the watchdog."""

    def __init__(self, site: Site, order: Order, log: UndoLog, stop: Stop, senses: Senses | None = None) -> None:
        self._site, self._order, self._log, self._stop = site, order, log, stop
        self._senses = senses or Senses()
        self._experiment = order.experiment
        self._customers = AsyncExitStack()
        self._begun: list[Step] = []
        self._injected_from = 0  # the number of the first change that is the fault itself
        self._faults: list[tuple[Fault, Planned]] = []
        self._observer: Watching | None = None
        self._times: dict[Step, float] = {}
        self._found: dict[str, Any] = {}  # fields of Evidence
        self._observed: Observed | None = None
        self._leftovers: dict[object, str] = {}
        self._mistake: Exception | None = None

    async def run(self) -> Evidence:
        """See it through. Everything is undone when this returns or raises, or named among the leftovers."""
        try:
            async with self._customers:
                await self._go_on()
        except Exception as error:  # noqa: BLE001  # of the load itself, by now an ExceptionGroup
            self._has_failed(error)
            self._observer = None
            await self._go_on()
        if self._mistake:
            raise self._mistake
        return Evidence(**self._found, observed=self._observed, leftovers=tuple(self._leftovers.values()))

    async def _go_on(self) -> None:
        while step := next_step(self._begun, early=self._ends_early):
            self._begun.append(step)
            self._tell(step)
            await self._make(step)

    @property
    def _ends_early(self) -> bool:
        return bool(self._found.keys() & {"aborted", "problem"} or self._mistake)

    async def _make(self, step: Step) -> None:
        work = self._work[step]
        try:
            await (work() if step in UNDOES else self._stop.unless(work))
        except Stopped as stopped:
            self._found["aborted"] = str(stopped)
        except Exception as error:  # noqa: BLE001  # raised again when all is undone
            self._has_failed(error)

    def _has_failed(self, error: Exception) -> None:
        if isinstance(error, EXPECTED):
            self._found.setdefault("problem", str(error) or type(error).__name__)
        else:
            self._mistake = self._mistake or error

    def _tell(self, step: Step) -> None:
        self._site.say(step.value)
        self._happens(Happened.PHASE, step.value)

    def _happens(self, kind: Happened, subject: str, detail: str = "") -> None:
        """Put it on the timeline, while there is one: to undo something nobody has to watch."""
        if self._observer:
            self._observer.event(kind, subject, detail)

    # --- the steps -------------------------------------------------------------

    @property
    def _work(self) -> Mapping[Step, Any]:
        return {
            Step.PREPARE: self._prepare,
            Step.CONTROL: self._take_the_protection_away,
            Step.LOAD: self._let_customers_in,
            Step.STEADY: self._measure_the_steady_state,
            Step.INJECT: self._inject,
            Step.PROVE: self._prove,
            Step.LAST: self._watch,
            Step.REMOVE: self._remove,
            Step.RECOVER: self._wait_until_well,
            Step.UNLOAD: self._send_customers_home,
            Step.RESTORE: self._restore,
            Step.AUDIT: self._audit,
        }

    async def _prepare(self) -> None:
        for change in self._experiment.details.prepare:
            await make(self._site, self._log, change)

    async def _take_the_protection_away(self) -> None:
        for change in self._order.without:
            await make(self._site, self._log, change)
        self._found["environment"] = await self._senses.environment(self._site)

    async def _let_customers_in(self) -> None:
        self._observer = await self._customers.enter_async_context(self._senses.observing(self._site, self._order.load))

    async def _measure_the_steady_state(self) -> None:
        await self._wait(WARM_UP)
        self._times[Step.STEADY] = time.monotonic()
        await self._wait(self._experiment.details.steady_seconds)
        found = self._found["steady"] = steady_state(self._experiment, self._watched.recent)
        if not all(checked.holds for checked in found):
            raise NotInjected("there was no steady state to disturb")

    async def _inject(self) -> None:
        self._injected_from = self._log.number
        self._times[Step.INJECT] = time.monotonic()
        for change in self._experiment.faults:
            self._faults.append(await inject(self._site, self._log, change))
            self._happens(Happened.INJECTED, change.fault)
        self._times[Step.PROVE] = time.monotonic()

    async def _prove(self) -> None:
        proofs: list[Proof] = []
        for fault, planned in self._faults:
            proof = await proof_of(fault, self._site, planned.memory, present=True)
            proofs.append(proof)
            self._found["injected"] = tuple(proofs)
            if not proof.present:
                raise NotInjected(f"nothing proves that it was injected: {proof.detail}")
            self._happens(Happened.PROVEN, fault.kind, proof.detail)

    async def _watch(self) -> None:
        since_injected = time.monotonic() - self._times[Step.PROVE]
        await self._wait(self._experiment.details.seconds - since_injected)

    async def _remove(self) -> None:
        just_happened = Step.PROVE in self._times and not any(fault.lasting for fault, _ in self._faults)
        self._times[Step.REMOVE] = self._times[Step.PROVE] if just_happened else time.monotonic()
        self._happens(Happened.REMOVED, ", ".join(fault.kind for fault, _ in self._faults))
        undone = await self._undo([one for one in self._log.left() if one.number >= self._injected_from])
        self._found["removed"] = tuple(one.gone for one in undone if one.gone)
        for one in undone:
            if one.gone and not one.gone.present:
                self._happens(Happened.GONE, one.planned.change.fault, one.gone.detail)

    async def _wait_until_well(self) -> None:
        since = time.monotonic()
        until = since + self._experiment.details.recovery_seconds
        while self._watched.well_for(since) < CLEAN_SECONDS and time.monotonic() < until:
            await self._wait(TICK)

    async def _send_customers_home(self) -> None:
        if self._observer and Step.INJECT in self._times:
            steady, injected, removed = (self._times[step] for step in (Step.STEADY, Step.INJECT, Step.REMOVE))
            ended = time.monotonic()
            window = Window(steady, injected, removed, ended, unix=time.time() - (ended - steady))
            self._observed = await self._observer.finished(window)
        self._observer = None
        await self._customers.aclose()

    async def _restore(self) -> None:
        await self._undo(self._log.left())
        for thing in await labelled(self._site.client, self._site.shop.namespace, self._site.run):
            self._leftovers[thing] = f"{thing} was left in the cluster"
        if not self._leftovers:
            await self._log.close()

    async def _audit(self) -> None:
        try:
            self._found["audit"] = await self._senses.audit(self._site)
        except JobImpossible:
            if not self._order.without:
                raise
            await self._restore()  # the auditor may need what was taken away: istiod, for its certificate
            self._found["audit"] = await self._senses.audit(self._site)

    # --- how -------------------------------------------------------------------

    @property
    def _watched(self) -> Watching:
        if self._observer is None:
            raise ChaosError("nobody is watched before customers are let in")
        return self._observer

    async def _undo(self, planned: Sequence[Planned]) -> tuple[Undone, ...]:
        undone = await undo(self._site, planned, self._log.undone)
        for one in undone:
            self._leftovers.pop(one.planned.number, None)
            if one.leftover:
                self._leftovers[one.planned.number] = one.leftover
        return undone

    async def _wait(self, seconds: float) -> None:
        """Let so much time pass, unless something speaks against going on."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if why := self._order.watch(self._watched):
                self._stop.now(why)
            await asyncio.sleep(min(TICK, left))
