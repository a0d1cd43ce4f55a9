"""Does a pod get a sidecar, is it a gateway, and which of its ports go through its proxy?

The labels and annotations are Istio's own (istio.io, "Resource Annotations" and "Gateway injection").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import yaml
from lightkube.models.core_v1 import Container, ContainerPort
from lightkube.resources.core_v1 import Pod

PROXY = "istio-proxy"
_INJECT = "sidecar.istio.io/inject"
_TEMPLATES = "inject.istio.io/templates"
_PROXY_CONFIG = "proxy.istio.io/config"
_EXCLUDED_PORTS = "traffic.sidecar.istio.io/excludeInboundPorts"


class Proxy(Enum):
    NONE = "none"
    SIDECAR = "sidecar"
    GATEWAY = "gateway"


def proxy_of(pod: Pod, namespace_labels: Mapping[str, str]) -> Proxy:
    """The proxy that Istio's injection would give the pod."""
    labels, annotations = _labels(pod), _annotations(pod)
    wanted = labels.get(_INJECT, annotations.get(_INJECT))
    enabled = namespace_labels.get("istio-injection") == "enabled"
    if wanted == "false" or (wanted is None and not enabled):
        return Proxy.NONE
    return Proxy.GATEWAY if annotations.get(_TEMPLATES) == "gateway" else Proxy.SIDECAR


def holds_application(pod: Pod) -> bool:
    """Whether the application waits for its proxy to be ready: Istio's holdApplicationUntilProxyStarts, per pod."""
    return _proxy_config(pod).get("holdApplicationUntilProxyStarts") is True


def proxy_variables(pod: Pod) -> dict[str, str]:
    """What the pod's own proxy is told besides: Istio's proxyMetadata, per pod."""
    variables = _proxy_config(pod).get("proxyMetadata")
    return {str(name): str(value) for name, value in variables.items()} if isinstance(variables, dict) else {}


def _proxy_config(pod: Pod) -> dict[str, Any]:
    try:
        config = yaml.safe_load(_annotations(pod).get(_PROXY_CONFIG, ""))
    except yaml.YAMLError:
        return {}
    return config if isinstance(config, dict) else {}


def app_containers(pod: Pod) -> list[Container]:
    """The containers that are not the proxy."""
    return [container for container in containers(pod) if container.name != PROXY]


def containers(pod: Pod) -> list[Container]:
    return list(pod.spec.containers) if pod.spec else []


def captured_ports(pod: Pod, proxy: Proxy) -> list[ContainerPort]:
    """The ports where the pod's proxy accepts calls in place of the application.

    A process has no network of its own, so a port is either the proxy's or the application's. Metrics stay
    with the application: ports named `*-metrics`, and those that Istio's own annotation excludes.
    """
    if proxy is not Proxy.SIDECAR:
        return []
    excluded = set(_annotations(pod).get(_EXCLUDED_PORTS, "").replace(" ", "").split(","))
    return [port for port in _tcp_ports(pod) if str(port.containerPort) not in excluded and not _is_metrics(port)]


def _tcp_ports(pod: Pod) -> Iterator[ContainerPort]:
    for container in app_containers(pod):
        yield from (port for port in container.ports or [] if (port.protocol or "TCP") == "TCP")


def _is_metrics(port: ContainerPort) -> bool:
    return (port.name or "").endswith("-metrics")


def _labels(pod: Pod) -> dict[str, str]:
    return (pod.metadata.labels if pod.metadata else None) or {}


def _annotations(pod: Pod) -> dict[str, str]:
    return (pod.metadata.annotations if pod.metadata else None) or {}
