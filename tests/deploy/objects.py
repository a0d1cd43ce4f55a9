"""Objects of a small overlay, and of a cluster that runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lightkube.resources.core_v1 import Pod

from mesh.deploy.overlay import Manifest, Overlay

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def pod_spec(image: str = "argosy:dev", *secrets: tuple[str, str]) -> dict[str, Any]:
    env = [
        {"name": f"V{number}", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
        for number, (name, key) in enumerate(secrets)
    ]
    return {"containers": [{"name": "app", "image": image, "env": env}]}


def manifest(kind: str, name: str, spec: dict[str, Any] | None = None, **more: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": spec or {},
        **more,
    }


def workload(kind: str, name: str, pod: dict[str, Any] | None = None, **more: Any) -> Manifest:
    spec = {"selector": {}, "serviceName": name, "template": {"spec": pod or pod_spec()}}
    return manifest(kind, name, spec, **more)


def job_with(condition: str, pod: dict[str, Any] | None = None) -> Manifest:
    return workload("Job", "migration", pod, status={"conditions": [{"type": condition, "status": "True"}]})


def overlay(*objects: Manifest, name: str = "kind") -> Overlay:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    return Overlay(Path("/k8s/overlays") / name, [namespace, *objects])


def pod(
    name: str = "app-1",
    *,
    containers: tuple[dict[str, Any], ...] = (),
    init: tuple[dict[str, Any], ...] = (),
    sidecar: bool = True,
    revision: str = "new",
    age: float = 5,
    conditions: tuple[dict[str, Any], ...] = (),
    restart: str = "Always",
    leaving: bool = False,
) -> Pod:
    """A pod with these container statuses, whose sidecar is native."""
    metadata = {"name": name, "labels": {"pod-template-hash": revision}, "creationTimestamp": ago(age)}
    if leaving:
        metadata["deletionTimestamp"] = ago(1)
    proxies = [{"name": "istio-proxy", "restartPolicy": "Always"}] if sidecar else []
    made = Pod.from_dict(
        {
            "metadata": metadata,
            "spec": {"containers": [{"name": "app"}], "initContainers": proxies, "restartPolicy": restart},
            "status": {
                "conditions": list(conditions),
                "containerStatuses": list(containers),
                "initContainerStatuses": list(init),
            },
        }
    )
    assert isinstance(made, Pod)
    return made


def container(name: str = "app", *, restarts: int = 0, **state: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": "argosy:dev",
        "imageID": "",
        "ready": False,
        "restartCount": restarts,
        "state": state,
    }


def waiting(reason: str, *, name: str = "app", restarts: int = 0) -> dict[str, Any]:
    return container(name, restarts=restarts, waiting={"reason": reason, "message": "as the kubelet says"})


def ended(exit_code: int, name: str = "app") -> dict[str, Any]:
    return container(name, terminated={"exitCode": exit_code})
