"""`argosy audit` before a scripted Kubernetes API: what it asks for, what it makes of the answers, what it leaves."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

from mesh.audit.job import AuditImpossible, Said, run_auditor

REPORT = {"verdict": "clean", "orders": {"total": 1, "CONFIRMED": 1}, "discrepancies": []}
LOG = f'{{"level":"INFO","message":"starting"}}\n{json.dumps(REPORT)}\nlast words\n'
CRON_JOB = {
    "apiVersion": "batch/v1",
    "kind": "CronJob",
    "metadata": {"name": "auditor", "namespace": "shop"},
    "spec": {
        "schedule": "17 3 * * *",
        "jobTemplate": {
            "metadata": {"labels": {"app": "auditor"}},
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{"name": "auditor", "command": ["python", "-m", "services.auditor"]}],
                    }
                },
            },
        },
    },
}
BARE = {"image": "", "imageID": "", "ready": False, "restartCount": 0}
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def ended(exit_code: int) -> dict[str, Any]:
    return {"terminated": {"exitCode": exit_code}}


@dataclass
class ScriptedApi:
    """An API server in which the auditor's container goes through `states`."""

    states: list[dict[str, Any]]
    log: str = LOG
    cron_job: dict[str, Any] | None = field(default_factory=lambda: CRON_JOB)
    phase: str = "Running"
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        match request.method, request.url.path.split("/")[-2:]:
            case "GET", ["cronjobs", "auditor"] if self.cron_job:
                return httpx2.Response(200, json=self.cron_job)
            case "POST", [_, "jobs"]:
                job = json.loads(request.content)
                self.jobs[job["metadata"]["name"]] = job
                return httpx2.Response(201, json=job)
            case "GET", [_, "pods"]:
                return httpx2.Response(200, json=self._pods(request.url.params["labelSelector"]))
            case "GET", [_, "log"]:
                return httpx2.Response(200, text=self.log)
            case "DELETE", ["jobs", name]:
                self.deleted.append(name)
                return httpx2.Response(200, json=self.jobs[name])
            case _:
                return httpx2.Response(404, json={"kind": "Status", "code": 404, "message": "there is no such thing"})

    def _pods(self, selector: str) -> dict[str, Any]:
        assert selector in {f"job-name={name}" for name in self.jobs}
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        pod = {
            "metadata": {"name": "auditor-pod", "namespace": "shop"},
            "status": {
                "phase": self.phase,
                "containerStatuses": [
                    {
                        "name": "istio-proxy",
                        "image": "",
                        "imageID": "",
                        "ready": True,
                        "restartCount": 0,
                        "state": RUNNING,
                    },
                    {"name": "auditor", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state},
                ],
            },
        }
        return {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [pod]}


async def run(api: ScriptedApi, timeout: float = 30.0) -> Said:
    config = KubeConfig.from_one(cluster=Cluster(server="http://api.test"), user=User(token="scripted"))
    client = AsyncClient(config=config, namespace="shop", transport=httpx2.MockTransport(api.answer))

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    try:
        return await run_auditor(client, "shop", settle=5.0, timeout=timeout, sleep=at_once)
    finally:
        await client.close()


@pytest.mark.parametrize("exit_code", [0, 1, 3])
async def test_the_report_is_found_in_the_log_and_the_exit_code_passed_on(exit_code: int) -> None:
    api = ScriptedApi([{"waiting": {"reason": "ContainerCreating"}}, RUNNING, ended(exit_code)])
    assert await run(api) == Said(REPORT, exit_code)


async def test_the_job_is_the_cron_jobs_own_and_deleted_afterwards() -> None:
    api = ScriptedApi([ended(0)])
    await run(api)
    ((name, job),) = api.jobs.items()
    assert name.startswith("auditor-")
    assert api.deleted == [name]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "services.auditor"]
    assert container["args"] == ["--json", "--settle", "5.0"]
    assert job["metadata"]["labels"] == {"app": "auditor"}


async def test_a_sidecar_that_runs_on_is_not_waited_for() -> None:
    assert (await run(ScriptedApi([ended(0)]))).exit_code == 0


@pytest.mark.parametrize(
    ("api", "why"),
    [
        (ScriptedApi([ended(0)], cron_job=None), "apply the manifests"),
        (ScriptedApi([ended(2)], log="ORDERS_SERVICE_ADDR is not set\n"), "ORDERS_SERVICE_ADDR is not set"),
        (ScriptedApi([{"waiting": {"reason": "ErrImagePull", "message": "no such image"}}]), "no such image"),
        (ScriptedApi([RUNNING], phase="Failed"), "pod failed"),
        (ScriptedApi([ended(137)], log=""), "exit code 137"),
    ],
)
async def test_an_audit_that_cannot_be_is_explained_and_leaves_no_job(api: ScriptedApi, why: str) -> None:
    with pytest.raises(AuditImpossible, match=why):
        await run(api)
    assert api.deleted == list(api.jobs)


async def test_an_audit_that_takes_too_long_is_ended_and_deleted() -> None:
    api = ScriptedApi([RUNNING])
    with pytest.raises(AuditImpossible, match="did not end within"):
        await run(api, timeout=0.3)
    assert api.deleted == list(api.jobs) != []


async def test_an_audit_that_is_interrupted_leaves_no_job() -> None:
    api = ScriptedApi([RUNNING])
    audit = asyncio.create_task(run(api))
    while not api.jobs:
        await asyncio.sleep(0)
    audit.cancel()
    with pytest.raises(asyncio.CancelledError):
        await audit
    assert api.deleted == list(api.jobs)
