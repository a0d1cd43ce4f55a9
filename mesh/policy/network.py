"""Which packets may pass? A NetworkPolicy for every app, from the edges that its AuthorizationPolicy has.

That one asks who is calling what; this one, one layer below, asks whose pod speaks to whose port at all. With sidecars
the port is still the pod's own: mTLS changes what is said, not where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mesh.policy.graph import Graph
from mesh.policy.istio import GATEWAY_PORT, PORT
from mesh.policy.schema import GATEWAY
from mesh.policy.yaml_text import text

FOLDER = "k8s/components/network-policies"

Object = dict[str, Any]
Edge = tuple[str, str, int]
"""Whose pods call whose, at which port."""


def manifests(graph: Graph, header: str) -> Mapping[str, str]:
    """Path and text of the policy of the gateway, of every service, and of everybody who calls one."""
    known = set(edges(graph))
    apps = {*graph.services, *(caller for caller, _, _ in known)}
    published = {service: one.published.port for service, one in graph.services.items() if one.published}
    return {
        f"{FOLDER}/{app}/network-policy.yaml": text(header, network_policy(app, known, published.get(app)))
        for app in sorted(apps)
    }


def edges(graph: Graph) -> Iterator[Edge]:
    """Every edge there is: of gRPC, of pages, of what is published to people."""
    for service, content in graph.services.items():
        yield from ((caller, service, PORT) for caller in graph.callers(service))
        for part in (content.pages, content.published):
            if part:
                yield GATEWAY, service, part.port


def network_policy(app: str, known: Iterable[Edge], published: int | None = None) -> Object:
    """Whom the pods of `app` hear and whom they call; istiod, too, at the port where it publishes something."""
    callers: dict[int, list[Object]] = {}
    callees: dict[int, list[Object]] = {}
    for caller, callee, port in sorted(known):
        if callee == app:
            callers.setdefault(port, []).append(_app(caller))
        if caller == app:
            callees.setdefault(port, []).append(_app(callee))
    if published:
        callers[published].append(_ISTIOD)
    ingress = [{"from": peers, "ports": [_tcp(port)]} for port, peers in sorted(callers.items())]
    if app == GATEWAY:
        ingress = [{"ports": [_tcp(GATEWAY_PORT)]}]  # from anywhere
    egress = [{"to": peers, "ports": [_tcp(port)]} for port, peers in sorted(callees.items())]
    spec: Object = {"podSelector": _labelled(app), "policyTypes": ["Ingress", "Egress"]}
    spec |= {"ingress": ingress} if ingress else {}
    spec |= {"egress": egress} if egress else {}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": app},
        "spec": spec,
    }


def _app(name: str) -> Object:
    return {"podSelector": _labelled(name)}


def _labelled(app: str) -> Object:
    return {"matchLabels": {"app": app}}


def _tcp(port: int) -> Object:
    return {"port": port, "protocol": "TCP"}


_ISTIOD = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "istio-system"}},
    "podSelector": _labelled("istiod"),
}
