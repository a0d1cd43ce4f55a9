"""A VirtualService as the shop has it, in parts that tests put together."""

from __future__ import annotations

from typing import Any


def destination(version: str, weight: int | None = None) -> dict[str, Any]:
    given = {} if weight is None else {"weight": weight}
    return {"destination": {"host": "catalog", "subset": version}, **given}


def primary(**weights: int) -> dict[str, Any]:
    return {"name": "primary", "route": [destination(version, weight) for version, weight in weights.items()]}


def virtual_service(*rules: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "catalog", "namespace": "shop", "resourceVersion": "100", **metadata},
        "spec": {"http": list(rules)},
    }


FAULT = {"name": "fault", "fault": {"abort": {"grpcStatus": "UNAVAILABLE"}}, "route": [destination("v1")]}
