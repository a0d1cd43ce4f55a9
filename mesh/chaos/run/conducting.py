"""What surrounds one run? Locks, a watchdog started first, Ctrl-C that undoes, and its files at the end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mesh.canary.act.holder import operator
from mesh.chaos.experiment import Experiment
from mesh.chaos.judging import judge
from mesh.chaos.look.files import write
from mesh.chaos.problems import Refused
from mesh.chaos.run.burning import burned
from mesh.chaos.run.injuring import check_possible
from mesh.chaos.run.labelled import labelled
from mesh.chaos.run.locks import Locks, held
from mesh.chaos.run.place import Run, begun
from mesh.chaos.run.priority import first_in_line
from mesh.chaos.run.runner import Order, Runner
from mesh.chaos.run.senses import AUDIT_PATIENCE, Watching
from mesh.chaos.run.stage import staged
from mesh.chaos.run.stopping import Stop
from mesh.chaos.run.undoing import PATIENCE
from mesh.chaos.site import Site
from mesh.chaos.undo import UndoLog, remembered
from mesh.chaos.verdict import Verdict
from mesh.chaos.watchdog.starting import Watchdog, watched_over
from mesh.chosen_cluster import NAMESPACE, Cluster
from mesh.local.process_identity import this_process
from mesh.local.progress import Progress
from mesh.objectives import reading as objectives

SLACK = 60.0  # seconds, for what a run does besides waiting
PLACE_ORDER = "/shop.orders.v1.OrdersService/PlaceOrder"  # whose promise an experiment spends
_SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "its process was told to end (SIGTERM)"}


@dataclass(frozen=True)
class Wanted:
    """One run that is wanted."""

    order: Order
    file: Path
    """The experiment's."""
    abort_above: float | None = None
    """The share of failed calls above which a run is ended early."""

    @property
    def experiment(self) -> Experiment:
        """What is run."""
        return self.order.experiment

    @property
    def control(self) -> bool:
        """Whether it is the run without the protection."""
        return bool(self.order.without)

    @property
    def seconds(self) -> float:
        """How long it may take, with everything undone twice over."""
        details = self.experiment.details
        changes = len(self.experiment.faults) + len(details.prepare) + len(self.order.without)
        own = details.steady_seconds + details.seconds + details.recovery_seconds
        return own + AUDIT_PATIENCE + SLACK + 2 * changes * PATIENCE


@dataclass(frozen=True)
class Skipped:
    """A run that this cluster cannot do, and why."""

    experiment: str
    protection: str
    reason: str


async def impossible(site: Site, wanted: Wanted) -> str:
    """Why this cluster cannot do that; empty when it can."""
    details = wanted.experiment.details
    for change in (*details.prepare, *wanted.order.without, *wanted.experiment.faults):
        if reason := await check_possible(site, change):
            return f"{change.fault}: {reason}"
    return ""


async def conduct(cluster: Cluster, wanted: Wanted, told: Progress) -> Verdict | Skipped:
    """One run and its verdict, its files written. Raises Refused, ChaosError."""
    name, folder = begun(cluster, wanted.experiment.name, control=wanted.control)
    try:
        async with staged(cluster, name, told, told.now) as site:
            if reason := await impossible(site, wanted):
                return Skipped(wanted.experiment.name, wanted.order.protection, reason)
            return await _conduct(site, wanted, folder)
    finally:
        if not any(folder.iterdir()):  # nothing was begun: no run to look back at
            folder.rmdir()


async def _conduct(site: Site, wanted: Wanted, folder: Path) -> Verdict:
    experiment, stop, run = wanted.experiment, Stop(), _described(site, wanted)
    async with held(site.client, run.targets, run.by, run.namespace) as locks:
        await _vacant(site)
        async with watched_over(run, folder) as watchdog:
            log = UndoLog(site.client, folder, run.name, run.namespace)
            order = replace(wanted.order, watch=_guard(locks, watchdog, wanted.abort_above))
            with _stopped_by_signals(stop), first_in_line():
                evidence = await Runner(site, order, log, stop).run()
    promised = objectives.read()[PLACE_ORDER].availability
    verdict = judge(
        experiment,
        replace(evidence, availability=promised),
        run=run.name,
        control=run.control,
        protection=run.protection,
    )
    write(folder, experiment, evidence.observed, verdict)
    return verdict


def _described(site: Site, wanted: Wanted) -> Run:
    process = this_process()
    return Run(
        name=site.run,
        experiment=wanted.experiment.name,
        file=str(wanted.file.absolute()),
        control=wanted.control,
        protection=wanted.order.protection,
        by=f"{operator()} chaos {site.run}",
        pid=process.pid,
        started=process.started,
        seconds=wanted.seconds,
        targets=wanted.experiment.details.targets,
        kubeconfig=str(site.cluster.kubeconfig),
        context=site.cluster.context,
        local=site.cluster.local,
        namespace=NAMESPACE,
    )


async def _vacant(site: Site) -> None:
    """Raises Refused while something of another run is there: nothing could be told apart."""
    others = set(await remembered(site.client, NAMESPACE))
    others |= {thing.run for thing in await labelled(site.client, NAMESPACE)}
    if others:
        raise Refused(f"{', '.join(sorted(others))} has left something behind: `argosy chaos clean` undoes it")


def _guard(locks: Locks, watchdog: Watchdog, abort_above: float | None) -> Callable[[Watching], str]:
    """Says why a run has to be ended early; empty while it need not."""

    def why(observer: Watching) -> str:
        if locks.lost:
            return locks.lost
        if not watchdog.alive:
            return "its watchdog has died"
        return burned(observer, abort_above) if abort_above is not None else ""

    return why


@contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    """While the block lasts, the first Ctrl-C (or SIGTERM) ends the run; the second one ends the process."""
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        for each in _SIGNALS:
            loop.remove_signal_handler(each)
        stop.now(_SIGNALS[number])

    for number in _SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
