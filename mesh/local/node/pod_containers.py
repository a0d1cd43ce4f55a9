"""Which containers does a pod have, in which part do they play, and how is each prepared?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import httpx2
from lightkube.models.core_v1 import Container

from mesh.local.node.container import ContainerRunner, NotYet, Prepared, Surroundings
from mesh.local.node.container_preparation import prepared
from mesh.local.node.container_state import ContainerView, Waiting
from mesh.local.node.pod_files import PodFiles, VolumeProblem
from mesh.local.node.pod_plan import PodPlan
from mesh.local.node.pod_proxy import PodProxy
from mesh.local.node.pod_roles import PROXY, Proxy

_PROXY_GRACE = 5.0


class PodContainers:
    """The runners of one pod's containers."""

    def __init__(
        self, plan: PodPlan, files: PodFiles, proxy: PodProxy | None, surroundings: Surroundings, now: datetime
    ) -> None:
        self._plan, self._files, self._proxy, self._around = plan, files, proxy, surroundings
        again = "Never" if plan.restart_policy == "Never" else "OnFailure"
        self.init = [self._runner(each, again, now) for each in plan.init_containers]
        self.named = [self._runner(each, plan.restart_policy, now) for each in plan.containers]
        """Those of the pod's spec, in its order."""
        self.hidden_proxy = self._proxy_beside_others() if proxy and not plan.names_proxy() else None
        """A proxy that the spec does not name: without the injection policy, or not yet."""

    def __iter__(self) -> Iterator[ContainerRunner]:
        """All of them."""
        yield from self.init
        yield from self.named
        if self.hidden_proxy:
            yield self.hidden_proxy

    @property
    def sidecars(self) -> list[ContainerRunner]:
        """Those that run beside the others as long as they do."""
        return [runner for runner in self if runner.view.stays]

    @property
    def working(self) -> list[ContainerRunner]:
        """Those the pod is there for."""
        return [runner for runner in self.named if not runner.view.stays]

    @property
    def proxy_ready(self) -> bool:
        return self.hidden_proxy is None or self.hidden_proxy.view.ready

    def _runner(self, container: Container, policy: str, now: datetime) -> ContainerRunner:
        view = self._plan.first_view(container, now)
        if container.name == PROXY and self._proxy is not None:
            beside = self._plan.proxy is Proxy.SIDECAR
            return self._proxy_runner(self._proxy, replace(view, stays=beside))

        async def prepare() -> Prepared:
            return await self._prepare(container)

        return ContainerRunner(view, "Always" if view.stays else policy, self._plan.grace, prepare, self._around)

    def _proxy_beside_others(self) -> ContainerRunner | None:
        view = ContainerView(PROXY, "auto", stays=True)
        return self._proxy_runner(self._proxy, view) if self._proxy else None

    def _proxy_runner(self, proxy: PodProxy, view: ContainerView) -> ContainerRunner:
        return ContainerRunner(view, "Always", _PROXY_GRACE, proxy.prepare, self._around)

    async def _prepare(self, container: Container) -> Prepared:
        try:
            await self._files.make_once()
        except (VolumeProblem, httpx2.HTTPError) as error:
            raise NotYet(Waiting("ContainerCreating", str(error)), "FailedMount") from error
        sockets = self._plan.sockets_of(container)
        for socket in sockets.values():
            socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            socket.unlink(missing_ok=True)  # a dead process's, which nobody would answer
        try:
            return prepared(container, self._plan.pod, self._plan.offer, self._files.references, sockets)
        except NotYet:
            self._files.look_again()  # what is missing may have come by the next try
            raise
