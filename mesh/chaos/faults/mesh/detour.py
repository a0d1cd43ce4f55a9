"""Which objects lead a caller's calls somewhere else than to their callee? Documents, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mesh.chaos.faults.mesh.peer import ADDRESS, PORT
from mesh.chaos.undo import LABEL

Rules = Sequence[Mapping[str, Any]]

OURS = "chaos-"
ALL = 100
NOBODY = "127.0.0.1", 1
"""The caller's own loopback, at a port where nobody listens: the kernel refuses at once."""


def rules(entrance: Rules, primary: Rules, caller: str, host: str, percent: int) -> list[dict[str, Any]]:
    """The rules of a callee's entrance once more, for one caller, with `percent` of the calls led to `host`.

    How they retry and give up stays as it is. The others go where they went: to what the entrance delegates to.
    """
    peer = {"destination": {"host": host, "port": {"number": PORT}}}
    usual: Rules = next((rule["route"] for rule in primary if rule.get("name") == "primary"), [])
    split = [{**each, "weight": each.get("weight", ALL) * (ALL - percent)} for each in usual]
    route = [peer] if percent == ALL else [peer | {"weight": ALL * percent}, *split]
    return [_detour(rule, caller, route) for rule in entrance if "delegate" in rule]


def without(entrance: Rules) -> list[Mapping[str, Any]]:
    """The entrance without our rules."""
    return [rule for rule in entrance if not str(rule.get("name", "")).startswith(OURS)]


def _detour(rule: Mapping[str, Any], caller: str, route: Rules) -> dict[str, Any]:
    kept = {key: value for key, value in rule.items() if key != "delegate"}
    matches = [match | {"sourceLabels": {"app": caller}} for match in rule.get("match", [{}])]
    return kept | {"name": f"{OURS}{rule['name']}", "match": matches, "route": route}


def service_entry(host: str, address: str, port: int) -> dict[str, Any]:
    """A host that the mesh knows and is no part of it."""
    return {
        "hosts": [host],
        "exportTo": ["."],
        "location": "MESH_EXTERNAL",
        "resolution": "STATIC",
        "ports": [{"name": "grpc", "number": PORT, "protocol": "GRPC", "targetPort": port}],
        "endpoints": [{"address": address}],
    }


def listening(errand: Mapping[str, Any], run: str) -> dict[str, Any]:
    """An errand's pod that is told where to listen, and is found by the run's label."""
    metadata, spec = errand["metadata"], errand["spec"]
    [container] = spec["containers"]
    own_address = {"name": ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    container = container | {"env": [own_address]}
    return {
        **errand,
        "metadata": {**metadata, "labels": {**metadata["labels"], LABEL: run}},
        "spec": {**spec, "containers": [container]},
    }


def ways(name: str, caller: str) -> dict[str, dict[str, Any]]:
    """The NetworkPolicies, by name, that let the caller reach the pod of that name where all is closed."""
    there, here = {"matchLabels": {"app": name}}, {"matchLabels": {"app": caller}}
    return {
        f"{name}-in": {
            "podSelector": there,
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": here}]}],
        },
        f"{name}-out": {"podSelector": here, "policyTypes": ["Egress"], "egress": [{"to": [{"podSelector": there}]}]},
    }
