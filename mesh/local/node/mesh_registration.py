"""What does the mesh have to know about a pod? Its Sidecar (how it listens and calls) and its WorkloadEntry.

A Kubernetes Service finds its pods through EndpointSlices, and those may not hold loopback addresses; but it
selects WorkloadEntries, too. So a pod's entry exists exactly while the pod takes traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightkube.core.async_client import AsyncClient
from lightkube.generic_resource import GenericNamespacedResource
from lightkube.models.core_v1 import ContainerPort
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.core_v1 import Pod

from mesh.istio_kinds import Sidecar, WorkloadEntry
from mesh.local.absence import absence_is_fine
from mesh.local.node.addresses import PodAddresses
from mesh.local.node.pod_roles import Proxy, containers
from mesh.local.node.sidecar import selecting_label, service_account

NODE_LABEL = "argosy.dev/node"
_MANAGER = "argosy-node"


def sidecar_spec(
    pod: Pod, addresses: PodAddresses, captured: Sequence[ContainerPort], sockets: Mapping[int, str]
) -> dict[str, Any]:
    """How the pod's proxy listens, without interception.

    For callers at the pod's address, for the pod's own calls at its egress address. The application is reached
    through its unix sockets, so nobody goes round the proxy.
    """
    return {
        "workloadSelector": {"labels": selecting_label(pod)},
        "ingress": [
            {
                "port": {"number": port.containerPort, "protocol": _protocol(port), "name": _port_name(port)},
                "bind": addresses.pod,
                "captureMode": "NONE",
                "defaultEndpoint": f"unix://{sockets[port.containerPort]}",
            }
            for port in captured
        ],
        "egress": [{"bind": addresses.egress, "captureMode": "NONE", "hosts": ["./*"]}],
    }


def workload_entry_spec(pod: Pod, addresses: PodAddresses, proxy: Proxy) -> dict[str, Any]:
    """The pod as an endpoint: its address, named ports and labels, and who it is."""
    ports = {port.name: port.containerPort for each in containers(pod) for port in each.ports or [] if port.name}
    spec: dict[str, Any] = {"address": addresses.pod, "labels": dict((pod.metadata and pod.metadata.labels) or {})}
    if ports:
        spec["ports"] = ports
    if proxy is not Proxy.NONE:  # callers take a service account as a promise of mutual TLS
        spec["serviceAccount"] = service_account(pod)
    return spec


@dataclass(frozen=True)
class MeshRegistration:
    """One pod's objects in the mesh. All methods raise httpx2.HTTPError when the API does not answer as hoped."""

    client: AsyncClient
    node: str

    async def describe(self, pod: Pod, spec: dict[str, Any]) -> None:
        """Make the pod's Sidecar say `spec`."""
        await self._apply(Sidecar(metadata=self._metadata(pod), spec=spec))

    async def enter(self, pod: Pod, spec: dict[str, Any]) -> None:
        """Make the pod an endpoint."""
        await self._apply(WorkloadEntry(metadata=self._metadata(pod), spec=spec))

    async def leave(self, pod: Pod) -> None:
        """Make the pod no endpoint; nothing to do when it is none."""
        await self._delete(WorkloadEntry, pod)

    async def forget(self, pod: Pod) -> None:
        """Remove everything about the pod."""
        await self._delete(WorkloadEntry, pod)
        await self._delete(Sidecar, pod)

    async def leave_all(self) -> None:
        """Remove every entry that this node ever made: when it starts, none of its pods takes traffic."""
        async for entry in self.client.list(WorkloadEntry, namespace="*", labels={NODE_LABEL: self.node}):
            if entry.metadata is not None:
                await self._ignoring_absence(WorkloadEntry, entry.metadata.name or "", entry.metadata.namespace)

    async def _apply(self, resource: GenericNamespacedResource) -> None:
        await self.client.apply(resource, field_manager=_MANAGER, force=True)

    async def _delete(self, kind: type[GenericNamespacedResource], pod: Pod) -> None:
        if pod.metadata is not None:
            await self._ignoring_absence(kind, pod.metadata.name or "", pod.metadata.namespace)

    async def _ignoring_absence(self, kind: type[GenericNamespacedResource], name: str, namespace: str | None) -> None:
        with absence_is_fine():
            await self.client.delete(kind, name, namespace=namespace)

    def _metadata(self, pod: Pod) -> ObjectMeta:
        metadata = pod.metadata or ObjectMeta()
        owner = OwnerReference(apiVersion="v1", kind="Pod", name=metadata.name or "", uid=metadata.uid or "")
        return ObjectMeta(
            name=metadata.name,
            namespace=metadata.namespace,
            labels={NODE_LABEL: self.node} | selecting_label(pod),
            ownerReferences=[owner],
        )


def _protocol(port: ContainerPort) -> str:
    """Istio's protocol for a port, from its name as in a Service: `grpc-web` and `grpc` are what they say."""
    name = port.name or ""
    for prefix in ("grpc-web", "grpc", "http2", "http"):
        if name == prefix or name.startswith(f"{prefix}-"):
            return prefix.upper()
    return "TCP"


def _port_name(port: ContainerPort) -> str:
    return port.name or f"tcp-{port.containerPort}"
