"""A cluster that keeps what is applied to it, seen through kubectl and through its API. What becomes of it is a script.

kubectl is a few lines that pass its arguments and its input on to this process, and print what comes back.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from mesh.deploy.overlay import Manifest, Overlay
from tests.http_server import serving
from tests.suspended_job.scripted_api import kubeconfig, written

_KUBECTL = """#!{python}
import json, sys, urllib.request
given = "" if sys.stdin.isatty() else sys.stdin.read()
body = json.dumps([sys.argv[1:], given]).encode()
with urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open("{server}/kubectl", body) as answer:
    code, out, err = json.load(answer)
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""
_PLURALS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "jobs": "Job", "services": "Service"}
UP = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}
COMPLETE = {"conditions": [{"type": "Complete", "status": "True"}]}


class Refusal(Exception):
    """kubectl ends with an error."""


@dataclass
class ScriptedCluster:
    """`statuses` are those of Deployments and the like, by name: up if nothing is said. `pods` are all there is."""

    overlay: Overlay
    statuses: dict[str, Any] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    routes: list[dict[str, Any]] = field(default_factory=list)  # VirtualServices as they are, whatever is applied
    groups: tuple[str, ...] = ("networking.istio.io/v1",)
    refuses: str = ""  # what the API server says to an apply
    objects: dict[tuple[str, str], Manifest] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    @property
    def applied(self) -> list[str]:
        """The kinds of what is there, in the order in which they came."""
        return [kind for kind, _ in self.objects]

    def secret(self, name: str) -> dict[str, str]:
        data: dict[str, str] = self.objects["Secret", name]["data"]
        return data

    @asynccontextmanager
    async def running(self, folder: Path) -> AsyncIterator[dict[str, str]]:
        """Listen while the block runs; yields the environment in which it is the cluster that is meant."""
        async with serving(web.post("/kubectl", self._kubectl), web.get("/{path:.*}", self._api)) as port:
            server = f"http://127.0.0.1:{port}"
            program = folder / "kubectl"
            program.write_text(_KUBECTL.format(python=sys.executable, server=server))
            program.chmod(0o755)
            yield {
                "PATH": str(folder),
                "KUBECONFIG": written(kubeconfig(server), folder),
                "ARGOSY_STATE": str(folder / "state"),
                "HOME": str(folder),
                "COLUMNS": "160",
            }

    async def _kubectl(self, request: web.Request) -> web.Response:
        arguments, given = await request.json()
        words = [word for word in arguments if not word.startswith(("--kubeconfig", "--context", "--namespace"))]
        self.asked.append(words)
        try:
            return web.json_response([0, self._answer(words, given), ""])
        except Refusal as refusal:
            return web.json_response([1, "", str(refusal)])

    def _answer(self, words: list[str], given: str) -> str:
        documents = [one for one in yaml.safe_load_all(given) if one]
        match words:
            case ["kustomize", _]:
                return yaml.safe_dump_all(self.overlay.objects)
            case ["get", what, *_]:
                return json.dumps(self._get(what, documents))
            case ["apply", *_] if not self.refuses:
                self.objects |= {_key(one): one for one in documents}
                return json.dumps(_list(documents))
            case ["delete", kind, *names]:
                return self._delete(kind, names)
            case ["logs", *_]:
                return "the last words"
        raise Refusal(self.refuses or f"no such thing: {words}")

    def _get(self, what: str, documents: list[Manifest]) -> dict[str, Any]:
        match what:
            case "--raw=/version":
                return {"gitVersion": "v1.36.1"}
            case "--raw=/apis":
                return {"groups": [{"name": _group(one), "versions": [{"groupVersion": one}]} for one in self.groups]}
            case "mutatingwebhookconfigurations":
                return _list([{"webhooks": [{"name": "namespace.sidecar-injector.istio.io"}]}])
            case "storageclasses":
                return _list([{"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}])
            case "--filename=-":
                return _list([self.objects[_key(one)] for one in documents if _key(one) in self.objects])
        return _list([one for (kind, _), one in self.objects.items() if f"{kind.lower()}s" == what])

    def _delete(self, kind: str, names: list[str]) -> str:
        gone = [key for key in self.objects if kind == "namespace" or (key[0].lower() == kind and key[1] in names)]
        for key in gone:
            del self.objects[key]
        return "deleted" if gone else ""

    async def _api(self, request: web.Request) -> web.Response:
        *_, before, last = request.path.split("/")
        if before == "services":
            return _json(
                {"metadata": {"name": last}, "spec": {"ports": [{"name": "grpc", "port": 8080, "nodePort": 30808}]}}
            )
        items = self.pods if last == "pods" and "shop" in request.path else []
        if last == "virtualservices":
            items = self.routes
        if last in _PLURALS:
            items = [self._with_status(one) for (kind, _), one in self.objects.items() if kind == _PLURALS[last]]
        return _json({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})

    def _with_status(self, one: Manifest) -> Manifest:
        name = one["metadata"]["name"]
        status = self.statuses.get(name, COMPLETE if one["kind"] == "Job" else UP)
        metadata = {**one["metadata"], "generation": 1, "uid": name}
        return {**one, "metadata": metadata, "status": status}


def _key(one: Manifest) -> tuple[str, str]:
    return one["kind"], one["metadata"]["name"]


def _group(version: str) -> str:
    return version.partition("/")[0]


def _list(items: list[Any]) -> dict[str, Any]:
    return {"kind": "List", "items": items}


def _json(content: dict[str, Any]) -> web.Response:
    return web.Response(body=json.dumps(content), headers={"Content-Type": "application/json"})
