"""An API server that knows one suspended CronJob, whose container goes through the states of a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from lightkube import AsyncClient, KubeConfig

from tests.http_server import serving

RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}


def ended(exit_code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": exit_code}}


def service_pod(app: str, name: str, *, ready: bool = True, leaving: bool = False) -> dict[str, Any]:
    """A pod of a service."""
    leaves = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {}
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": app}, **leaves},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


@dataclass
class ScriptedApi:
    """The container of CronJob `name` goes through `states`, and has said `log`."""

    name: str
    states: list[dict[str, Any]]
    log: str = ""
    applied: bool = True
    phase: str = "Running"
    service_pods: list[dict[str, Any]] = field(default_factory=list)
    goes_on: bool = False  # whoever follows the log waits for more
    refused: str = ""  # why the Job gets no pod
    sidecar: dict[str, Any] = field(default_factory=lambda: RUNNING)
    volumes: list[dict[str, Any]] = field(default_factory=list)  # of the CronJob's pod
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    config_maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> list[str]:
        """What the one Job's container was told."""
        (job,) = self.jobs.values()
        arguments: list[str] = job["spec"]["template"]["spec"]["containers"][0]["args"]
        return arguments

    async def answer(self, request: web.Request) -> web.StreamResponse:
        match request.method, request.path.split("/")[-2:]:
            case "GET", ["cronjobs", self.name] if self.applied:
                return _json(self._cron_job())
            case "POST", [_, ("jobs" | "configmaps") as kind]:
                made = await request.json()
                (self.jobs if kind == "jobs" else self.config_maps)[made["metadata"]["name"]] = made
                return _json(made, status=201)
            case "GET", [_, ("pods" | "events") as kind]:
                items = self._pods(request.query["labelSelector"]) if kind == "pods" else [_event(self.refused)]
                return _json({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
            case "GET", [_, "log"]:
                return await self._log(request)
            case "DELETE", ["jobs" | "configmaps", name]:
                self.deleted.append(name)
                if name in self.jobs or name in self.config_maps:
                    return _json({"kind": "Status", "status": "Success"})
        missing = {"kind": "Status", "code": 404, "message": "there is no such thing"}
        return _json(missing, status=404)

    async def _log(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(self.log.encode())
        if self.goes_on and request.query.get("follow") == "true":
            await asyncio.Event().wait()
        return response

    def _cron_job(self) -> dict[str, Any]:
        container = {"name": self.name, "command": ["python", "-m", f"services.{self.name}"]}
        pod = {"spec": {"restartPolicy": "Never", "containers": [container], "volumes": self.volumes}}
        job = {"metadata": {"labels": {"app": self.name}}, "spec": {"backoffLimit": 0, "template": pod}}
        return {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": self.name, "namespace": "shop"},
            "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job},
        }

    def _pods(self, selector: str) -> list[dict[str, Any]]:
        if selector == "app.kubernetes.io/component=service":
            return self.service_pods
        assert selector in {f"job-name={name}" for name in self.jobs}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        pod = {
            "metadata": {"name": f"{self.name}-pod", "namespace": "shop"},
            "status": {
                "phase": self.phase,
                "initContainerStatuses": [_container("istio-proxy", self.sidecar)],
                "containerStatuses": [_container(self.name, state)],
            },
        }
        return [] if self.refused else [pod]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[dict[str, Any]]:
        """Listen while the block runs; yields the content of a kubeconfig."""
        async with serving(web.route("*", "/{path:.*}", self.answer)) as port:
            yield kubeconfig(f"http://127.0.0.1:{port}")

    @asynccontextmanager
    async def client(self) -> AsyncIterator[AsyncClient]:
        """A client of it."""
        async with self.served() as config:
            client = AsyncClient(config=KubeConfig.from_dict(config), namespace="shop", trust_env=False)
            try:
                yield client
            finally:
                await client.close()


def kubeconfig(server: str) -> dict[str, Any]:
    """A kubeconfig for the API at `server`. There are no certificates to verify: the system's take 60 ms to read."""
    cluster = {"server": server, "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "scripted", "cluster": cluster}],
        "users": [{"name": "scripted", "user": {"token": "none"}}],
        "contexts": [{"name": "scripted", "context": {"cluster": "scripted", "user": "scripted"}}],
        "current-context": "scripted",
    }


def written(config: dict[str, Any], folder: Path) -> str:
    """The path of a file with this kubeconfig."""
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


def _container(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state}


def _event(message: str) -> dict[str, Any]:
    return {"metadata": {"name": "refused"}, "involvedObject": {}, "reason": "FailedCreate", "message": message}


def _json(content: dict[str, Any], status: int = 200) -> web.Response:
    # Without a charset, as the API server has it: lightkube knows no other JSON.
    return web.Response(body=json.dumps(content), status=status, headers={"Content-Type": "application/json"})
