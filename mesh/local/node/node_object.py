"""The Node object: what the cluster knows about this node, and the heartbeat that says it lives."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Node

from mesh.local.node.config import NodeConfig
from mesh.local.node.status import timestamp

log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 10.0
_LEASE_SECONDS = 40
_EXISTS = 409
_RETRY_SECONDS = 0.3
_MOST_PODS = "110"
_ARCHITECTURES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}


async def register(client: AsyncClient, config: NodeConfig) -> None:
    """Make the Node object exist and be Ready; tried until the API answers."""
    while True:
        try:
            await _register_once(client, config)
        except httpx2.HTTPError as error:
            log.info("node not registered yet: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def beat(client: AsyncClient, config: NodeConfig) -> None:
    """Renew the node's Lease, for ever."""
    while True:
        try:
            await _renew(client, config.name)
        except httpx2.HTTPError as error:
            log.info("heartbeat not written: %s", error)
        await asyncio.sleep(_HEARTBEAT_SECONDS)


async def _register_once(client: AsyncClient, config: NodeConfig) -> None:
    labels = {
        "kubernetes.io/hostname": config.name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
    }
    try:
        await client.create(Node(metadata=ObjectMeta(name=config.name, labels=labels)))
    except ApiError as error:
        if error.status.code != _EXISTS:
            raise
    await client.patch(Node.Status, config.name, {"status": node_status(config, datetime.now(UTC))})


def node_status(config: NodeConfig, now: datetime) -> dict[str, Any]:
    """The node's status: where its log endpoint is, how big the machine is, and that it is Ready."""
    address, _, port = config.log_address.rpartition(":")
    resources = {"cpu": str(os.cpu_count() or 1), "memory": f"{_memory_kib()}Ki", "pods": _MOST_PODS}
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "NodeReady",
        "message": "pods run as processes of this machine",
        "lastHeartbeatTime": timestamp(now),
        "lastTransitionTime": timestamp(now),
    }
    return {
        "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": config.name}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": int(port)}},
        "capacity": resources,
        "allocatable": resources,
        "conditions": [ready],
        "nodeInfo": _node_info(),
    }


def _node_info() -> dict[str, str]:
    return {
        "architecture": _architecture(),
        "operatingSystem": "linux",
        "kernelVersion": platform.release(),
        "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "containerRuntimeVersion": "process://argosy",
        "kubeletVersion": "argosy",
        "kubeProxyVersion": "",
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
    }


async def _renew(client: AsyncClient, name: str) -> None:
    now = datetime.now(UTC)
    spec = LeaseSpec(holderIdentity=name, leaseDurationSeconds=_LEASE_SECONDS, renewTime=now)
    lease = Lease(metadata=ObjectMeta(name=name, namespace="kube-node-lease"), spec=spec)
    await client.apply(lease, field_manager="argosy-node", force=True)


def _architecture() -> str:
    return _ARCHITECTURES.get(platform.machine(), platform.machine())


def _memory_kib() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1])
    return 0
