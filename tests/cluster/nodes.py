"""Which node may be taken out of service, and what must be moved off it first?"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mesh.gateway import VARIABLE
from tests.end_to_end.conftest import Done, argosy, eventually

# The shop's own pods, which are what is being tried; everything else on a node may have a single replica.
OURS = "app.kubernetes.io/component=service"
OTHERS = "app.kubernetes.io/component!=service,app!=gateway"
DRAIN = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=180s")


def objects(*arguments: str) -> list[dict[str, Any]]:
    """What kubectl gets, in all namespaces that are asked for."""
    done = argosy("kubectl", "get", *arguments, "-o", "json")
    assert done.code == 0, done.err
    items: list[dict[str, Any]] = done.json["items"]
    return items


def name(thing: dict[str, Any]) -> str:
    return str(thing["metadata"]["name"])


def workers() -> list[dict[str, Any]]:
    """The nodes that take pods, those without the database first."""
    keeper = {pod["spec"].get("nodeName") for pod in objects("pods", "-n", "shop", "-l", "app=postgresql")}
    nodes = [
        node
        for node in objects("nodes")
        if not node["spec"].get("unschedulable")
        and all(taint["effect"] != "NoSchedule" for taint in node["spec"].get("taints", []))
    ]
    if len(nodes) < 2:
        pytest.skip(f"needs two nodes that take pods; this cluster has {len(nodes)}")
    return sorted(nodes, key=lambda node: (name(node) in keeper, name(node)))


def address(node: dict[str, Any]) -> str:
    """The node's address in the cluster's network."""
    return next(str(each["address"]) for each in node["status"]["addresses"] if each["type"] == "InternalIP")


def cuttable() -> dict[str, Any]:
    """A node that the API server does not run on."""
    slices = objects("endpointslices", "-n", "default", "-l", "kubernetes.io/service-name=kubernetes")
    api = {at for each in slices for endpoint in each["endpoints"] for at in endpoint["addresses"]}
    found = [node for node in workers() if address(node) not in api]
    return found[0] if found else pytest.skip("every node runs the API server")


def entrance(avoiding: str = "") -> str:
    """host:port of the gateway's Service at a node: it stays when a pod goes. ARGOSY_GATEWAY names another."""
    if given := os.environ.get(VARIABLE):
        return given
    (service,) = objects("services", "-n", "shop", "-l", "app=gateway")
    ports = [port["nodePort"] for port in service["spec"]["ports"] if "nodePort" in port]
    for node in workers():
        if ports and name(node) != avoiding and _answers(address(node), ports[0]):
            return f"{address(node)}:{ports[0]}"
    pytest.skip(f"a port-forward ends with its pod, and no node's port answers here; name a way in with {VARIABLE}")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


def pods_on(node: str, selector: str) -> set[str]:
    """The names of the shop's pods there."""
    found = objects("pods", "-n", "shop", "-l", selector, f"--field-selector=spec.nodeName={node}")
    return {name(pod) for pod in found}


def drain(node: str, *arguments: str) -> Done:
    """Take pods off the node, as `kubectl drain` does; it takes no new ones until `restored`."""
    done = argosy("kubectl", "drain", node, *DRAIN, *arguments)
    assert done.code == 0, done.out + done.err
    return done


def move_others_off(node: str) -> None:
    """Let what a cluster may have one of (istiod, DNS, the development database) run elsewhere, and wait for it."""
    try:
        drain(node, f"--pod-selector={OTHERS}")
        eventually("deployments elsewhere", _unavailable, [])
    finally:
        argosy("kubectl", "uncordon", node)


def _unavailable() -> list[str]:
    owners = objects("deployments,statefulsets", "--all-namespaces")
    return [name(each) for each in owners if each["status"].get("readyReplicas", 0) < each["spec"]["replicas"]]


@contextmanager
def restored(node: str) -> Iterator[None]:
    """The node takes pods again at the end."""
    try:
        yield
    finally:
        assert argosy("kubectl", "uncordon", node).code == 0


def ready(node: str) -> bool:
    """Whether the control plane hears from the node."""
    (found,) = [each for each in objects("nodes") if name(each) == node]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in found["status"]["conditions"])


def apply(manifest: dict[str, Any]) -> None:
    """Create it, or change it, in the namespace it names."""
    done = argosy("kubectl", "apply", "-f", "-", stdin=json.dumps(manifest))
    assert done.code == 0, done.err
