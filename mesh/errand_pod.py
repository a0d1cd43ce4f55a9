"""How does a tool run a program of its own in the shop's namespace? In a pod that lasts as long as the program.

The pod has the image of a service and none of its rights. Where the network is closed by default it is opened for the
pod, so that whatever refuses its calls is the mesh.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from lightkube import AsyncClient
from lightkube.models.core_v1 import Container, ContainerStateTerminated
from lightkube.resources.core_v1 import Pod
from lightkube.resources.networking_v1 import NetworkPolicy

from mesh.last_lines import Lines, whole_log
from mesh.local.absence import absence_is_fine

POLL = 0.2
PATIENCE = 120.0
CONTAINER = "errand"
EGRESS = "MESH_EGRESS_ADDRESS"
_LAST_WORDS = 500
_ISTIO = "sidecar.istio.io/"
_INJECTED = f"{_ISTIO}status"  # written by the injector, which passes over a pod that has it


Kind = TypeVar("Kind", Pod, NetworkPolicy)


class ErrandFailed(Exception):
    """The program could not be run, or has failed; the message says why."""


@dataclass(frozen=True)
class Errand:
    """A program that answers with a line of JSON, who runs it, and whether a sidecar stands beside it."""

    name: str
    service_account: str
    command: Sequence[str]
    in_mesh: bool = True

    async def run(self, client: AsyncClient, like: Pod) -> str:
        """What the program says, run to its end in a pod `like` another; nothing is left. Raises ErrandFailed."""
        name, namespace = f"{self.name}-{secrets.token_hex(3)}", str(like.metadata and like.metadata.namespace)
        async with _network(client, namespace, name), _pod(client, _made(Pod, self.manifest(like, name, namespace))):
            ended = await _end(client, namespace, name)

            async def read() -> list[str]:
                return [line async for line in client.log(name, namespace=namespace, container=CONTAINER)]

            lines = await whole_log(read, asyncio.sleep, None if ended.exitCode else _answered)
        if ended.exitCode or not _answered(lines):
            how = f"failed with exit code {ended.exitCode}" if ended.exitCode else "ended without an answer"
            raise ErrandFailed(f"pod {name} has {how} and said: {''.join(lines).strip()[-_LAST_WORDS:] or 'nothing'}")
        return "".join(lines)

    def manifest(self, like: Pod, name: str, namespace: str) -> dict[str, Any]:
        """The pod: image, resources and security of the service's container in `like`, and no more."""
        service = service_container(like)
        copied = service.to_dict()
        container = {
            key: copied[key] for key in ("image", "imagePullPolicy", "resources", "securityContext") if key in copied
        }
        container |= {"name": CONTAINER, "command": list(self.command), "env": self._env(service)}
        spec = like.spec.to_dict() if like.spec else {}
        kept = {key: spec[key] for key in ("securityContext", "imagePullSecrets") if key in spec}
        annotations = (like.metadata and like.metadata.annotations) or {}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"app": name, f"{_ISTIO}inject": str(self.in_mesh).lower()},
                "annotations": {
                    key: value for key, value in annotations.items() if key.startswith(_ISTIO) and key != _INJECTED
                },
            },
            "spec": {
                **kept,
                "serviceAccountName": self.service_account,
                "automountServiceAccountToken": False,
                "restartPolicy": "Never",
                "containers": [container],
            },
        }

    def _env(self, service: Container) -> list[dict[str, str]]:
        """On the local cluster nothing leads a process's calls to its sidecar, so it is told where that is."""
        set_there = next((str(one.value) for one in service.env or () if one.name == EGRESS), "")
        return [{"name": EGRESS, "value": set_there}] if self.in_mesh and set_there else []


def _answered(lines: Lines) -> bool:
    return any(line.startswith("{") for line in lines)


def service_container(pod: Pod) -> Container:
    """The container of a service's pod that is called like the service; Istio may have put others before it."""
    app = ((pod.metadata and pod.metadata.labels) or {}).get("app")
    found = next((one for one in (pod.spec.containers if pod.spec else ()) if one.name == app), None)
    if found is None:
        raise ErrandFailed(f"no container is called like its pod's app, {app}")
    return found


@asynccontextmanager
async def _pod(client: AsyncClient, pod: Pod) -> AsyncIterator[None]:
    metadata = pod.metadata
    try:
        await client.create(pod)
        yield
    finally:
        await _delete(client, Pod, str(metadata and metadata.namespace), str(metadata and metadata.name))


async def _end(client: AsyncClient, namespace: str, name: str) -> ContainerStateTerminated:
    """Wait for the program's end; its pod may have a sidecar that goes on. Raises ErrandFailed."""
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                pod = await client.get(Pod, name, namespace=namespace)
                for status in (pod.status and pod.status.containerStatuses) or ():
                    if status.name == CONTAINER and status.state and status.state.terminated:
                        return status.state.terminated
                await asyncio.sleep(POLL)
    except TimeoutError:
        raise ErrandFailed(f"pod {name} has not ended within {PATIENCE:.0f} s") from None


@asynccontextmanager
async def _network(client: AsyncClient, namespace: str, app: str) -> AsyncIterator[None]:
    """Let the pods of `app` call every pod while the block runs, where a NetworkPolicy for all pods forbids it.

    Policies add up. Without a closed network a policy would close it for everybody else.
    """
    if not await closed(client, namespace):
        yield
        return
    ours = [_made(NetworkPolicy, one) for one in policies(namespace, app)]
    try:
        for policy in ours:
            await client.create(policy)
        yield
    finally:
        for policy in ours:
            await _delete(client, NetworkPolicy, namespace, str(policy.metadata and policy.metadata.name))


async def closed(client: AsyncClient, namespace: str) -> bool:
    """Whether a NetworkPolicy for all pods forbids what no other one permits."""
    return any([_for_all_pods(policy) async for policy in client.list(NetworkPolicy, namespace=namespace)])


def policies(namespace: str, app: str) -> list[dict[str, Any]]:
    """One that lets `app` out, and one that lets it in everywhere."""
    own = {"matchLabels": {"app": app}}
    out = {"podSelector": own, "policyTypes": ["Egress"], "egress": [{}]}
    into = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": own}]}]}
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"{app}-{way}", "namespace": namespace},
            "spec": spec,
        }
        for way, spec in (("out", out), ("in", into))
    ]


def _made(kind: type[Kind], manifest: dict[str, Any]) -> Kind:
    return cast("Kind", kind.from_dict(manifest))


def _for_all_pods(policy: NetworkPolicy) -> bool:
    selector = policy.spec.podSelector if policy.spec else None
    return selector is None or not (selector.matchLabels or selector.matchExpressions)


async def _delete(client: AsyncClient, kind: type[Pod | NetworkPolicy], namespace: str, name: str) -> None:
    with absence_is_fine():
        await client.delete(kind, name, namespace=namespace, grace_period=0)
