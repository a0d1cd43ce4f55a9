"""`argosy deploy` and `argosy undeploy` as processes, before a scripted cluster."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.canary.act.routes import primary, virtual_service
from tests.deploy.objects import manifest, overlay, pod_spec, waiting, workload
from tests.deploy.scripted_cluster import ScriptedCluster

pytestmark = pytest.mark.processes

CHECKOUT = Path(__file__).parents[2]
SECRET = ("catalog-database", "url")
SHOP = overlay(
    {**manifest("VirtualService", "catalog"), "apiVersion": "networking.istio.io/v1"},
    workload("StatefulSet", "postgresql", pod_spec("postgres:17", ("postgresql-passwords", "postgres"))),
    workload("Job", "catalog-migration", pod_spec("argosy:dev", SECRET)),
    workload("Deployment", "catalog-v1", pod_spec("argosy:dev", SECRET)),
)
STUCK = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}


def pod_in(state: dict[str, Any]) -> dict[str, Any]:
    """A pod of catalog-v1 with a container in this state."""
    return {
        "metadata": {
            "name": "catalog-v1-1",
            "namespace": "shop",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"apiVersion": "v1", "kind": "x", "name": "x", "uid": "catalog-v1"}],
        },
        "spec": {"containers": [{"name": "catalog"}], "initContainers": [{"name": "istio-proxy"}]},
        "status": {"phase": "Pending", "containerStatuses": [state]},
    }


async def started(environ: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", *arguments),
        cwd=CHECKOUT,
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def argosy(cluster: ScriptedCluster, folder: Path, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    async with cluster.running(folder) as environ:
        process = await started(environ, *arguments)
        out, err = await process.communicate(typed.encode())
    return process.returncode or 0, out.decode(), err.decode()


async def test_it_is_applied_in_order_and_waited_for(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    code, out, err = await argosy(cluster, tmp_path, "deploy", "kind")
    assert code == 0, err
    assert cluster.applied == ["Namespace", "Secret", "Secret", "VirtualService", "StatefulSet", "Job", "Deployment"]
    told = [err.index(word) for word in ("applied 5 objects", "database: postgresql", "migrations:", "roll-out:")]
    assert told == sorted(told)
    assert "port-forward service/gateway 8080" in out
    assert "ARGOSY_GATEWAY=NODE:30808" in out


async def test_weights_that_a_canary_has_set_are_not_set_back(tmp_path: Path) -> None:
    wanted = virtual_service(primary(v1=100, v2=0))
    by_a_canary = virtual_service(primary(v1=90, v2=10), managedFields=[{"manager": "argosy-canary"}])
    cluster = ScriptedCluster(overlay(wanted), routes=[by_a_canary])
    code, _, err = await argosy(cluster, tmp_path, "deploy", "kind")
    assert (code, cluster.applied) == (20, []), err
    assert "left catalog at v1 90 %, v2 10 %" in err


async def test_a_second_time_it_does_nothing_and_says_so(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    passwords = cluster.secret("postgresql-passwords")
    code, out, err = await argosy(cluster, tmp_path, "deploy", "kind", "--json")
    assert (code, json.loads(out)["changed"]) == (0, [])
    assert "nothing changed" in err
    assert "nothing to do" in err
    assert cluster.secret("postgresql-passwords") == passwords
    assert not any(words[0] == "delete" for words in cluster.asked)


async def test_a_new_image_replaces_the_migration_that_has_ended(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    cluster.objects["Job", "catalog-migration"]["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    objects = [*SHOP.objects]
    objects[3] = workload("Job", "catalog-migration", pod_spec("argosy:next", SECRET))
    cluster.overlay = replace(SHOP, objects=objects)
    code, out, _ = await argosy(cluster, tmp_path, "deploy", "kind", "--json")
    assert (code, json.loads(out)["changed"]) == (0, ["job/catalog-migration"])
    assert ["delete", "job", "--wait", "catalog-migration"] in cluster.asked


async def test_a_migration_at_work_is_not_replaced(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    before = cluster.objects["Job", "catalog-migration"]
    before["spec"]["template"]["spec"] = pod_spec("argosy:old", SECRET)
    before["status"] = {"active": 1, "ready": 1}
    code, _, err = await argosy(cluster, tmp_path, "deploy", "kind", "--timeout", "1")
    assert code == 8
    assert "still at work: catalog-migration" in err
    assert cluster.objects["Job", "catalog-migration"] is before


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        (waiting("ImagePullBackOff"), "kind load docker-image argosy:dev"),
        (waiting("CrashLoopBackOff", restarts=3), "the last words"),
    ],
    ids=["no image", "crashes"],
)
async def test_what_does_not_come_up_by_itself_ends_it_at_once_with_advice(
    state: dict[str, Any], advice: str, tmp_path: Path
) -> None:
    cluster = ScriptedCluster(SHOP, {"catalog-v1": STUCK}, [pod_in(state)])
    code, _, err = await argosy(cluster, tmp_path, "deploy", "kind")
    assert code == 7
    assert advice in err
    assert "go on with `argosy deploy kind`" in err
    assert ("Deployment", "catalog-v1") in cluster.objects


async def test_what_takes_too_long_is_named(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP, {"catalog-v1": STUCK})
    code, _, err = await argosy(cluster, tmp_path, "deploy", "kind", "--timeout", "1")
    assert code == 8
    assert "roll-out not complete in time: catalog-v1: 0 of 1 available" in err


async def test_a_cluster_without_istio_is_left_as_it_is(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP, groups=())
    code, _, err = await argosy(cluster, tmp_path, "deploy", "kind")
    assert (code, cluster.objects) == (3, {})
    assert "context scripted: it does not know networking.istio.io/v1; install Istio first" in err


async def test_what_the_api_server_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    code, _, err = await argosy(ScriptedCluster(SHOP, refuses="weight -1 is negative"), tmp_path, "deploy", "kind")
    assert code == 1
    assert "weight -1 is negative" in err


@pytest.mark.parametrize("command", [["deploy"], ["undeploy", "--yes"]], ids=" ".join)
async def test_the_local_cluster_is_not_what_is_meant(command: list[str], tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    async with cluster.running(tmp_path) as environ:
        del environ["KUBECONFIG"]
        process = await started(environ, *command)
        _, err = await process.communicate()
    assert process.returncode == 4
    assert b"export KUBECONFIG" in err
    assert b"argosy up" in err
    assert cluster.asked == []


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
async def test_interrupted_it_leaves_everything_and_says_how_to_go_on(signum: signal.Signals, tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP, {"catalog-v1": STUCK})
    async with cluster.running(tmp_path) as environ:
        process = await started(environ, "deploy", "kind")
        assert process.stderr
        while b"migrations:" not in (line := await process.stderr.readline()):
            assert line
        process.send_signal(signum)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert b"nothing is taken back. Go on with `argosy deploy kind`" in err
    assert ("Deployment", "catalog-v1") in cluster.objects


async def test_undeploy_removes_the_namespace_and_has_nothing_to_do_the_second_time(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    code, _, err = await argosy(cluster, tmp_path, "undeploy", "--yes")
    assert (code, cluster.objects) == (0, {})
    assert "nothing of it is kept" in err
    code, _, err = await argosy(cluster, tmp_path, "undeploy", "--yes")
    assert code == 0
    assert "there is no namespace shop" in err


async def test_undeploy_asks_first(tmp_path: Path) -> None:
    cluster = ScriptedCluster(SHOP)
    assert (await argosy(cluster, tmp_path, "deploy", "kind"))[0] == 0
    code, out, _ = await argosy(cluster, tmp_path, "undeploy", typed="n\n")
    assert "namespace shop of context scripted" in out
    assert (code, bool(cluster.objects)) == (1, True)
    assert (await argosy(cluster, tmp_path, "undeploy", typed="y\n"))[0] == 0
    assert cluster.objects == {}
