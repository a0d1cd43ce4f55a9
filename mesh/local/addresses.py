"""Where does everything listen? One table; all of it on loopback."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

LOOPBACK = "127.0.0.1"
_BETWEEN_INSTANCES = 100


@dataclass(frozen=True)
class Addresses:
    """The ports of the control plane and the networks of pods, below the kernel's ephemeral range.

    `gateway` is the port of the ingress gateway in k8s/overlays/local; other instances move it when they apply.
    """

    etcd: int = 12379
    etcd_peer: int = 12380
    api_server: int = 16443
    controller_manager: int = 16257
    node_log: int = 16250
    istiod_xds: int = 15012
    istiod_monitoring: int = 15014
    istiod_webhook: int = 15017
    istiod_http: int = 15080
    gateway: int = 8080
    pod_network: str = "127.10.0.0/16"
    egress_network: str = "127.11.0.0/16"

    def ports(self) -> dict[str, int]:
        """Every port by its name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: port for name, port in named.items() if isinstance(port, int)}


def addresses_of(instance: int) -> Addresses:
    """The addresses of the n-th cluster on this machine; instances never overlap."""
    first = Addresses()
    moved: dict[str, Any] = {name: port + instance * _BETWEEN_INSTANCES for name, port in first.ports().items()}
    pods = 10 + 2 * instance
    networks = replace(first, pod_network=f"127.{pods}.0.0/16", egress_network=f"127.{pods + 1}.0.0/16")
    return replace(networks, **moved)
