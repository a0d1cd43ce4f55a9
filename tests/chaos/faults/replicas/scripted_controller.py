"""A cluster in which Deployments have the pods they ask for at once: others when the template changes, or one is gone.

`idle` is a controller that does nothing any more, `log` what every pod has said, `graces` the seconds that pods were
given for their end.
"""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from mesh.chaos.site import Site
from mesh.chosen_cluster import Cluster
from mesh.local.state_folder import StateFolder
from mesh.pod_processes import LocalProcesses
from mesh.running_shop import Shop
from tests.canary.kubernetes_api import KubernetesApi, Object, merge_patched

RUN = "20261121-154500-some-run"
CAREFUL = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


class ScriptedController(KubernetesApi):
    """The API server and its controllers."""

    def __init__(self, *deployments: str) -> None:
        super().__init__()
        self.idle = False
        self.log = ""
        self.graces: list[str] = []
        self._made = 0
        for deployment in deployments:
            self.put("deployments", _deployment(deployment))
            self._reconcile(deployment)

    @asynccontextmanager
    async def site(self) -> AsyncIterator[Site]:
        """What a fault is given."""
        async with self.client() as client:
            cluster = Cluster(Path("kubeconfig"), local=True)
            processes = LocalProcesses(StateFolder(Path("nowhere")))
            yield Site(cluster, client, Shop(client), processes, "127.0.0.1:1", RUN, lambda _: None)

    def deployment(self, name: str) -> Object:
        """It as it is stored."""
        return self.objects["deployments", name]

    def pods(self, deployment: str) -> set[str]:
        """The names of its pods."""
        return {name for (plural, name), pod in self.objects.items() if plural == "pods" and _owner(pod) == deployment}

    def scale(self, deployment: str, replicas: int) -> None:
        """What somebody else does."""
        self.edit("deployments", deployment, lambda found: found["spec"].update(replicas=replicas))
        self._reconcile(deployment)

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text=self.log) if request.path.endswith("/log") else await super()._answer(request)

    def _changed(self, request: web.Request, plural: str, name: str, body: str, *, dry: bool) -> Object:
        if request.headers.get("Content-Type") == "application/strategic-merge-patch+json":
            changed = self.put(plural, _merged(self.objects[plural, name], json.loads(body)))
        else:
            self.graces += (
                [request.query["gracePeriodSeconds"]] if request.method == "DELETE" and plural == "pods" else []
            )
            owner = _owner(self.objects[plural, name]) if plural == "pods" else name
            changed, name, plural = super()._changed(request, plural, name, body, dry=dry), owner, "deployments"
        self._reconcile(name)
        return changed

    def _reconcile(self, name: str) -> None:
        if self.idle or ("deployments", name) not in self.objects:
            return
        deployment = self.deployment(name)
        wanted, template = deployment["spec"]["replicas"], deployment["spec"]["template"]
        current = sorted(one for one in self.pods(name) if self.objects["pods", one]["template"] == template)
        for old in self.pods(name) - set(current[:wanted]):
            del self.objects["pods", old]
        for _ in range(wanted - len(current)):
            self._made += 1
            self.put("pods", _pod(deployment, f"{name}-{self._made:03}"))
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
        deployment["status"] = {"observedGeneration": 1} | counts


def _deployment(name: str) -> Object:
    app, _, version = name.rpartition("-")
    labels = {"app": app, "version": version}
    container = {"name": app, "env": [{"name": "LOG_LEVEL", "value": "INFO"}]}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 30}
    return {
        "metadata": {"name": name, "labels": labels, "generation": 1},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "strategy": CAREFUL,
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _pod(deployment: Object, name: str) -> Object:
    template = copy.deepcopy(deployment["spec"]["template"])
    metadata = {**template["metadata"], "name": name, "namespace": "shop", "uid": f"uid-of-{name}"}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": metadata, "spec": template["spec"], "status": status, "template": template}


def _owner(pod: Object) -> str:
    return str(pod["metadata"]["name"]).rpartition("-")[0]


def _merged(deployment: Object, patch: Any) -> Object:
    """A strategic merge as far as Deployments need it: containers and variables go by name."""
    patch = copy.deepcopy(patch)
    containers = patch["spec"].get("template", {}).get("spec", {}).pop("containers", [])
    merged: Object = merge_patched(copy.deepcopy(deployment), patch)
    for change in containers:
        [container] = merged["spec"]["template"]["spec"]["containers"]
        known = {each["name"]: each for each in container["env"]}
        for variable in change["env"]:
            known.pop(variable["name"], None)
            if "$patch" not in variable:
                known[variable["name"]] = variable
        container["env"] = [*known.values()]
    return merged
