"""What is decided about a pod before it runs: its proxy, its ports, its folders. Pure, from the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lightkube.models.core_v1 import Container, ContainerPort, Volume
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from mesh.local.node.addresses import PodAddresses
from mesh.local.node.config import NodeConfig
from mesh.local.node.container_state import ContainerView, Waiting
from mesh.local.node.pod_files import socket_paths
from mesh.local.node.pod_roles import PROXY, Proxy, captured_ports, proxy_of
from mesh.local.node.pod_spec import Offer
from mesh.local.node.resumption import first_view
from mesh.local.node.volumes import folder_of
from mesh.local.reported import ended

_DEFAULT_GRACE = 30.0


@dataclass(frozen=True)
class PodPlan:
    """One pod's fixed facts."""

    pod: Pod
    proxy: Proxy
    captured: tuple[ContainerPort, ...]
    offer: Offer
    folder: Path
    """The pod's private files; its volumes, except claims."""
    log_folder: Path
    socket_folder: Path

    @property
    def metadata(self) -> ObjectMeta:
        return self.pod.metadata or ObjectMeta()

    @property
    def restart_policy(self) -> str:
        return (self.pod.spec.restartPolicy if self.pod.spec else None) or "Always"

    @property
    def grace(self) -> float:
        seconds = self.pod.spec.terminationGracePeriodSeconds if self.pod.spec else None
        return _DEFAULT_GRACE if seconds is None else float(seconds)

    @property
    def init_containers(self) -> list[Container]:
        return list((self.pod.spec.initContainers if self.pod.spec else None) or [])

    @property
    def containers(self) -> list[Container]:
        return list(self.pod.spec.containers if self.pod.spec else [])

    @property
    def over(self) -> bool:
        """Whether the pod has already run to its end."""
        return ended(self.pod)

    def sockets_of(self, container: Container) -> dict[int, Path]:
        """Where the application listens for the ports its proxy took, by port."""
        taken = {port.containerPort: port for port in self.captured}
        return {
            port.containerPort: self.offer.sockets[socket_name(port)]
            for port in container.ports or []
            if port.containerPort in taken
        }

    def first_view(self, container: Container, now: datetime) -> ContainerView:
        status = self.pod.status
        known = [*((status and status.initContainerStatuses) or []), *((status and status.containerStatuses) or [])]
        view = first_view(container, known, self.restart_policy, now)
        if self.init_containers and container in self.containers and view.state == Waiting():
            return replace(view, state=Waiting("PodInitializing"))
        return view

    def names_proxy(self) -> bool:
        """Whether the pod's own spec has the proxy's container, as injection leaves it."""
        return any(container.name == PROXY for container in self.containers)


def plan(
    pod: Pod,
    namespace_labels: Mapping[str, str],
    config: NodeConfig,
    addresses: PodAddresses,
    image_environment: Mapping[str, str],
) -> PodPlan:
    """The plan for `pod` at `addresses`. Raises VolumeProblem when a socket's path would be too long."""
    metadata = pod.metadata or ObjectMeta()
    namespace, uid = metadata.namespace or "default", metadata.uid or ""
    proxy = proxy_of(pod, namespace_labels)
    captured = tuple(captured_ports(pod, proxy))
    folder = config.state_dir / "pods" / uid
    socket_folder = config.socket_dir / uid[:13]
    volumes: list[Volume] = list((pod.spec.volumes if pod.spec else None) or [])
    folders = {each.name: folder_of(each, namespace, folder, config.state_dir / "volumes") for each in volumes}
    names = [socket_name(port) for port in captured] or ["app"]
    offer = Offer(
        addresses=addresses,
        host_address=config.log_address.rpartition(":")[0],
        working_directory=config.checkout,
        image_environment={**image_environment, "HOSTNAME": metadata.name or ""},
        sockets=socket_paths(names, socket_folder),
        volumes={name: path for name, path in folders.items() if path is not None},
    )
    log_folder = config.state_dir / "logs" / f"{namespace}_{metadata.name}_{uid}"
    return PodPlan(pod, proxy, captured, offer, folder, log_folder, socket_folder)


def socket_name(port: ContainerPort) -> str:
    return port.name or str(port.containerPort)
