"""A Kubernetes API with the mesh's objects and some Deployments: it lists, patches, creates and deletes them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

from aiohttp import web
from lightkube import AsyncClient, KubeConfig

from tests.http_server import serving
from tests.suspended_job.scripted_api import kubeconfig

Json = dict[str, Any]
RETRIES: Json = {"attempts": 1, "perTryTimeout": "400ms", "retryOn": "connect-failure"}
BUDGET: Json = {"retryBudget": {"percent": 20}}
POOL: Json = {"connectionPool": {"tcp": {"connectTimeout": "300ms"}}}
ROUTE: Json = {"http": [{"name": "mesh", "retries": RETRIES, "delegate": {"name": "catalog"}}]}
DELEGATE: Json = {"http": [{"name": "primary", "route": [{"destination": {"host": "catalog"}}]}]}
DESTINATION: Json = {
    "host": "catalog",
    "trafficPolicy": POOL | BUDGET | {"outlierDetection": {"interval": "2s"}},
    "subsets": [{"name": "v1", "labels": {"version": "v1"}, "trafficPolicy": BUDGET}],
}
READY = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}


class ScriptedMesh:
    """`objects` by plural and name; `patched` names every object in the order it was patched."""

    def __init__(self, *deployments: str) -> None:
        self.objects: dict[str, dict[str, Json]] = {
            "virtualservices": {"catalog-mesh": {"spec": deepcopy(ROUTE)}, "catalog": {"spec": deepcopy(DELEGATE)}},
            "destinationrules": {"catalog": {"spec": deepcopy(DESTINATION)}},
            "deployments": {name: _deployment(name) for name in deployments},
            "envoyfilters": {},
        }
        self.patched: list[str] = []

    def env(self, deployment: str) -> dict[str, str]:
        """The variables of a Deployment's container."""
        return {each["name"]: each["value"] for each in self._container(deployment)["env"]}

    def _container(self, deployment: str) -> Json:
        container: Json = self.objects["deployments"][deployment]["spec"]["template"]["spec"]["containers"][0]
        return container

    async def answer(self, request: web.Request) -> web.Response:
        *_, plural, name = request.path.split("/")
        if name in self.objects:  # a whole kind is asked for
            return await self._of_kind(request, name)
        known = self.objects[plural]
        if name not in known:
            return _json({"kind": "Status", "code": 404, "message": "not here"}, 404)
        match request.method:
            case "PATCH":
                self.patched.append(name)
                if refusal := self._patch(plural, name, await request.json()):
                    return _json({"kind": "Status", "code": 422, "message": refusal}, 422)
            case "DELETE":
                return _json(_whole(name, known.pop(name)))
        return _json(_whole(name, known[name]))

    async def _of_kind(self, request: web.Request, plural: str) -> web.Response:
        known = self.objects[plural]
        if request.method == "POST":
            created = await request.json()
            known[created["metadata"]["name"]] = created
            return _json(created, 201)
        return _json({"metadata": {}, "items": [_whole(name, one) for name, one in known.items()]})

    def _patch(self, plural: str, name: str, patch: Any) -> str:
        one = self.objects[plural][name]
        if plural == "deployments":
            env = self.env(name)
            for change in patch["spec"]["template"]["spec"]["containers"][0]["env"]:
                env.pop(change["name"], None)
                if "$patch" not in change:
                    env[change["name"]] = change["value"]
            self._container(name)["env"] = [{"name": key, "value": value} for key, value in env.items()]
            return ""
        test, replacement = patch
        if test["value"] != one["spec"]:
            return "the test failed"
        one["spec"] = replacement["value"]
        return ""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncClient]:
        """A client of it, while it listens."""
        async with serving(web.route("*", "/{path:.*}", self.answer)) as port:
            config = KubeConfig.from_dict(kubeconfig(f"http://127.0.0.1:{port}"))
            client = AsyncClient(config=config, namespace="shop", trust_env=False)
            try:
                yield client
            finally:
                await client.close()


def _deployment(name: str) -> Json:
    container = {"name": name.rsplit("-v", 1)[0], "env": [{"name": "LOG_LEVEL", "value": "INFO"}]}
    template = {"spec": {"containers": [container]}}
    return {"spec": {"replicas": 1, "selector": {}, "template": template}, "status": READY}


def _whole(name: str, one: Json) -> Json:
    return {"metadata": {"name": name, "namespace": "shop", "generation": 1}, **one}


def _json(content: Json, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(content), status=status, headers={"Content-Type": "application/json"})
