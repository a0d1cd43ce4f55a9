"""A cluster with the committed objects of the mesh, Deployments whose pods follow them, and Envoys that do as told."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from aiohttp import web
from lightkube.resources.core_v1 import Pod

from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop, ShopError, pod_name
from tests.canary.kubernetes_api import KubernetesApi, Object, merge_patched

ISTIO = Path(__file__).parents[4] / "k8s" / "components" / "istio"
RUN = "20261121-154500-some-run"
SERVICES = ("catalog", "orders", "payments", "storefront")


@cache
def committed() -> Sequence[Object]:
    """The mesh's objects as they are in the checkout."""
    return [yaml.load(file.read_text(), yaml.CSafeLoader) for file in sorted(ISTIO.glob("*/*.yaml"))]


class ScriptedCluster(KubernetesApi):
    """Strategic merges as far as Deployments need them; `envoys` answers a page, asked for by pod and path."""

    def __init__(self) -> None:
        super().__init__()
        self.envoys: dict[str, Callable[[str], str]] = {}
        for document in committed():
            if document["kind"] in PLURALS:
                self.put(PLURALS[document["kind"]], document)
        for service in SERVICES:
            self.put("deployments", _deployment(service))

    def settings(self, service: str) -> Mapping[str, str]:
        """The variables its pods are started with."""
        [container] = self.objects["deployments", f"{service}-v1"]["spec"]["template"]["spec"]["containers"]
        return {each["name"]: each["value"] for each in container["env"]}

    def _listed(self, plural: str, selector: str) -> Object:
        if plural == "pods":
            for (kind, _), deployment in [*self.objects.items()]:
                if kind == "deployments":
                    self.put("pods", _pod_of(deployment))
        return super()._listed(plural, selector)

    def _changed(self, request: web.Request, plural: str, name: str, body: str, *, dry: bool) -> Object:
        if request.headers.get("Content-Type") != "application/strategic-merge-patch+json":
            return super()._changed(request, plural, name, body, dry=dry)
        changed = copy.deepcopy(self.objects[plural, name])
        patch = json.loads(body)["spec"]["template"]
        template = changed["spec"]["template"]
        template["metadata"] = merge_patched(template["metadata"], patch.get("metadata", {}))
        for container in patch.get("spec", {}).get("containers", []):
            _merge_env(template["spec"]["containers"][0], container["env"])
        return self.put(plural, changed)

    @asynccontextmanager
    async def site(self) -> AsyncIterator[Site]:
        """What a fault is given."""
        async with self.client() as client:
            cluster = Cluster(Path("kubeconfig"), local=True)
            yield Site(cluster, client, Shop(client), Envoys(self.envoys), "127.0.0.1:1", RUN, lambda _: None)


class Envoys(LocalProcesses):
    """Beside a pod's service, a program that asks a page of Envoy is told what the script says."""

    def __init__(self, pages: Mapping[str, Callable[[str], str]]) -> None:
        super().__init__(StateFolder(Path("nowhere")))
        self._pages = pages

    async def python(self, pod: Pod, container: str, program: str, *arguments: str) -> str:  # noqa: ARG002 - one page
        """The page that is asked for."""
        if container not in self._pages:
            raise ShopError(f"pod {pod_name(pod)} has no process {container} on this machine")
        address = urlsplit(arguments[0])
        return self._pages[container](f"{address.path}?{address.query}")


PLURALS = {
    "VirtualService": "virtualservices",
    "DestinationRule": "destinationrules",
    "AuthorizationPolicy": "authorizationpolicies",
}


def _deployment(service: str) -> Object:
    labels = {"app": service, "version": "v1", "app.kubernetes.io/component": "service"}
    container = {"name": service, "env": [{"name": "LOG_LEVEL", "value": "INFO"}]}
    return {
        "metadata": {"name": f"{service}-v1", "labels": labels, "generation": 1},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": {}}, "spec": {"containers": [container]}},
        },
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
    }


def _pod_of(deployment: Object) -> Object:
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "name": f"{deployment['metadata']['name']}-pod", "namespace": "shop"}
    return {"metadata": metadata, "spec": template["spec"], "status": {"podIP": "127.10.0.9"}}


def _merge_env(container: Object, env: list[Object]) -> None:
    known = {each["name"]: each for each in container["env"]}
    for change in env:
        known.pop(change["name"], None)
        if "$patch" not in change:
            known[change["name"]] = change
    container["env"] = [*known.values()]
