"""Which packets may pass? A NetworkPolicy for every app, from the edges that its AuthorizationPolicy has.

That one asks who is calling what; this one, one layer below, asks whose pod speaks to whose port at all. With sidecars
the port is still the pod's own: mTLS changes what is said, not where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mesh.policy.graph import Graph
from mesh.policy.schema import GATEWAY
from mesh.policy.yaml_text import text

FOLDER = "k8s/components/network-policies"
PORT, GATEWAY_PORT = 50051, 8080

Object = dict[str, Any]


def manifests(graph: Graph, header: str) -> Mapping[str, str]:
    """Path and text of the policy of the gateway, of every service, and of everybody who calls one."""
    edges = {service: list(graph.callers(service)) for service in graph.services}
    apps = [*graph.services, *sorted({caller for callers in edges.values() for caller in callers} - edges.keys())]
    return {f"{FOLDER}/{app}/network-policy.yaml": text(header, network_policy(app, edges)) for app in apps}


def network_policy(app: str, edges: Mapping[str, Iterable[str]]) -> Object:
    """Whom the pods of `app` hear and whom they call; `edges` has the callers of every service."""
    callers = sorted(edges.get(app, ()))
    callees = sorted(service for service, known in edges.items() if app in known)
    ingress = [_rule("from", callers, PORT)] if callers else []
    if app == GATEWAY:
        ingress = [{"ports": [_tcp(GATEWAY_PORT)]}]  # from anywhere
    spec: Object = {"podSelector": _labelled(app), "policyTypes": ["Ingress", "Egress"]}
    spec |= {"ingress": ingress} if ingress else {}
    spec |= {"egress": [_rule("to", callees, PORT)]} if callees else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": app},
        "spec": spec,
    }


def _rule(direction: str, apps: Iterable[str], port: int) -> Object:
    return {direction: [{"podSelector": _labelled(app)} for app in apps], "ports": [_tcp(port)]}


def _labelled(app: str) -> Object:
    return {"matchLabels": {"app": app}}


def _tcp(port: int) -> Object:
    return {"port": port, "protocol": "TCP"}
