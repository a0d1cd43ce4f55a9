"""The life of one container: prepared, started, probed, restarted with back-off, stopped.

waiting ---- prepared and spawned -----------------> running
running ---- exits, or fails liveness or startup --> terminated
terminated - restart policy says so, after back-off > waiting
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from mesh.local.node.container_state import ContainerView, Running, Terminated, Waiting
from mesh.local.node.deadline import Deadline
from mesh.local.node.log_files import LogFile
from mesh.local.node.pod_spec import Command
from mesh.local.node.probe_schedule import ProbeSchedule, Thresholds
from mesh.local.node.probes import Attempt, complaint_of
from mesh.local.node.process import CannotStart, Exit, Process, spawn
from mesh.local.node.restart_backoff import RestartBackoff, should_restart

_START_ERROR = 128
_RETRY_FIRST = 0.5
_RETRY_MAXIMUM = 20.0


class NotYet(Exception):
    """A container cannot be started now; it is tried again."""

    def __init__(self, state: Waiting, event: str) -> None:
        self.state, self.event = state, event
        super().__init__(state.message)


@dataclass(frozen=True)
class Check:
    """One of a container's probes."""

    thresholds: Thresholds
    attempt: Attempt


@dataclass(frozen=True)
class Prepared:
    """Everything needed to run a container once."""

    command: Command
    startup: Check | None = None
    readiness: Check | None = None
    liveness: Check | None = None
    post_start: Attempt | None = None
    pre_stop: Attempt | None = None


class Surroundings(Protocol):
    """What a container's runner needs of its pod."""

    def changed(self) -> None:
        """The container's view is another one now."""

    def tell(self, container: str, reason: str, message: str, *, warning: bool = False) -> None:
        """Make it an Event."""

    def log_file(self, container: str, restarts: int) -> LogFile:
        """Where a run's output goes."""


class ContainerRunner:
    """Runs one container until it ends for good or is stopped."""

    def __init__(
        self,
        view: ContainerView,
        restart_policy: str,
        grace: float,
        prepare: Callable[[], Awaitable[Prepared]],
        surroundings: Surroundings,
    ) -> None:
        self.view = view
        self.process: Process | None = None
        self._policy, self._grace = restart_policy, grace
        self._prepare, self._around = prepare, surroundings
        self._prepared: Prepared | None = None
        self._backoff = RestartBackoff()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run, and run again as the restart policy says; returns when the container will not run again."""
        if isinstance(self.view.state, Terminated) and not self._runs_again(self.view.state.exit_code):
            return
        while not self._stopping.is_set():
            prepared = await self._prepare_until_possible()
            if prepared is None:
                return
            terminated = await self._run_once(prepared)
            self._show(state=terminated, ready=False, started=False)
            if not self._runs_again(terminated.exit_code):
                return
            await self._back_off(terminated)

    async def stop(self, deadline: Deadline, *, quiet_for: float = 0.0) -> None:
        """End it by `deadline`: preStop, SIGTERM not before `quiet_for` seconds, then SIGKILL."""
        self._stopping.set()
        if self.process is not None:
            await self._terminate(self.process, deadline, quiet_for)

    def kill(self) -> None:
        """End it now."""
        self._stopping.set()
        if self.process is not None:
            self.process.signal_group(signal.SIGKILL)

    def _runs_again(self, exit_code: int) -> bool:
        return not self._stopping.is_set() and should_restart(self._policy, exit_code)

    async def _prepare_until_possible(self) -> Prepared | None:
        pause = _RETRY_FIRST
        while not self._stopping.is_set():
            try:
                prepared = await self._prepare()
            except NotYet as problem:
                self._show(state=problem.state)
                error = "Error: " if problem.event == "Failed" else ""
                self._tell(problem.event, error + problem.state.message, warning=True)
                await self._wait(pause)
                pause = min(pause * 2, _RETRY_MAXIMUM)
            else:
                return None if self._stopping.is_set() else prepared
        return None

    async def _run_once(self, prepared: Prepared) -> Terminated:
        if isinstance(self.view.state, Terminated) or self.view.last_state is not None:
            self._show(restarts=self.view.restarts + 1)
        started_at = datetime.now(UTC)
        try:
            process = self._spawn(prepared.command)
        except CannotStart as error:
            self._tell("Failed", f"Error: failed to start container: {error}", warning=True)
            return Terminated(_START_ERROR, "StartError", started_at, datetime.now(UTC), str(error))
        self.process, self._prepared = process, prepared
        try:
            self._show(state=Running(started_at), container_id=f"process://{process.pid}-{process.start_time}")
            self._tell("Started", f"Container started as process {process.pid}")
            ended = await self._watch(prepared, process)
        finally:
            process.signal_group(signal.SIGKILL)
            self.process = None
        reason = "Completed" if ended.code == 0 else "Error"
        return Terminated(ended.code, reason, started_at, datetime.now(UTC), container_id=self.view.container_id)

    def _spawn(self, command: Command) -> Process:
        log = self._around.log_file(self.view.name, self.view.restarts)
        with log.open_for_writing() as output:
            return spawn(
                command.argv,
                environment=command.environment,
                working_directory=command.working_directory,
                output=output,
            )

    async def _watch(self, prepared: Prepared, process: Process) -> Exit:
        async with asyncio.TaskGroup() as group:
            probing = group.create_task(self._probe(prepared, process))
            ended = await process.wait()
            probing.cancel()
        return ended

    async def _probe(self, prepared: Prepared, process: Process) -> None:
        if prepared.post_start and not await self._hook(prepared.post_start, "FailedPostStartHook"):
            await self._give_up(process, "failed postStart hook")
            return
        if prepared.startup and not await self._until_started(prepared.startup):
            await self._give_up(process, "failed startup probe")
            return
        self._show(started=True, ready=prepared.readiness is None)
        async with asyncio.TaskGroup() as group:
            if prepared.readiness:
                group.create_task(self._follow_readiness(prepared.readiness))
            if prepared.liveness:
                group.create_task(self._enforce_liveness(prepared.liveness, process))

    async def _until_started(self, check: Check) -> bool:
        schedule = ProbeSchedule(check.thresholds, eager=True, passing=False)
        began = _now()
        while not (schedule.passing or schedule.given_up):
            await self._try(check, schedule, began, "Startup")
        return schedule.passing

    async def _follow_readiness(self, check: Check) -> None:
        schedule = ProbeSchedule(check.thresholds, eager=True, passing=False)
        began = _now()
        while True:
            await self._try(check, schedule, began, "Readiness")
            if schedule.passing is not self.view.ready:
                self._show(ready=schedule.passing)

    async def _enforce_liveness(self, check: Check, process: Process) -> None:
        schedule = ProbeSchedule(check.thresholds, eager=False, passing=True)
        began = _now()
        while schedule.passing:
            await self._try(check, schedule, began, "Liveness")
        await self._give_up(process, "failed liveness probe")

    async def _try(self, check: Check, schedule: ProbeSchedule, began: float, kind: str) -> None:
        await asyncio.sleep(max(0.0, schedule.next_at - (_now() - began)))
        complaint = await complaint_of(check.attempt, check.thresholds.timeout)
        counted = schedule.learn(success=complaint is None, now=_now() - began)
        if complaint is not None and counted:
            self._tell("Unhealthy", f"{kind} probe failed: {complaint}", warning=True)

    async def _give_up(self, process: Process, why: str) -> None:
        self._tell("Killing", f"Container {self.view.name} {why}, will be restarted")
        self._show(ready=False)
        await self._terminate(process, Deadline(self._grace), 0.0)

    async def _terminate(self, process: Process, deadline: Deadline, quiet_for: float) -> None:
        quiet_until = _now() + quiet_for
        ending = asyncio.create_task(process.wait())
        try:
            if self._prepared and self._prepared.pre_stop:
                await deadline.bounds(self._hook(self._prepared.pre_stop, "FailedPreStopHook"))
            await deadline.bounds(asyncio.wait({ending}, timeout=max(0.0, quiet_until - _now())))
            process.signal(signal.SIGTERM)
            if not await deadline.bounds(asyncio.shield(ending)):
                process.signal_group(signal.SIGKILL)
            await ending
        finally:
            ending.cancel()

    async def _hook(self, hook: Attempt, event: str) -> bool:
        complaint = await complaint_of(hook)
        if complaint is not None:
            self._tell(event, complaint, warning=True)
        return complaint is None

    async def _back_off(self, terminated: Terminated) -> None:
        delay = self._backoff.delay(_now())
        if delay > 0:
            message = f"back-off {delay:g}s restarting failed container={self.view.name}"
            self._show(state=Waiting("CrashLoopBackOff", message), last_state=terminated)
            self._tell("BackOff", f"Back-off restarting failed container {self.view.name}", warning=True)
            await self._wait(delay)
        else:
            self._show(last_state=terminated)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _show(self, **changes: object) -> None:
        self.view = replace(self.view, **changes)  # type: ignore[arg-type]  # fields by name, checked by replace
        self._around.changed()

    def _tell(self, reason: str, message: str, *, warning: bool = False) -> None:
        self._around.tell(self.view.name, reason, message, warning=warning)


def _now() -> float:
    return asyncio.get_running_loop().time()
