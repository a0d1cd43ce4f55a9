"""Can this cluster take the overlay? Decided from what its API says; every gap is named with its next step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mesh.deploy.overlay import Overlay
from mesh.kubectl import Kubectl, KubectlFailed

OLDEST = (1, 33)
ISTIO_GROUPS = ("networking.istio.io", "security.istio.io")
_ISTIO = ".istio.io/"
_INJECTOR = "sidecar-injector.istio.io"
_INSTALL = "install Istio first: `istioctl install --set profile=minimal`"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_PROCESSES = "process://"  # how the local node calls its container runtime


@dataclass(frozen=True)
class Facts:
    """What the API says. `injector`, `runtimes` and `default_storage` are None where we may not look."""

    version: str
    istio: frozenset[str]
    """The served versions of Istio's groups, `networking.istio.io/v1`."""
    injector: bool | None
    runtimes: tuple[str, ...] | None
    default_storage: bool | None
    """Whether a StorageClass is marked as the default one."""
    secrets: frozenset[str]
    """The Secrets in the overlay's namespace."""


def lacking(facts: Facts, overlay: Overlay) -> list[str]:
    """What keeps the overlay from this cluster; empty when nothing does."""
    found: list[str] = []
    if any(runtime.startswith(_PROCESSES) for runtime in facts.runtimes or ()):
        return ["this is the local cluster, whose pods are processes: `argosy up` applies what it runs"]
    if _numbers(facts.version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        found.append(f"Kubernetes {facts.version} is older than {oldest}: upgrade it, or choose another with --context")
    unknown = sorted({one["apiVersion"] for one in overlay.objects if _ISTIO in one["apiVersion"]} - facts.istio)
    if unknown:
        found.append(f"it does not know {', '.join(unknown)}; {_INSTALL}")
    elif facts.injector is False:
        found.append(f"nothing injects Istio's sidecars (no webhook {_INJECTOR}); {_INSTALL}")
    if facts.default_storage is False and overlay.wants_default_storage:
        found.append(
            "it has no default StorageClass, so nothing would make the volumes: install one, or mark one it has with\n"
            f"kubectl annotate storageclass NAME {_DEFAULT_CLASS}=true"
        )
    absent = sorted(set(overlay.secret_keys()) - facts.secrets)
    if absent and not overlay.has_database_server:
        found.append(
            f"these Secrets are not in namespace {overlay.namespace}: {', '.join(absent)}. The overlay"
            f" {overlay.name} takes them from outside; k8s/README.md says how, for example\n"
            f"kubectl -n {overlay.namespace} create secret generic {absent[0]} --from-literal=url=postgresql+psycopg://..."
        )
    return found


async def look(kubectl: Kubectl, overlay: Overlay) -> Facts:
    """Ask the cluster. Raises KubectlFailed when it does not answer."""
    version = json.loads(await kubectl.run("get", "--raw=/version", within=20))
    groups = json.loads(await kubectl.run("get", "--raw=/apis"))["groups"]
    served = {one["groupVersion"] for group in groups if group["name"] in ISTIO_GROUPS for one in group["versions"]}
    webhooks = await _listed(kubectl, "mutatingwebhookconfigurations")
    nodes = await _listed(kubectl, "nodes")
    classes = await _listed(kubectl, "storageclasses")
    secrets = await _listed(kubectl, "secrets", f"--namespace={overlay.namespace}")
    return Facts(
        version=version["gitVersion"],
        istio=frozenset(served),
        injector=None if webhooks is None else any(_injects(one) for one in webhooks),
        runtimes=None
        if nodes is None
        else tuple(one["status"]["nodeInfo"]["containerRuntimeVersion"] for one in nodes),
        default_storage=None if classes is None else any(_is_default(one) for one in classes),
        secrets=frozenset(one["metadata"]["name"] for one in secrets or ()),
    )


async def _listed(kubectl: Kubectl, kind: str, *arguments: str) -> Sequence[Mapping[str, Any]] | None:
    """The objects of this kind; None where this user may not list them."""
    try:
        items: list[dict[str, Any]] = json.loads(await kubectl.run("get", kind, "--output=json", *arguments))["items"]
    except KubectlFailed as error:
        if "Forbidden" in error.words:
            return None
        raise
    return items


def _injects(configuration: Mapping[str, Any]) -> bool:
    return any(webhook["name"].endswith(_INJECTOR) for webhook in configuration.get("webhooks") or ())


def _is_default(storage_class: Mapping[str, Any]) -> bool:
    return (storage_class["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"


def _numbers(version: str) -> tuple[int, ...]:
    """`v1.36.1-eks-abc` as (1, 36)."""
    major, minor, *_ = version.removeprefix("v").split(".")
    return int(major), int(minor)
