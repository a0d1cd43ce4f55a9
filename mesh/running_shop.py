"""What can be done to the running shop? Everything through the Kubernetes API, as on any cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lightkube import AsyncClient
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod
from lightkube.types import PatchType

from mesh.chosen_cluster import NAMESPACE
from mesh.errand_pod import Errand
from mesh.istio_kinds import PeerAuthentication, VirtualService
from mesh.local.reported import staying
from mesh.policy import faults
from mesh.policy.graph import Graph
from mesh.policy.reading import read

CHECKOUT = Path(__file__).parents[1]
FAULT = "fault-of-the-tour"
POLL = 0.2
PATIENCE = 120.0

# A change of configuration was measured live in every sidecar after 0.11 s; ten times that is waited for.
PROPAGATION = 1.0


class ShopError(Exception):
    """The shop is not as it is needed; the message says what is missing."""


@dataclass(frozen=True)
class LogLine:
    """One JSON log line of one pod; `at` is when it was written."""

    pod: str
    at: datetime
    fields: Mapping[str, Any]


class Shop:
    """The shop's objects in one namespace, read and changed through `client`."""

    def __init__(self, client: AsyncClient, namespace: str = NAMESPACE) -> None:
        self.client, self.namespace = client, namespace

    # --- traffic -------------------------------------------------------------

    async def set_weights(self, service: str, weights: Mapping[str, int]) -> None:
        """Route `service` by version, in percent, for callers inside the mesh and at the gateway.

        The patch tests the route it replaces: what somebody else changed meanwhile is not
        overwritten; lightkube.ApiError then, and nothing is changed.
        """
        index, rule = await self._primary(service)
        route = [
            {"destination": {"host": service, "subset": version}, "weight": weight}
            for version, weight in weights.items()
        ]
        path = f"/spec/http/{index}/route"
        await self._patch(
            service,
            {"op": "test", "path": path, "value": rule["route"]},
            {"op": "replace", "path": path, "value": route},
        )
        await asyncio.sleep(PROPAGATION)

    @asynccontextmanager
    async def fault(self, service: str, fault: Mapping[str, Any]) -> AsyncIterator[None]:
        """Inject `fault` (Istio's HTTPFaultInjection) into what orders calls of `service`; removed at the end.

        Only RPCs are touched whose policy allows it, by rules of their own before the primary one.
        """
        _, primary = await self._primary(service)
        paths = Graph(read(CHECKOUT)).may_fail(faults.CALLER, service)
        rules = faults.rules_of(paths, fault, primary["route"], FAULT)
        await self._patch(service, *({"op": "add", "path": "/spec/http/0", "value": rule} for rule in rules))
        try:
            await asyncio.sleep(PROPAGATION)
            yield
        finally:
            await self._patch(service, *(operation for rule in reversed(rules) for operation in _removal(rule)))
            await asyncio.sleep(PROPAGATION)

    @asynccontextmanager
    async def mtls(self, mode: str) -> AsyncIterator[None]:
        """Hold the namespace's PeerAuthentication in `mode`; STRICT again at the end."""
        await self._set_mtls(mode)
        try:
            yield
        finally:
            await self._set_mtls("STRICT")

    async def _set_mtls(self, mode: str) -> None:
        patch = {"spec": {"mtls": {"mode": mode}}}
        await self.client.patch(
            PeerAuthentication, "default", patch, namespace=self.namespace, patch_type=PatchType.MERGE
        )
        await asyncio.sleep(PROPAGATION)

    async def _primary(self, service: str) -> tuple[int, dict[str, Any]]:
        """Where in its VirtualService the service's primary rule stands, and the rule."""
        virtual_service = await self.client.get(VirtualService, service, namespace=self.namespace)
        for index, rule in enumerate(virtual_service["spec"]["http"]):
            if rule.get("name") == "primary":
                return index, rule
        raise ShopError(
            f"VirtualService {service} has no rule named primary: apply the overlay again (`argosy up` or `deploy`)"
        )

    async def _patch(self, service: str, *operations: Mapping[str, Any]) -> None:
        await self.client.patch(
            VirtualService, service, list(operations), namespace=self.namespace, patch_type=PatchType.JSON
        )

    # --- deployments -----------------------------------------------------------

    async def scale(self, deployment: str, replicas: int) -> None:
        """Set the number of replicas and wait until they are available."""
        await self.client.patch(Deployment, deployment, {"spec": {"replicas": replicas}}, namespace=self.namespace)
        await self.rolled_out(deployment)

    async def restart(self, deployment: str) -> None:
        """Restart every pod of `deployment`, as `kubectl rollout restart` does, and wait until it is done."""
        now = datetime.now(UTC).isoformat()
        template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}
        await self._patch_template(deployment, template)

    @asynccontextmanager
    async def variables(self, deployment: str, values: Mapping[str, str]) -> AsyncIterator[None]:
        """Hold environment variables of the deployment's container at `values`; what they were before at the end.

        Both times the deployment is rolled out when this returns.
        """
        before = await self.variables_of(deployment, values)
        try:
            await self.set_variables(deployment, values)
            yield
        finally:
            await self.set_variables(deployment, before)

    async def variables_of(self, deployment: str, names: Iterable[str]) -> dict[str, str | None]:
        """How the deployment's container is given these variables; None: not at all."""
        found = await self.client.get(Deployment, deployment, namespace=self.namespace)
        return {name: _variable(found, name) for name in names}

    async def set_variables(self, deployment: str, values: Mapping[str, str | None]) -> None:
        """Set environment variables of the deployment's container (None: take away); returns when rolled out."""
        env = [
            {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}
            for name, value in values.items()
        ]
        container = deployment.rsplit("-v", 1)[0]
        await self._patch_template(deployment, {"spec": {"containers": [{"name": container, "env": env}]}})

    async def annotate(self, deployment: str, values: Mapping[str, str | None]) -> None:
        """Set annotations of the deployment's pods (None: take away); returns when rolled out."""
        await self._patch_template(deployment, {"metadata": {"annotations": dict(values)}})

    async def _patch_template(self, deployment: str, template: Mapping[str, Any]) -> None:
        patch = {"spec": {"template": template}}
        await self.client.patch(Deployment, deployment, patch, namespace=self.namespace)
        await self.rolled_out(deployment)

    async def rolled_out(self, deployment: str) -> None:
        """Wait until every replica is of the newest template and available, and no other is left."""
        async with asyncio.timeout(PATIENCE):
            while not _complete(await self.client.get(Deployment, deployment, namespace=self.namespace)):
                await asyncio.sleep(POLL)

    # --- pods ------------------------------------------------------------------

    async def pods(self, app: str, version: str | None = None) -> list[Pod]:
        """The running pods of `app` (and `version`), by name, without those being deleted."""
        labels: dict[str, Any] = {"app": app} | ({"version": version} if version else {})
        listed = [pod async for pod in self.client.list(Pod, namespace=self.namespace, labels=labels)]
        return sorted(filter(staying, listed), key=lambda pod: str(pod.metadata and pod.metadata.name))

    async def log(self, app: str, *, message: str, since: datetime) -> list[LogLine]:
        """The JSON log lines of `app`'s pods with this message, written after `since`, in order."""
        found: list[LogLine] = []
        for pod in await self.pods(app):
            name = pod_name(pod)
            lines = self.client.log(name, namespace=self.namespace, container=app, newlines=False)
            found += [parsed async for line in lines if (parsed := _parse(name, line))]
        return sorted(
            (line for line in found if line.fields["message"] == message and line.at >= since), key=lambda line: line.at
        )

    async def run_once(self, name: str, service_account: str, command: list[str], *, in_mesh: bool = True) -> str:
        """What `command` says in a pod of its own, inside the mesh or without a sidecar. Raises ErrandFailed."""
        return await Errand(name, service_account, command, in_mesh).run(self.client, (await self.pods("orders"))[0])


def _removal(first: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The patch that takes a rule away, if it is still the first one."""
    return [
        {"op": "test", "path": "/spec/http/0/name", "value": first["name"]},
        {"op": "remove", "path": "/spec/http/0"},
    ]


def pod_name(pod: Pod) -> str:
    """The pod's name."""
    return str(pod.metadata.name) if pod.metadata else ""


def pod_address(pod: Pod) -> str:
    """The pod's address; empty while it has none."""
    return str(pod.status.podIP or "") if pod.status else ""


def _complete(deployment: Deployment) -> bool:
    spec, status, metadata = deployment.spec, deployment.status, deployment.metadata
    if not spec or not status or not metadata or (status.observedGeneration or 0) < (metadata.generation or 0):
        return False
    wanted = 1 if spec.replicas is None else spec.replicas
    return (status.updatedReplicas or 0) == (status.replicas or 0) == (status.availableReplicas or 0) == wanted


def _variable(deployment: Deployment, name: str) -> str | None:
    """How the deployment spells a variable, `$(ARGOSY_EGRESS_IP)` for example; None when it has none."""
    spec = deployment.spec and deployment.spec.template.spec
    variables = (spec.containers[0].env or []) if spec else []
    return next((str(variable.value or "") for variable in variables if variable.name == name), None)


def _parse(pod: str, line: str) -> LogLine | None:
    try:
        fields = json.loads(line)
        return LogLine(pod, datetime.fromisoformat(fields["time"]), fields) if "message" in fields else None
    except (ValueError, KeyError, TypeError):
        return None  # not every line is ours: a traceback, a library's print
