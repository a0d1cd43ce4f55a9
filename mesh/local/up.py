"""What does `argosy up` do? Build what is missing, start what is not running, apply the manifests, wait for all."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import yaml

from mesh.chosen_cluster import Cluster
from mesh.local.addresses import addresses_of
from mesh.local.applying import Kubectl, Manifests, TookTooLong
from mesh.local.belongings import SUPERVISOR
from mesh.local.lifecycle import at_work, start, stop
from mesh.local.picture import Picture
from mesh.local.problems import NotReadyInTime, PartFailed
from mesh.local.programs import TO_RUN_A_CLUSTER, ensure
from mesh.local.progress import Progress
from mesh.local.readiness import failing_part, missing, missing_parts
from mesh.local.settings import Settings
from mesh.local.state_folder import StateFolder
from mesh.local.supervisor_state import SupervisorState, read_supervisor_state

if TYPE_CHECKING:
    from mesh.local.observation import Observer

Result = TypeVar("Result")

_LOOK_EVERY = 0.05
_PICTURE_EVERY = 0.2
_LAST_WORDS = 1500
# The parts without which plain Kubernetes objects, or Istio's, cannot be taken.
_TO_TAKE_PLAIN_OBJECTS = ("kube-apiserver", "objects")
_TO_TAKE_ISTIO_OBJECTS = (*_TO_TAKE_PLAIN_OBJECTS, "istiod")


@dataclass(frozen=True)
class Wanted:
    """What `up` is asked for. `manifests` is a kustomization; None leaves the cluster empty. Timeout in seconds."""

    manifests: Path | None
    timeout: float


def up(
    settings: Settings, wanted: Wanted, progress: Progress, environ: Mapping[str, str] = os.environ
) -> Picture | None:
    """The picture of the ready cluster, None when no manifests were wanted.

    A running cluster is kept and applied to, unless a canary's weights would be lost. What this call started is
    stopped again when it is interrupted or when a part does not come up; one whose manifests are refused or not ready
    in time is left for inspection.
    Raises the errors of `mesh.local.problems`, and WouldOverwrite.
    """
    folder = StateFolder(settings.state)
    with at_work(folder, "up"):
        programs = ensure(settings, TO_RUN_A_CLUSTER, progress, environ)
        running = read_supervisor_state(folder.supervisor_state)
        begun_here = running is None or running.stopping
        try:
            if begun_here:
                start(settings, programs, environ)
            kubectl = Kubectl(programs.folder / "kubectl", folder.kubeconfig)
            return asyncio.run(_Rise(settings, wanted, progress, begun_here=begun_here).all(kubectl))
        except (KeyboardInterrupt, PartFailed):
            if begun_here:
                progress.now("stopping what was started")
                stop(folder)
            raise


class _Rise:
    """One cluster on its way up, with the time it may take."""

    def __init__(self, settings: Settings, wanted: Wanted, progress: Progress, *, begun_here: bool) -> None:
        self._folder = StateFolder(settings.state)
        self._addresses = addresses_of(settings.instance)
        self._checkout = settings.checkout
        self._wanted = wanted
        self._begun_here = begun_here
        self._progress = progress
        self._until = time.monotonic() + wanted.timeout

    async def all(self, kubectl: Kubectl) -> Picture | None:
        """The whole way, within the time. Raises NotReadyInTime, PartFailed, Refused."""
        # Half a second of imports, spent here because the parts are starting meanwhile.
        from mesh.local.observation import Observer  # noqa: PLC0415

        if self._wanted.manifests is not None:
            try:
                await self._apply(kubectl, self._wanted.manifests)
            except TookTooLong as error:
                raise NotReadyInTime(self._wanted.timeout, [f"kubectl {error.command} has not ended"]) from None
        await self._parts(lambda state: missing_parts(tuple(state.parts.values())))
        self._progress.done("control plane ready")
        return await self._everything(Observer) if self._wanted.manifests is not None else None

    async def _apply(self, kubectl: Kubectl, folder: Path) -> None:
        building = asyncio.create_task(self._kubectl(kubectl.build, folder, self._addresses.gateway))
        await self._parts(_without(_TO_TAKE_PLAIN_OBJECTS))
        manifests = await building
        if not self._begun_here:
            await self._spare_canaries(manifests)
        # Pods start while istiod does; their sidecars wait for it.
        await self._kubectl(kubectl.apply, manifests.plain)
        await self._parts(_without(_TO_TAKE_ISTIO_OBJECTS))
        await self._kubectl(kubectl.apply, manifests.istio)
        shown = folder.relative_to(self._checkout) if folder.is_relative_to(self._checkout) else folder
        self._progress.done(f"applied {shown}")

    async def _spare_canaries(self, manifests: Manifests) -> None:
        """Make sure that no canary's weights are set back. Raises WouldOverwrite, NotReadyInTime."""
        # Only a running cluster has canaries.
        from httpx2 import TransportError  # noqa: PLC0415

        from mesh.canary.act.overwriting import refuse_to_overwrite  # noqa: PLC0415
        from mesh.kube_client import opened  # noqa: PLC0415
        from mesh.local.absence import absence_is_fine  # noqa: PLC0415

        documents = [one for one in yaml.load_all(manifests.istio, yaml.CSafeLoader) if one]
        cluster = Cluster(self._folder.kubeconfig, local=True)
        try:
            async with asyncio.timeout(max(0.0, self._until - time.monotonic())), opened(cluster) as client:
                while True:
                    try:
                        with absence_is_fine():  # of routes: nothing was applied to this cluster yet
                            await refuse_to_overwrite(client, documents)
                    except TransportError:
                        await asyncio.sleep(_LOOK_EVERY)
                    else:
                        return
        except TimeoutError:
            silent = "kube-apiserver does not say whether a canary runs"
            raise NotReadyInTime(self._wanted.timeout, [silent]) from None

    async def _kubectl(self, command: Callable[..., Result], *arguments: object) -> Result:
        """Run `command` in a thread, because it blocks, for as long as there is time left."""
        return await asyncio.to_thread(command, *arguments, within=max(0.0, self._until - time.monotonic()))

    async def _parts(self, lacking: Callable[[SupervisorState], list[str]]) -> None:
        while left := lacking(self._running()):
            self._say(f"starting {', '.join(left)}", left)
            await asyncio.sleep(_LOOK_EVERY)

    async def _everything(self, open_observer: type[Observer]) -> Picture:
        observer = open_observer(self._folder, self._addresses)
        try:
            while left := missing(picture := await observer.picture(self._running())):
                self._say(f"{len(left)} to go: {left[0]}", left)
                await asyncio.sleep(_PICTURE_EVERY)
        finally:
            await observer.close()
        self._progress.done(f"{len(picture.pods)} pods ready, every sidecar synced")
        return picture

    def _say(self, text: str, left: list[str]) -> None:
        self._progress.now(text)
        if time.monotonic() > self._until:
            raise NotReadyInTime(self._wanted.timeout, left)

    def _running(self) -> SupervisorState:
        """What runs. Raises PartFailed when a part does not stay up, or their supervisor has ended."""
        state = read_supervisor_state(self._folder.supervisor_state)
        if state is None:
            raise _failed(SUPERVISOR, self._folder.supervisor_log)
        failing = failing_part(tuple(state.parts.values()))
        if failing:
            raise _failed(failing.name, failing.log)
        return state


def _failed(name: str, log: Path) -> PartFailed:
    return PartFailed(name, log, log.read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:])


def _without(names: tuple[str, ...]) -> Callable[[SupervisorState], list[str]]:
    return lambda state: missing_parts([state.parts[name] for name in names])
