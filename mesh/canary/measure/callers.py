"""Who calls a service? The sidecars of those whom its AuthorizationPolicy lets call it; of everybody, without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import Pod

from mesh.canary.measure.source import Caller
from mesh.local.observation import SIDECAR

_PARTS = 5  # cluster.local/ns/shop/sa/orders


def allowed(policy: Mapping[str, Any], namespace: str) -> frozenset[str] | None:
    """The service accounts of `namespace` that the policy names; None when it lets others in, too."""
    accounts = set()
    for rule in policy.get("rules") or ():
        principals = list(_principals(rule))
        if not principals:
            return None
        for principal in principals:
            parts = principal.split("/")
            if len(parts) != _PARTS or "*" in principal:
                return None
            if parts[2] == namespace:
                accounts.add(parts[4])
    return frozenset(accounts) or None


def _principals(rule: Mapping[str, Any]) -> Iterator[str]:
    for origin in rule.get("from") or ():
        yield from (origin.get("source") or {}).get("principals") or ("*",)


def caller(pod: Pod) -> Caller | None:
    """The pod's sidecar as it is now; None when it has none that runs."""
    metadata, status = pod.metadata, pod.status
    if metadata is None or status is None:
        return None
    # A native sidecar is an init container.
    every: list[ContainerStatus] = [*(status.containerStatuses or ()), *(status.initContainerStatuses or ())]
    sidecar = next((container for container in every if container.name == SIDECAR), None)
    running = sidecar and sidecar.state and sidecar.state.running
    if not sidecar or not running:
        return None
    began = running.startedAt.timestamp() if running.startedAt else 0.0
    return Caller(str(metadata.name), sidecar.containerID or f"{metadata.uid}/{sidecar.restartCount}", began)


def account(pod: Pod) -> str:
    """The service account the pod calls as."""
    return (pod.spec and pod.spec.serviceAccountName) or "default"
