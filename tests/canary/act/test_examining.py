from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import pytest
from lightkube import ApiError, AsyncClient

from mesh.canary.act.examining import examine
from mesh.canary.act.lease import Lease
from mesh.canary.act.preconditions import Finding, Level
from mesh.canary.measure.counters import Counters
from mesh.canary.measure.source import Caller, Reading
from tests.canary.act.routes import primary, virtual_service
from tests.canary.kubernetes_api import KubernetesApi, Refusal

SUBSETS = [{"name": version, "labels": {"version": version}, "trafficPolicy": {}} for version in ("v1", "v2")]
LONG_AGO = "2026-01-01T00:00:00Z"
READY = [{"type": "Ready", "status": "True"}]


class Sidecars:
    """Callers that have seen two requests more of v1 at each reading."""

    least_seconds = 0.0

    def __init__(self) -> None:
        self.reads = 0

    async def read(self) -> Reading:
        self.reads += 1
        counted = Counters(statuses={"OK": 2 * self.reads})
        return Reading(float(self.reads), {Caller("orders-1", "a", 0.0): {"v1": counted}}, (), "")


class Waiting(Sidecars):
    """Callers that never answer; `left` once nobody waits for them any more."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    async def read(self) -> Reading:
        try:
            return await asyncio.Future()
        finally:
            self.left.set()


def labelled(kind: str, name: str, version: str, **rest: Any) -> dict[str, Any]:
    labels = {"app": "catalog", "version": version}
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop", "labels": labels}, **rest}


def pod(name: str, version: str, *waiting: str) -> dict[str, Any]:
    states = [{"waiting": {"reason": reason}} for reason in waiting]
    containers = [
        {"name": "catalog", "image": "", "imageID": "", "ready": False, "restartCount": 9, "state": state}
        for state in states
    ]
    conditions = [] if waiting else READY
    return labelled("Pod", name, version, status={"conditions": conditions, "containerStatuses": containers})


@pytest.fixture
def api() -> KubernetesApi:
    made = KubernetesApi()
    made.put("virtualservices", virtual_service(primary(v1=100, v2=0)))
    made.put("destinationrules", {"metadata": {"name": "catalog"}, "spec": {"host": "catalog", "subsets": SUBSETS}})
    for version in ("v1", "v2"):
        for number in range(2):
            made.put("pods", pod(f"catalog-{version}-{number}", version))
        status = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2}
        spec: dict[str, Any] = {"selector": {}, "template": {}}
        made.put("deployments", labelled("Deployment", f"catalog-{version}", version, spec=spec, status=status))
    return made


@pytest.fixture
async def client(api: KubernetesApi) -> AsyncIterator[AsyncClient]:
    async with api.client() as client:
        yield client


async def bad(client: AsyncClient) -> list[Finding]:
    found = await examine(client, "catalog", "v1", "v2", Sidecars(), seconds=0.0)
    return [finding for finding in found if finding.level is not Level.GOOD]


async def test_a_service_with_two_ready_versions_may_start_and_nothing_is_written(
    api: KubernetesApi, client: AsyncClient
) -> None:
    assert await bad(client) == []
    assert {(method, path.rpartition("/")[2]) for method, path, _ in api.written} <= {("POST", "leases")}
    assert not [key for key in api.objects if key[0] == "leases"]  # the clock was asked by a dry run


async def test_each_version_is_judged_by_the_pods_its_subset_selects(api: KubernetesApi, client: AsyncClient) -> None:
    api.put("pods", pod("catalog-v2-1", "v2", "CrashLoopBackOff"))
    (finding,) = await bad(client)
    assert (finding.what, finding.says) == ("pods of v2", "catalog-v2-1: CrashLoopBackOff")


async def test_a_pod_that_is_leaving_counts_for_nothing(api: KubernetesApi, client: AsyncClient) -> None:
    for number in range(2):
        api.edit("pods", f"catalog-v2-{number}", lambda it: it["metadata"].update(deletionTimestamp=LONG_AGO))
    (finding,) = await bad(client)
    assert finding.says == "none is ready"


async def test_a_roll_out_under_way_refuses(api: KubernetesApi, client: AsyncClient) -> None:
    api.edit("deployments", "catalog-v1", lambda it: it["status"].update(updatedReplicas=1))
    (finding,) = await bad(client)
    assert "catalog-v1 is being rolled out" in finding.says


async def test_somebody_elses_run_refuses_with_its_holder(client: AsyncClient) -> None:
    await Lease(client, "catalog").acquire("anna@laptop pid 1 run a")
    (finding,) = await bad(client)
    assert "anna@laptop" in finding.says


async def test_an_argo_cd_application_is_looked_up_where_it_is(api: KubernetesApi, client: AsyncClient) -> None:
    tracked = {"argocd.argoproj.io/tracking-id": "shop:networking.istio.io/VirtualService:shop/catalog"}
    api.edit("virtualservices", "catalog", lambda it: it["metadata"].update(annotations=tracked))
    (finding,) = await bad(client)
    assert "Application shop cannot be read here" in finding.says


async def test_an_examination_that_fails_leaves_nobody_measuring(api: KubernetesApi, client: AsyncClient) -> None:
    def refuse(_method: str, _path: str) -> None:
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "etcd is away")

    api.before_write, source = refuse, Waiting()
    with pytest.raises(ApiError, match="etcd is away"):
        await examine(client, "catalog", "v1", "v2", source, seconds=0.0)
    async with asyncio.timeout(30):
        await source.left.wait()
