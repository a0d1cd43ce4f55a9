"""Pods with sidecars, and whom a service lets call it, as an API server tells."""

from __future__ import annotations

from typing import Any

from lightkube.resources.core_v1 import Pod

STARTED = "2026-01-01T00:00:00Z"


def pod(
    name: str, address: str = "", *, account: str = "", container: str = "process://1-1", native: bool = False
) -> dict[str, Any]:
    """A running pod whose sidecar is one of its containers, or an init container that stays."""
    sidecar = {
        "name": "istio-proxy",
        "image": "",
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "containerID": container,
        "state": {"running": {"startedAt": STARTED}},
    }
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-of-{name}"},
        "spec": {"serviceAccountName": account or name.partition("-")[0], "containers": []},
        "status": {
            "podIP": address,
            "containerStatuses": [] if native else [sidecar],
            "initContainerStatuses": [sidecar] if native else [],
        },
    }


def parsed(document: dict[str, Any]) -> Pod:
    """The same as a client has it."""
    made = Pod.from_dict(document)
    assert isinstance(made, Pod)
    return made


def policy(*accounts: str, namespace: str = "shop") -> dict[str, Any]:
    """An AuthorizationPolicy of catalog that lets these call, one rule for each."""
    rules = [
        {"from": [{"source": {"principals": [f"cluster.local/ns/{namespace}/sa/{account}"]}}]} for account in accounts
    ]
    return {"metadata": {"name": "catalog"}, "spec": {"action": "ALLOW", "rules": rules}}
